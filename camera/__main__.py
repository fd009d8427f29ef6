"""The recorder process: one supervisor a camera, retention, and the app, in one event loop."""

import asyncio
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog
import uvicorn

from camera import disk
from camera.answers import Camera
from camera.app import create_app
from camera.app_asked import Recorder
from camera.database import Database, IndexTooNew
from camera.disks import FIRST, Disks
from camera.encode import Slots
from camera.export import Export, signing_key
from camera.footage import Footage
from camera.forecast import DAY_S
from camera.index import Index
from camera.keeper import Keeper
from camera.live import Live
from camera.looks import Looks
from camera.modes import Mode
from camera.patience import Patience
from camera.qr_reader import QrReader
from camera.recording import Archive
from camera.recovery import recover
from camera.seeing import Seeing
from camera.segment import US
from camera.snapshot_taker import SnapshotTaker
from camera.snapshots import Album, Snapshots
from camera.source import BadSource, Source
from camera.states import CameraState, State
from camera.supervise import Supervisor
from camera.taking import Taking
from camera.timeline import Timeline
from camera.wired import code_reader, main_source, modes, policies, see, store, sub_source
from config.cameras import Offsite as OffsiteSettings
from config.logs import configure
from config.secret import BadSecret, read_secret
from config.settings import Camera as CameraSettings
from config.settings import Recorder as RecorderSettings
from config.settings import Settings

if TYPE_CHECKING:
    from camera.offsite import Offsite

log = structlog.get_logger()

ENCODERS = 2  # for browsers without H.265, at a time
HELD = 4  # threads of a stream that a disk which does not answer may hold
STOP_S = 2.5  # of the 3 s that a process has to end


def run(settings: Settings) -> int:
    """Record until SIGTERM or SIGINT; return 0, or 1 when the recorder cannot start or go on."""
    configure("recorder")
    if settings.recorder is None:
        log.error("the site file has no recorder")
        return 1
    disks = _disks(settings.recorder, settings.data_dir)
    if not _mounted(disks):
        return 0
    try:
        token = read_secret(settings.recorder.token_file)
        if settings.recorder.offsite:
            read_secret(settings.recorder.offsite.secret_key_file)
        disk.make_folder(settings.recorder.dir)
        lock = disk.lock(settings.recorder.dir)
        process = disk.with_reserve(settings.recorder.dir, partial(Process, settings, settings.recorder, disks, lock))
        listener = socket.create_server((settings.recorder.host, settings.recorder.port))
        # asyncio sets this only on sockets that name their protocol; without it each answer waits 40 ms for an ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (BadSecret, OSError, disk.FolderInUse, IndexTooNew, sqlite3.Error) as error:
        log.error("recorder cannot start", error=str(error))
        return 1
    with listener:
        return asyncio.run(process.serve(listener, token))


def _disks(recorder: RecorderSettings, data_dir: Path) -> Disks:
    return Disks(recorder.dir, {each.name: each.dir for each in recorder.disks}, data_dir / "recording-disks.json")


def _mounted(disks: Disks, poll_s: float = 2.0) -> bool:
    """Wait for the index' disk: nothing is written under its mount point. False: told to stop meanwhile."""
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    said = ""
    while (why := disks.missing(FIRST)) and not stopped.is_set():
        if why != said:
            log.error("the recording disk is missing: nothing is recorded", folder=str(disks.folders[FIRST]), why=why)
        said = why
        stopped.wait(poll_s)
    for number, handler in before.items():
        signal.signal(number, handler)
    return not stopped.is_set()


class Process:
    """All that runs in the recorder."""

    def __init__(self, settings: Settings, recorder: RecorderSettings, disks: Disks, lock: int) -> None:
        self._settings, self._recorder, self._lock = settings, recorder, lock
        self._database = Database(recorder.dir / disk.INDEX)
        zone = ZoneInfo(settings.site.timezone)
        self._modes = {each.name: modes(each, zone) for each in settings.cameras}
        self._index, self._timeline = Index(self._database, self._modes), Timeline(self._database)
        self._index.know_disks({each.name: str(each.dir) for each in recorder.disks})
        self._archive = Archive(recorder.dir, self._index, disks)
        self._snapshots, kept = Snapshots(recorder.dir, self._database), recorder.snapshots
        album = Album(self._snapshots, kept.keep_days * DAY_S, kept.max_bytes)
        self._keeper = Keeper(
            disks, self._index, self._timeline, policies(settings.cameras), recorder.min_free_bytes, album
        )
        self._supervisors: dict[str, Supervisor] = {}
        self._lives: list[Live] = []
        self._slots, self._looks = Slots(ENCODERS), Looks(Patience().silent_s)
        self._qr: list[QrReader] = []

    async def serve(self, listener: socket.socket, token: str) -> int:
        """Recover, then record and answer until a signal; any task that ends before is a failure."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        recover = partial(self._recover, int(time.time() * US))
        await asyncio.to_thread(disk.with_reserve, self._recorder.dir, recover)
        cameras = {each.name: each for wired in self._settings.cameras for each in self._cameras(wired)}
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(8 + HELD * len(cameras)))
        footage = self._footage()
        seeing = await asyncio.to_thread(self._see, cameras, footage)
        recorder = await asyncio.to_thread(self._facade, cameras, footage, seeing)
        server = _server(create_app(recorder, token, seeing))
        tasks = [asyncio.create_task(each.run()) for each in self._supervisors.values()]
        tasks += [asyncio.create_task(each.run()) for each in self._qr]
        tasks.append(asyncio.create_task(seeing.run()))
        tasks.append(asyncio.create_task(recorder.taker.run()))
        tasks.append(asyncio.create_task(self._keeper.run()))
        if self._recorder.offsite:
            tasks.append(asyncio.create_task(self._offsite(self._recorder.offsite).run()))
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        log.info("ready", port=self._recorder.port, cameras=len(cameras))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([stopping, serving, *tasks], return_when=asyncio.FIRST_COMPLETED)
        failed = [task for task in (serving, *tasks) if task.done()]
        stopping.cancel()
        server.end()
        await self._end(tasks, serving)
        for task in failed:
            log.error("recorder failed", exc_info=task.exception())
        return 1 if failed else 0

    def _recover(self, now_us: int) -> None:
        recover(self._archive, self._timeline, now_us)
        if taken := self._snapshots.recover(now_us):
            log.warning("pictures of events taken in", count=taken)

    async def _end(self, tasks: Sequence[asyncio.Task[None]], serving: asyncio.Task[None]) -> None:
        """Take in the open files, close the connections, all at once."""
        for task in tasks:
            task.cancel()
        closing = [asyncio.create_task(live.close()) for live in self._lives]
        await asyncio.wait([*tasks, *closing, serving], timeout=STOP_S)
        self._database.close()
        log.info("stopped")

    def _cameras(self, wired: CameraSettings) -> Iterator[Camera]:
        """Yield a camera and its sub stream; one whose address is wrong is shown as such and never started."""
        label = {"zh": wired.label.zh, "en": wired.label.en}
        try:
            source = main_source(wired)
        except (BadSource, BadSecret) as error:
            log.error("camera misconfigured", camera=wired.name, error=str(error))
            state = CameraState(wired.name, State.MISCONFIGURED, time.time())
            yield Camera(wired.name, label, wired.doors, None, lambda: state)
            return
        supervisor = self._supervise(wired, source, wired.audio)
        codes, sub = code_reader(wired), sub_source(wired)
        self._qr += [codes] if codes else []
        live, h264 = self._live(source)
        name, clocks = sub.camera if sub else None, lambda: supervisor.clocks
        yield Camera(wired.name, label, wired.doors, live, lambda: supervisor.state, codes, h264, clocks, name)
        if sub and wired.sub:
            shown = CameraState(sub.camera, State.NOT_RECORDED, time.time())
            recorded = self._supervise(wired, sub) if wired.sub.record else None
            state_of = (lambda: recorded.state) if recorded else (lambda: shown)
            live, h264 = self._live(sub)
            yield Camera(sub.camera, label, wired.doors, live, state_of, live_h264=h264, main=wired.name)

    def _live(self, source: Source) -> tuple[Live, Live]:
        """Prepare a stream's live view, as it is and for browsers that cannot show it."""
        self._lives += [Live(source), Live(source, slots=self._slots)]
        return self._lives[-2], self._lives[-1]

    def _supervise(self, wired: CameraSettings, source: Source, audio: bool = False) -> Supervisor:
        """Prepare a stream's recording; no two close their files in the same second."""
        segment_s, streams = self._recorder.segment_s, sum(1 + bool(each.sub) for each in self._settings.cameras)
        number = len(self._supervisors)
        self._supervisors[source.camera] = Supervisor(
            source,
            self._archive,
            self._lock,
            self._looks,
            segment_s,
            number * segment_s // streams,
            audio,
            announce=self._heard,
            why_not=partial(self._why_not, wired.name),
            place=partial(self._archive.disks.place, source.camera, number, wired.disk),
        )
        return self._supervisors[source.camera]

    def _why_not(self, camera: str) -> State | None:
        """Say why a camera may not be recorded now."""
        return State.NOT_SCHEDULED if self._modes[camera].at(time.time_ns() // 1000) is Mode.OFF else None

    def _heard(self, state: CameraState) -> None:
        if state.state is State.DISK_FULL:
            self._keeper.hurry()

    def _offsite(self, wired: OffsiteSettings) -> "Offsite":
        from camera.offsite import Offsite
        from camera.s3 import S3

        root = self._recorder.dir
        key = signing_key(root / disk.SIGNING_KEY)
        return Offsite(root, self._index, self._timeline, S3(store(wired)), key)

    def _footage(self) -> Footage:
        newest = {name: supervisor.open_segments for name, supervisor in self._supervisors.items()}
        return Footage(self._recorder.dir, self._timeline, newest, lambda: self._archive.disks.there().values())

    def _facade(self, cameras: dict[str, Camera], footage: Footage, seeing: Seeing) -> Recorder:
        root = self._recorder.dir
        export = Export(footage, signing_key(root / disk.SIGNING_KEY))
        free_bytes = self._keeper.free_bytes
        taking = Taking(root, footage, export, partial(disk.free_bytes, root))
        width = self._recorder.snapshots.width
        taker = SnapshotTaker(self._snapshots, footage, self._timeline, width, seeing.drawings)
        return Recorder(
            cameras, self._index, self._timeline, footage, free_bytes, taking, self._keeper.forecast, self._slots,
            self._snapshots, taker,
        )  # fmt: skip

    def _see(self, cameras: dict[str, Camera], footage: Footage) -> Seeing:
        states = {name: camera.state for name, camera in cameras.items()}
        where = ZoneInfo(self._settings.site.timezone)
        wired, root = self._settings.cameras, self._recorder.dir
        return see(wired, root, where, self._database, self._index.add_mark, footage, states)


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers: the process has its own; and at rest while nobody asks for anything."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def main_loop(self) -> None:
        """Wait. Ticking ten times a second, as uvicorn does for its answers' Date, costs as much as a camera."""
        await self._ending.wait()

    def end(self) -> None:
        """Answer what is asked, and end."""
        self.should_exit = True
        self._ending.set()


def _server(app: object) -> _Server:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type] # FastAPI is an ASGI application; uvicorn's type names only callables
        log_config=None,
        access_log=False,
        date_header=False,  # the management plane's answers have one
        lifespan="off",
        ws_ping_interval=20,
        ws_max_queue=8,
        timeout_graceful_shutdown=1,
    )
    return _Server(config)

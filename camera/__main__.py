"""The recorder process: one supervisor a camera, retention, and the app, in one event loop."""

import asyncio
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
import uvicorn

from camera import disk
from camera.answers import Camera
from camera.app import create_app
from camera.app_asked import Recorder
from camera.database import Database, IndexTooNew
from camera.encode import Slots
from camera.export import Export, signing_key
from camera.footage import Footage
from camera.forecast import Forecast, Rate, forecast
from camera.index import Index
from camera.live import Live
from camera.qr_reader import QrReader
from camera.recording import Archive
from camera.recovery import recover
from camera.retention import DAY_US, Policy, Retention
from camera.seeing import Seeing
from camera.segment import US
from camera.source import BadSource, Source
from camera.states import CameraState, State
from camera.supervise import Supervisor
from camera.taking import Taking
from camera.timeline import Timeline
from camera.wired import code_reader, main_source, see
from config.logs import configure
from config.secret import BadSecret, read_secret
from config.settings import Camera as CameraSettings
from config.settings import Recorder as RecorderSettings
from config.settings import Settings

log = structlog.get_logger()

SWEEP_S = 30.0
ENCODERS = 2  # for browsers without H.265, at a time
STOP_S = 2.5  # of the 3 s that a process has to end


def run(settings: Settings) -> int:
    """Record until SIGTERM or SIGINT; return 0, or 1 when the recorder cannot start or go on."""
    configure("recorder")
    if settings.recorder is None:
        log.error("the site file has no recorder")
        return 1
    if not _mounted(settings.recorder.dir):
        return 0
    try:
        token = read_secret(settings.recorder.token_file)
        disk.make_folder(settings.recorder.dir)
        lock = disk.lock(settings.recorder.dir)
        process = Process(settings, settings.recorder, lock)
        listener = socket.create_server((settings.recorder.host, settings.recorder.port))
        # asyncio sets this only on sockets that name their protocol; without it each answer waits 40 ms for an ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (BadSecret, OSError, disk.FolderInUse, IndexTooNew, sqlite3.Error) as error:
        log.error("recorder cannot start", error=str(error))
        return 1
    with listener:
        return asyncio.run(process.serve(listener, token))


def _mounted(root: Path, poll_s: float = 2.0) -> bool:
    """Wait for the recordings' disk: nothing is written under its mount point. False: told to stop meanwhile."""
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    said: Path | None = None
    while (missing := disk.missing_mount(root)) and not stopped.is_set():
        if missing != said:
            log.error("the recording disk is not mounted: nothing is recorded", mount=str(missing))
        said = missing
        stopped.wait(poll_s)
    for number, handler in before.items():
        signal.signal(number, handler)
    return not stopped.is_set()


class Process:
    """All that runs in the recorder."""

    def __init__(self, settings: Settings, recorder: RecorderSettings, lock: int) -> None:
        self._settings, self._recorder, self._lock = settings, recorder, lock
        self._database = Database(recorder.dir / disk.INDEX)
        self._index, self._timeline = Index(self._database), Timeline(self._database)
        self._archive = Archive(recorder.dir, self._index)
        self._full = asyncio.Event()
        self._supervisors: dict[str, Supervisor] = {}
        self._lives: list[Live] = []
        self._slots = Slots(ENCODERS)
        self._qr: list[QrReader] = []

    async def serve(self, listener: socket.socket, token: str) -> int:
        """Recover, then record and answer until a signal; any task that ends before is a failure."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await asyncio.to_thread(recover, self._archive, self._timeline, int(time.time() * US))
        cameras = {each.name: self._camera(n, each) for n, each in enumerate(self._settings.cameras)}
        recorder = await asyncio.to_thread(self._facade, cameras)
        seeing = await asyncio.to_thread(self._see, cameras, recorder.footage)
        server = _server(create_app(recorder, token, seeing))
        tasks = [asyncio.create_task(each.run()) for each in self._supervisors.values()]
        tasks += [asyncio.create_task(each.run()) for each in self._qr]
        tasks += [asyncio.create_task(each.run()) for each in seeing.watchers.values()]
        tasks.append(asyncio.create_task(seeing.forget()))
        tasks.append(asyncio.create_task(self._retain()))
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        log.info("ready", port=self._recorder.port, cameras=len(cameras))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([stopping, serving, *tasks], return_when=asyncio.FIRST_COMPLETED)
        failed = [task for task in (serving, *tasks) if task.done()]
        stopping.cancel()
        server.should_exit = True
        await self._end(tasks, serving)
        for task in failed:
            log.error("recorder failed", exc_info=task.exception())
        return 1 if failed else 0

    async def _end(self, tasks: Sequence[asyncio.Task[None]], serving: asyncio.Task[None]) -> None:
        """Take in the open files, close the connections, all at once."""
        for task in tasks:
            task.cancel()
        closing = [asyncio.create_task(live.close()) for live in self._lives]
        await asyncio.wait([*tasks, *closing, serving], timeout=STOP_S)
        self._database.close()
        log.info("stopped")

    def _camera(self, number: int, wired: CameraSettings) -> Camera:
        """Return a camera; one whose address is wrong is shown as such and never started."""
        label = {"zh": wired.label.zh, "en": wired.label.en}
        try:
            source = main_source(wired)
        except (BadSource, BadSecret) as error:
            log.error("camera misconfigured", camera=wired.name, error=str(error))
            state = CameraState(wired.name, State.MISCONFIGURED, time.time())
            return Camera(wired.name, label, wired.doors, None, lambda: state)
        supervisor = self._supervise(number, source)
        live, live_h264 = Live(source), Live(source, slots=self._slots)
        self._lives += [live, live_h264]
        codes = code_reader(wired)
        self._qr += [codes] if codes else []
        return Camera(wired.name, label, wired.doors, live, lambda: supervisor.state, codes, live_h264)

    def _supervise(self, number: int, source: Source) -> Supervisor:
        segment_s = self._recorder.segment_s
        offset_s = number * segment_s // max(1, len(self._settings.cameras))
        supervisor = Supervisor(source, self._archive, self._lock, segment_s, offset_s, announce=self._heard)
        self._supervisors[source.camera] = supervisor
        return supervisor

    def _heard(self, state: CameraState) -> None:
        if state.state is State.DISK_FULL:
            self._full.set()

    def _facade(self, cameras: dict[str, Camera]) -> Recorder:
        newest = {name: supervisor.open_segments for name, supervisor in self._supervisors.items()}
        root = self._recorder.dir
        footage = Footage(root, self._timeline, newest)
        export = Export(footage, signing_key(root / disk.SIGNING_KEY))
        free_bytes = partial(disk.free_bytes, root)
        taking = Taking(root, footage, export, free_bytes)
        return Recorder(cameras, self._index, self._timeline, footage, free_bytes, taking, self._forecast, self._slots)

    def _see(self, cameras: dict[str, Camera], footage: Footage) -> Seeing:
        states = {name: camera.state for name, camera in cameras.items()}
        where = ZoneInfo(self._settings.site.timezone)
        wired, root = self._settings.cameras, self._recorder.dir
        return see(wired, root, where, self._database, self._index.add_mark, footage, states)

    def _forecast(self) -> Forecast:
        """How long the disk lasts at the rate of the last day."""
        now_us = int(time.time() * US)
        rates = {}
        for each in self._settings.cameras:
            size, seconds = self._timeline.rate(each.name, now_us - DAY_US, now_us)
            rates[each.name] = Rate(size, seconds, each.retention.max_age_h * 3600, each.retention.max_bytes)
        used = sum(self._timeline.used_bytes().values())
        return forecast(rates, used + disk.free_bytes(self._recorder.dir) - self._recorder.min_free_bytes)

    async def _retain(self) -> None:
        """Sweep now, then every while, and at once when the disk is full."""
        policies = {
            each.name: Policy(each.retention.max_age_h * 3600, each.retention.max_bytes)
            for each in self._settings.cameras
        }
        root, free = self._recorder.dir, self._recorder.min_free_bytes
        retention = Retention(root, self._index, self._timeline, policies, free)
        while True:
            await asyncio.to_thread(_swept, retention)
            self._full.clear()
            try:
                async with asyncio.timeout(SWEEP_S):
                    await self._full.wait()
            except TimeoutError:
                continue


def _swept(retention: Retention) -> None:
    try:
        retention.sweep(int(time.time() * US))
    except (OSError, sqlite3.Error) as error:  # a file that cannot go must not end the sweeps
        log.error("retention failed", error=str(error))


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers: the process has its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def _server(app: object) -> _Server:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type] # FastAPI is an ASGI application; uvicorn's type names only callables
        log_config=None,
        access_log=False,
        lifespan="off",
        ws_ping_interval=20,
        ws_max_queue=8,
        timeout_graceful_shutdown=1,
    )
    return _Server(config)

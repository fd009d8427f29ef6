"""One camera, recorded whatever happens: start ffmpeg, watch its bytes, take in its files, try again."""

import asyncio
import errno
import random
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from camera import disk
from camera.clocks import Clocks
from camera.command import Audio, record_command
from camera.disks import FIRST
from camera.looks import Looks
from camera.patience import Patience
from camera.process import Ffmpeg
from camera.recording import Archive
from camera.segment import Segment
from camera.source import Source
from camera.states import CameraState, State, diagnose
from camera.take import Take

log = structlog.get_logger()


class Supervisor:
    """Records one camera until it is cancelled. `state` may be asked at any time, `open_segments` in any thread."""

    def __init__(
        self,
        source: Source,
        archive: Archive,
        lock: int,
        looks: Looks,
        segment_s: int = 60,
        offset_s: int = 0,
        audio: bool = False,
        patience: Patience | None = None,
        announce: Callable[[CameraState], None] = lambda _: None,
        why_not: Callable[[], State | None] = lambda: None,
        place: Callable[[], str] = lambda: FIRST,
    ) -> None:
        """Prepare; `lock` is the folder's lock, which each ffmpeg inherits (see `camera.disk`), `looks` all cameras'.

        `why_not` says why nothing may be recorded now, or None; `place` names the disk to write to, or raises OSError.
        Both are asked at each look, in the disk's thread.
        """
        self._source = source
        self._archive = archive
        self._lock = lock
        self._looks = looks
        self._segment_s = segment_s
        self._offset_s = offset_s
        self._patience = patience or Patience()
        self._announce = announce
        self._why_not = why_not
        self._place = place
        self._audio = Audio.COPY if audio else Audio.NONE
        self._owed_gaps: deque[tuple[int, State]] = deque(maxlen=1000)  # drops the oldest
        self._takes: list[Take] = []  # the last one is being written, those before are being taken in
        self._leaving: set[asyncio.Task[None]] = set()
        self._salvaging = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop  # the one that runs it
        self.state = CameraState(source.camera, State.CONNECTING, time.time())
        self.detail = ""

    async def run(self) -> None:
        """Record; returns only by cancellation, with the last file taken in."""
        self._loop = asyncio.get_running_loop()
        failures = 0
        try:
            while True:
                await self._permission()
                began = time.monotonic()
                fault, recorded = await self._attempt()
                steady = recorded and time.monotonic() - began > self._patience.steady_s
                failures = 1 if steady else failures + 1
                await asyncio.sleep(self._patience.retry_s(failures, fault, random.random))
        finally:
            await asyncio.gather(*self._leaving, return_exceptions=True)

    def open_segments(self) -> list[Segment]:
        """Return what is whole in files that have no row yet: the newest footage."""
        return [segment for take in tuple(self._takes) for segment in take.segments()]

    @property
    def clocks(self) -> Clocks:
        """Return what is known of the camera's clock and of this machine's."""
        return self._takes[-1].measured.clocks if self._takes else Clocks()

    async def _permission(self) -> None:
        """Wait until recording is allowed; the time until then is a gap with its reason."""
        while reason := self._why_not():
            if reason is not self.state.state:
                self._owe_gap(time.time_ns() // 1000, reason)
                self._become(reason)
            await asyncio.sleep(self._patience.poll_s)

    async def _attempt(self) -> tuple[State, bool]:
        """Record once; return why it ended, and whether there was any footage."""
        self._note_gaps()
        try:
            take = await self._begin()
            process = await self._start(take)
        except (OSError, sqlite3.Error) as error:  # no folder, no row, no ffmpeg: the camera is tried again
            log.error("cannot record", camera=self._source.camera, error=str(error))
            fault = State.DISK_FULL if disk.is_full(error) else State.NO_STORAGE
            self._become(fault, str(error))
            return fault, False
        self._takes.append(take)
        self._beside(self._left_before(take))
        return await self._record(take, process)

    async def _begin(self) -> Take:
        now_us = time.time_ns() // 1000
        run = await asyncio.to_thread(self._archive.begin, self._source.camera, now_us)
        place = self._place()
        try:
            async with asyncio.timeout(self._patience.silent_s):
                return Take(run, await asyncio.to_thread(self._archive.incoming, self._source.camera, place), place)
        except TimeoutError as error:
            raise OSError(errno.ETIMEDOUT, "the recording disk does not answer") from error

    async def _start(self, take: Take) -> Ffmpeg:
        command = record_command(take.folder, take.run.id, self._segment_s, self._offset_s, self._audio)
        script = self._source.script(sound=self._audio is not Audio.NONE)
        return await Ffmpeg.start(command, script, self._source.scrub, (self._lock,))

    async def _record(self, take: Take, process: Ffmpeg) -> tuple[State, bool]:
        """Watch one ffmpeg to its end. What it leaves is taken in while the next one already connects."""
        lines = asyncio.create_task(self._take_in(process, take))
        fault = State.RECORDER_STOPPED
        try:
            fault = await self._watch(process, take)
        finally:
            await process.stop(self._patience.stop_s)
            await self._looks.now(take.segments)  # its last words
            take.ended = True
            end_us = take.end_us or take.footage_end_us
            self._owe_gap(end_us or take.clock.now_us(), fault)
            self._become(fault, process.said)
            self._beside(self._leave(take, lines, fault))
        return fault, bool(end_us)

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something while the recording goes on."""
        task = asyncio.create_task(work)
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _watch(self, process: Ffmpeg, take: Take) -> State:
        """Wait until there is a fault; any end of ffmpeg is one."""
        began_s = time.monotonic()
        gone = asyncio.create_task(process.wait())
        fault = self._looks.watch(take.place, partial(self._pause_s, began_s), partial(self._look, take, began_s))
        try:
            either: tuple[asyncio.Future[Any], ...] = gone, fault
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not gone.done():
                return fault.result() or State.NO_STORAGE
            if not await self._looks.now(take.grow):
                return State.NO_STORAGE
            self._recording(take)
            return self._why_gone(process.said)
        finally:
            gone.cancel()
            fault.cancel()

    def _pause_s(self, began_s: float) -> float:
        steady = time.monotonic() - began_s > self._patience.steady_s
        return self._patience.calm_s if steady else self._patience.poll_s

    def _look(self, take: Take, began_s: float) -> State | None:
        """Look at the growing file; return the fault, if there is one. Runs in the disk's thread."""
        try:
            if take.grow():
                self._archive.disks.seen(take.place)
        except OSError as error:
            log.error("disk fails", camera=take.run.camera, error=str(error))
            return State.NO_STORAGE
        if self.state.state is not State.RECORDING:
            self._loop.call_soon_threadsafe(self._recording, take)
        if reason := self._why_not() or self._misplaced(take):
            return reason
        if take.clock.stepped_s() > self._patience.clock_step_s:
            return State.CLOCK_STEPPED
        if take.run.leapt:
            return State.STREAM_LEAPT
        if take.changed:
            return State.CODEC_CHANGED
        limit_s = self._patience.silent_s if take.grown_s else self._patience.connect_s
        return State.STALLED if time.monotonic() - (take.grown_s or began_s) > limit_s else None

    def _misplaced(self, take: Take) -> State | None:
        """Tell whether the run's disk is gone, or its own one is back."""
        try:
            return None if self._place() == take.place else State.DISK_CHANGED
        except OSError as error:
            return State.DISK_FULL if disk.is_full(error) else State.NO_STORAGE

    def _why_gone(self, said: str) -> State:
        """Return why ffmpeg left. Sound that MP4 cannot hold is coded anew from now on."""
        if self._audio is Audio.COPY and "Could not find tag for codec" in said:
            self._audio = Audio.AAC
            return State.CODEC_CHANGED
        return diagnose(said)

    def _recording(self, take: Take) -> None:
        if self.state.state is not State.RECORDING and not take.ended and take.run.anchor.at_us is not None:
            self._become(State.RECORDING)
            self._archive.index.close_gap(take.run.camera, take.run.anchor.at_us)

    async def _take_in(self, process: Ffmpeg, take: Take) -> None:
        """Make each file that ffmpeg reports complete into footage. What fails stays in `incoming/` for later."""
        run = take.run
        async for line in process.stdout:
            try:
                name, start_us = run.finished(line.decode(), None if process.stopping else take.clock.now_us())
                known, read = take.measured, take.read_of(name)
                segment = await asyncio.to_thread(
                    self._archive.adopt, take.folder / name, run.camera, start_us, known, read=read
                )
            except Exception as error:  # noqa: BLE001 - whatever one file is, those after it are taken in
                log.error("file not taken in", camera=run.camera, error=repr(error))
            else:
                take.taken_in(segment)

    async def _leave(self, take: Take, lines: asyncio.Task[None], fault: State) -> None:
        """Take in what a run left unfinished."""
        await lines
        try:
            await asyncio.to_thread(
                self._archive.index.end_run, take.run.id, take.clock.now_us(), fault, take.run.anchor.at_us
            )
            await self._salvage(take)
        except (OSError, sqlite3.Error) as error:
            log.error("end of run not noted", camera=take.run.camera, error=str(error))
        finally:
            self._takes.remove(take)

    async def _left_before(self, take: Take) -> None:
        """Take in what earlier runs had to leave in a run's folder, or a kill while its disk was away."""
        try:
            await self._salvage(take)
        except OSError as error:
            log.error("disk fails", camera=take.run.camera, error=str(error))

    async def _salvage(self, take: Take) -> None:
        """Take in what nobody writes any more in a run's folder; runs that are still being left do it themselves."""
        left = take.ended  # asked before: its lines are still read when it ends meanwhile
        async with self._salvaging:
            for path in await asyncio.to_thread(lambda: sorted(take.folder.glob("*.mp4"))):
                run = path.stem.rpartition("-")[0]
                others = {each.run.id for each in self._takes if each is not take or not left}
                if run not in others:
                    await self._salvage_file(take, path, run == take.run.id)

    async def _salvage_file(self, take: Take, path: Path, own: bool) -> None:
        camera = self._source.camera
        try:
            segment = await asyncio.to_thread(self._archive.salvage, camera, path, take.run if own else None)
            if own:
                take.taken_in(segment)
        except Exception as error:  # noqa: BLE001 - whatever one file is, those after it are taken in
            log.warning("file not salvaged", camera=camera, error=repr(error))

    def _owe_gap(self, from_us: int, reason: State) -> None:
        self._owed_gaps.append((from_us, reason))
        self._note_gaps()

    def _note_gaps(self) -> None:
        """Write the gaps that are not written yet; a full disk only delays them."""
        try:
            while self._owed_gaps:
                self._archive.index.open_gap(self._source.camera, *self._owed_gaps[0])
                self._owed_gaps.popleft()
        except sqlite3.Error as error:
            log.error("gap not noted yet", camera=self._source.camera, error=str(error))

    def _become(self, state: State, detail: str = "") -> None:
        self.detail = detail[-300:]
        if state is self.state.state:
            return
        self.state = CameraState(self._source.camera, state, time.time())
        log.info("camera", camera=self._source.camera, state=state, source=self._source.shown, said=self.detail)
        self._announce(self.state)

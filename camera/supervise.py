"""One camera, recorded whatever happens: start ffmpeg, watch its bytes, take in its files, try again."""

import asyncio
import random
import sqlite3
import time
from collections import deque
from collections.abc import Callable

import structlog

from camera import disk
from camera.command import record_command
from camera.patience import Patience
from camera.process import Ffmpeg
from camera.recording import Archive, Run, Unusable
from camera.segment import US, Segment
from camera.source import Source
from camera.states import CameraState, State, diagnose
from camera.tail import Tail

log = structlog.get_logger()


class Supervisor:
    """Records one camera until it is cancelled. `state` and `open_segments` may be asked at any time in its loop."""

    def __init__(
        self,
        source: Source,
        archive: Archive,
        lock: int,
        segment_s: int = 60,
        offset_s: int = 0,
        patience: Patience | None = None,
        announce: Callable[[CameraState], None] = lambda _: None,
    ) -> None:
        """Prepare; `lock` is the folder's lock, which each ffmpeg inherits (see `camera.disk`)."""
        self._source = source
        self._archive = archive
        self._lock = lock
        self._segment_s = segment_s
        self._offset_s = offset_s
        self._patience = patience or Patience()
        self._announce = announce
        self._hevc = False
        self._owed_gaps: deque[tuple[int, State]] = deque(maxlen=1000)  # drops the oldest
        self._run: Run | None = None
        self._tails: dict[int, Tail] = {}
        self._newest = 0
        self._footage_end_us = 0
        self.state = CameraState(source.camera, State.CONNECTING, time.time())
        self.detail = ""

    async def run(self) -> None:
        """Record; returns only by cancellation, with the last file taken in."""
        failures = 0
        while True:
            began = time.monotonic()
            try:
                fault = await self._record()
            except (OSError, sqlite3.Error) as error:  # no folder, no row, no ffmpeg: the camera is tried again
                log.error("cannot record", camera=self._source.camera, error=str(error))
                fault = State.DISK_FULL if disk.is_full(error) else State.NO_STORAGE
                self._become(fault, str(error))
            steady = self._footage_end_us and time.monotonic() - began > self._patience.steady_s
            failures = 1 if steady else failures + 1
            await asyncio.sleep(self._patience.retry_s(failures, fault, random.random))

    def open_segments(self) -> list[Segment]:
        """Return what is whole in files that have no row yet: the newest footage."""
        run, found = self._run, []
        for number, tail in sorted(self._tails.items()):
            stream_us = run.starts_us(number) if run else None
            start_us = run.anchor.wall_us(stream_us) if run and stream_us is not None else None
            segment = tail.segment(start_us) if start_us is not None else None
            found += [segment] if segment else []
        return found

    async def _record(self) -> State:
        """Run one ffmpeg from its start to its end; return why it ended."""
        clock = Clock()
        self._note_gaps()
        await self._salvage()
        run = await asyncio.to_thread(self._archive.begin, self._source.camera, clock.now_us())
        folder = await asyncio.to_thread(self._archive.incoming, self._source.camera)
        command = record_command(folder, run.id, self._segment_s, self._offset_s, self._hevc)
        process = await Ffmpeg.start(command, self._source.script(), self._source.scrub, (self._lock,))
        self._run, self._tails, self._newest, self._footage_end_us = run, {}, 0, 0
        lines = asyncio.create_task(self._take_in(process, run, clock))
        fault = State.RECORDER_STOPPED
        try:
            fault = await self._watch(process, run, clock)
        finally:
            await process.stop(self._patience.stop_s)
            await lines
            await self._leave(run, clock, fault, process.said)
        return fault

    async def _watch(self, process: Ffmpeg, run: Run, clock: "Clock") -> State:
        """Look at the growing file until there is a fault; any end of ffmpeg is one."""
        gone = asyncio.create_task(process.wait())
        quiet_since, started = time.monotonic(), False
        try:
            while True:
                await asyncio.wait([gone], timeout=self._patience.poll_s)
                if self._grow(run, clock):
                    quiet_since, started = time.monotonic(), True
                if gone.done():
                    return diagnose(process.said)
                if clock.stepped_s() > self._patience.clock_step_s:
                    return State.CLOCK_STEPPED
                if self._is_untagged_hevc():
                    return State.CODEC_CHANGED
                limit_s = self._patience.silent_s if started else self._patience.connect_s
                if time.monotonic() - quiet_since > limit_s:
                    return State.STALLED
        finally:
            gone.cancel()

    def _grow(self, run: Run, clock: "Clock") -> bool:
        """Look at the open file, and whether the next one has begun; tell whether bytes came."""
        grew = False
        for n in (self._newest, self._newest + 1):
            tail = self._tails.get(n) or Tail(run.camera, self._archive.incoming(run.camera) / f"{run.id}-{n:06d}.mp4")
            if tail.grow():
                self._tails[n], self._newest, grew = tail, n, True
                self._observe(run, n, tail, clock)
        return grew

    def _observe(self, run: Run, number: int, tail: Tail, clock: "Clock") -> None:
        stream_us = run.starts_us(number)
        if stream_us is None or not tail.stream_us:
            return
        run.anchor.observe(clock.now_us(), stream_us + tail.stream_us)
        if self.state.state is not State.RECORDING:
            self._become(State.RECORDING)
            self._archive.index.close_gap(run.camera, run.anchor.wall_us(0) or clock.now_us())

    def _is_untagged_hevc(self) -> bool:
        """H.265 shows itself in the first file; from then on ffmpeg is told to tag it for browsers."""
        first = self._tails.get(0)
        found = bool(first and first.init and first.init.codec.startswith("hev1")) and not self._hevc
        self._hevc = self._hevc or found
        return found

    async def _take_in(self, process: Ffmpeg, run: Run, clock: "Clock") -> None:
        """Make each file that ffmpeg reports complete into footage. What fails stays in `incoming/` for later."""
        async for line in process.stdout:
            try:
                name, start_us = run.finished(line.decode(), None if process.stopping else clock.now_us())
                path = self._archive.incoming(run.camera) / name
                segment = await asyncio.to_thread(self._archive.adopt, path, run.camera, start_us, run.anchor.at_us)
            except (OSError, ValueError, Unusable, sqlite3.Error) as error:
                log.error("file not taken in", camera=run.camera, error=str(error))
            else:
                self._tails.pop(segment.number, None)
                self._footage_end_us = segment.end_us

    async def _leave(self, run: Run, clock: "Clock", fault: State, said: str) -> None:
        """Take in what the run left unfinished; note the gap that begins."""
        await self._salvage(run)
        self._tails = {}
        now_us = clock.now_us()
        try:
            self._archive.index.end_run(run.id, now_us, fault, run.anchor.at_us)
        except sqlite3.Error as error:
            log.error("end of run not noted", camera=run.camera, error=str(error))
        self._owed_gaps.append((self._footage_end_us or now_us, fault))
        self._note_gaps()
        self._become(fault, said)

    async def _salvage(self, run: Run | None = None) -> None:
        """Take in each file that no ffmpeg writes any more; called when none of this camera runs."""
        camera = self._source.camera
        for path in sorted(self._archive.incoming(camera).glob(f"{run.id if run else ''}*.mp4")):
            try:
                segment = await asyncio.to_thread(self._archive.salvage, camera, path, run)
                self._footage_end_us = segment.end_us
            except (OSError, ValueError, Unusable, sqlite3.Error) as error:
                log.warning("file not salvaged", camera=camera, error=str(error))

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


class Clock:
    """Wall time that never steps: read once, then carried on by the monotonic clock."""

    def __init__(self) -> None:
        self._zero_s = time.time() - time.monotonic()

    def now_us(self) -> int:
        """Return Unix microseconds."""
        return int((self._zero_s + time.monotonic()) * US)

    def stepped_s(self) -> float:
        """Return how far the host's clock was moved since, in s."""
        return abs(time.time() - time.monotonic() - self._zero_s)

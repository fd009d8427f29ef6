"""Takes pictures of what happened at doors, as soon as the footage has them; one at a time, at low priority."""

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from camera.drawing import Drawings
from camera.footage import Footage
from camera.segment import US
from camera.snapshots import Snapshots
from camera.still import NoPicture, still
from camera.timeline import Timeline

log = structlog.get_logger()

MOST = 2000  # that wait; more are not taken
POLL_S = 0.25  # while a picture waits for its footage
PATIENCE_S = 8.0  # footage of a moment is there well within this
LOOK_BACK_S = 3600  # a start takes what the one before it did not
NOT_RECORDED, UNDECODABLE, ERASED = "not_recorded", "undecodable", "erased"


@dataclass(frozen=True, slots=True)
class Moment:
    """What is to be taken: a camera's picture of a moment, given up at `until_s` (monotonic)."""

    camera: str
    at_us: int
    until_s: float


class SnapshotTaker:
    """`want` may be called in any thread; `run` takes the pictures in one event loop."""

    def __init__(
        self, snapshots: Snapshots, footage: Footage, timeline: Timeline, width: int, drawings: Drawings
    ) -> None:
        """Prepare. `width`: pixels; privacy masks of `drawings` are black."""
        self._snapshots, self._footage, self._timeline = snapshots, footage, timeline
        self._width, self._drawings = width, drawings
        self._asked: deque[Moment] = deque()
        self._wake: Callable[[], object] = lambda: None

    def want(self, camera: str, at_us: int) -> None:
        """Ask for the picture of a moment."""
        if len(self._asked) >= MOST:
            log.error("too many pictures wait: not taken", camera=camera, at_us=at_us)
            return
        self._asked.append(Moment(camera, at_us, time.monotonic() + PATIENCE_S))
        self._wake()

    async def run(self) -> None:
        """Take what is asked for, and what a killed recorder left, until cancelled."""
        for mark in await asyncio.to_thread(self._timeline.event_marks, int((time.time() - LOOK_BACK_S) * US)):
            if mark.camera in self._drawings:  # it is still wired
                self.want(mark.camera, mark.from_us)
        waiting: list[Moment] = []
        woken, loop = asyncio.Event(), asyncio.get_running_loop()
        self._wake = partial(loop.call_soon_threadsafe, woken.set)
        while True:
            woken.clear()
            while self._asked:
                waiting.append(self._asked.popleft())
            waiting = [each for each in waiting if not await self._settled(each)]
            await (asyncio.sleep(POLL_S) if waiting or self._asked else woken.wait())

    async def _settled(self, moment: Moment) -> bool:
        """Take a picture, or note why there is none; tell whether nothing is left to wait for."""
        try:
            known = await asyncio.to_thread(self._snapshots.near, moment.camera, moment.at_us)
            if known and (not known.why or known.at_us == moment.at_us):
                return True
            jpeg, why = await self._picture(moment)
            if jpeg:
                await asyncio.to_thread(self._snapshots.keep, moment.camera, moment.at_us, jpeg)
            elif why:
                await asyncio.to_thread(self._snapshots.lack, moment.camera, moment.at_us, why)
        except (OSError, sqlite3.Error) as error:
            log.error("picture of an event not kept", camera=moment.camera, error=str(error))
            return True
        return bool(jpeg or why)

    async def _picture(self, moment: Moment) -> tuple[bytes, str]:
        """Return the picture, or why there is none; neither while it may still come."""
        camera, at_us = moment.camera, moment.at_us
        segment = await asyncio.to_thread(self._footage.at, camera, at_us)
        try:
            if segment is not None:
                hide = self._drawings.blackout(camera)
                path = self._footage.path(segment.id, camera)
                return await still(path, segment, at_us, self._width, hide, niced=True), ""
        except FileNotFoundError:
            pass  # it goes to its final place at this moment; or retention took it
        except NoPicture as error:
            log.warning("picture of an event not decoded", camera=camera, error=str(error))
            return b"", UNDECODABLE
        late = time.monotonic() > moment.until_s
        return b"", await asyncio.to_thread(self._why_not, camera, at_us) if late else ""

    def _why_not(self, camera: str, at_us: int) -> str:
        gaps = self._timeline.gaps(camera, at_us, at_us + 1)
        erased = self._timeline.erased(camera, at_us, at_us + 1)
        return gaps[-1].reason if gaps else ERASED if erased else NOT_RECORDED

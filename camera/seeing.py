"""What the recorder sees by itself: the watchers of its cameras, what is drawn on their pictures, and their alarms."""

import asyncio
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from camera import disk
from camera.alarms import Alarm, Alarms
from camera.drawing import Drawing, Drawings
from camera.footage import Footage
from camera.motion_watcher import Watcher
from camera.onvif_clock import ClockWatch
from camera.segment import US
from camera.still import NoPicture, still

log = structlog.get_logger()

DRAWINGS, REFERENCES = "drawings", "references"  # folders beside the footage
DAY_US = 86_400 * US


class Seeing:
    """All watchers, and the log of alarms that they write. In one event loop."""

    def __init__(
        self,
        root: Path,
        alarms: Alarms,
        drawings: Drawings,
        watchers: Mapping[str, Watcher],
        clocks: Sequence[ClockWatch] = (),
    ) -> None:
        self._root, self._clocks, self._ended = root, clocks, False
        self.alarms, self.drawings, self.watchers = alarms, drawings, watchers

    async def run(self) -> None:
        """Watch, and forget old alarms, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for watcher in self.watchers.values():
                    tasks.create_task(watcher.run())
                for clock in self._clocks:
                    tasks.create_task(clock.run())
                tasks.create_task(self._forget_old())
        finally:
            self._ended = True  # who waits for a change is let go, and does not hold the process up

    async def draw(self, camera: str, drawing: Drawing) -> None:
        """Keep a drawing and look with it. Raises `OSError`: it is not kept, the old one holds."""
        await asyncio.to_thread(self.drawings.put, camera, drawing)
        if watcher := self.watchers.get(camera):
            await watcher.redraw()

    async def changes(self, after: int, wait_s: float, poll_s: float = 0.2) -> Sequence[Alarm]:
        """Return the alarms that changed after a number; when there are none, wait for some, `wait_s` at most."""
        until = time.monotonic() + wait_s
        while not (found := self.alarms.after(after)) and time.monotonic() < until and not self._ended:
            await asyncio.sleep(poll_s)
        return found

    def still(self, alarm: Alarm) -> bytes | None:
        """Return an alarm's still as JPEG; None when it has none."""
        try:
            return (self._root / alarm.still).read_bytes() if alarm.still else None
        except FileNotFoundError:
            return None

    async def _forget_old(self, keep_days: float = 180.0, every_s: float = 3600.0) -> None:
        """Drop old alarms with their stills, now and every while, until cancelled."""
        while True:
            await asyncio.to_thread(self._forget, int(time.time() * US - keep_days * DAY_US))
            await asyncio.sleep(every_s)

    def _forget(self, before_us: int) -> None:
        try:
            for path in self.alarms.forget(before_us):
                (self._root / path).unlink(missing_ok=True)
        except (OSError, sqlite3.Error) as error:
            log.error("old alarms not dropped", error=str(error))


class Stills:
    """Takes alarms' stills from the footage, black where nobody may look."""

    def __init__(self, root: Path, footage: Footage, drawings: Drawings, camera: str) -> None:
        self._root, self._footage, self._drawings, self._camera = root, footage, drawings, camera

    async def take(self, at_us: int, path: str, patience_s: float = 6.0) -> bool:
        """Write the picture of a moment as JPEG, as soon as the footage has it; tell whether there is one."""
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            if jpeg := await self._picture(at_us):
                await asyncio.to_thread(disk.write, self._root / path, jpeg)
                return True
            await asyncio.sleep(0.5)
        return False

    async def _picture(self, at_us: int) -> bytes | None:
        segment = self._footage.at(self._camera, at_us)
        if segment is None:
            return None
        try:
            path = self._footage.path(segment.id, self._camera)
            return await still(path, segment, at_us, 640, self._drawings.blackout(self._camera))
        except (NoPicture, FileNotFoundError):
            return None

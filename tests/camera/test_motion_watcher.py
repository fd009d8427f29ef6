"""What becomes of what a watcher hears, without a camera."""

import asyncio
import sqlite3
from datetime import UTC
from pathlib import Path

from camera.alarms import Alarm, Alarms
from camera.database import Database
from camera.drawing import Drawings
from camera.motion_watcher import Watched, Watcher
from camera.states import CameraState, State


class FullOnce(Alarms):
    """A log whose disk is full when it is written to for the first time."""

    tries = 0

    def open(self, alarm: Alarm) -> Alarm:
        self.tries += 1
        if self.tries == 1:
            raise sqlite3.OperationalError("database or disk is full")
        return super().open(alarm)


async def test_an_alarm_that_could_not_be_noted_is_noted_when_it_is_told_again(tmp_path: Path) -> None:
    alarms = FullOnce(Database(tmp_path / "index.db"))

    async def no_still(_: int, __: str) -> bool:
        return False

    watcher = Watcher(
        Watched(None, "gate", lost_s=1000), Drawings(tmp_path / "drawings", {"gate": ()}), tmp_path / "reference.png",
        alarms, lambda _: None, no_still, lambda: CameraState("gate", State.RECORDING, 0), UTC,
    )  # fmt: skip
    running = asyncio.create_task(watcher.run())
    async with asyncio.timeout(30):
        while not alarms.after(0):
            watcher.clock(60.0, 5.0)
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [each.detail for each in alarms.after(0)] == ["+60 s"]
    assert alarms.tries == 2, "while it lasts it is one alarm"

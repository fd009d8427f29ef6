"""The keeper of the disks: what it foresees, and that it goes on whatever one look meets."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from camera.database import Database
from camera.disks import FIRST, Disks
from camera.index import Index
from camera.keeper import Keeper
from camera.retention import Policy
from camera.segment import US, Segment
from camera.snapshots import Album, Snapshots
from camera.timeline import Timeline

DAY_S = 86_400.0


class Kept:
    """A keeper with an index of its own."""

    def __init__(self, root: Path, **more: Path) -> None:
        self.root, self.database = root, Database(root / "index.db")
        self.index, self.timeline = Index(self.database), Timeline(self.database)
        self.disks = Disks(root, more)

    def keeper(self, policies: dict[str, Policy], min_free_bytes: int = 0) -> Keeper:
        album = Album(Snapshots(self.root, self.database), 180 * DAY_S)
        return Keeper(self.disks, self.index, self.timeline, policies, min_free_bytes, album)

    def add(self, number: int, start_us: int, size: int = 1000, disk: str = FIRST, camera: str = "gate") -> Segment:
        """Add a minute of footage that has a row alone."""
        name = f"20261127T000000Z-{camera.encode().hex()[:6]}-{number:06d}"
        path = f"{camera}/2026-11-27/00/{name}.mp4"
        minute = Segment(name, camera, start_us, start_us + 60 * US, size, path, 10, "m", 1, 1, (), "0" * 64, disk=disk)
        return self.index.add(minute)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    one = Kept(tmp_path)
    yield one
    one.database.close()


def look(keeper: Keeper, until: Callable[[], object]) -> None:
    """Let it look until something is so."""

    async def run() -> None:
        looking = asyncio.create_task(keeper.run())
        async with asyncio.timeout(30):
            while not until() and not looking.done():
                await asyncio.sleep(0.01)
        assert not looking.done(), looking.exception()
        looking.cancel()

    asyncio.run(run())


def test_a_sweep_that_fails_for_whatever_reason_neither_ends_the_keeper_nor_hides_a_full_disk(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    keeper = kept.keeper({}, min_free_bytes=1 << 62)
    monkeypatch.setattr("camera.retention.Retention.sweep", fail)
    look(keeper, lambda: kept.disks.full == {FIRST})

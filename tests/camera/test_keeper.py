"""The keeper of the disks: what it foresees, and that it goes on whatever one look meets."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from camera.database import Database
from camera.disks import FIRST, Disks
from camera.index import Index
from camera.keeper import LEAST_FREE_BYTES, Keeper
from camera.retention import Policy
from camera.segment import US, Hold, Segment
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


def test_a_disk_without_a_byte_of_room_gets_some_whatever_the_settings_say(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.add(1, 0)
    monkeypatch.setattr("camera.disk.free_bytes", lambda _: 0)
    kept.keeper({}, min_free_bytes=0)._look()
    assert kept.timeline.last("gate") is None
    assert kept.disks.full == {FIRST}


def test_the_forecast_is_of_the_disk_that_a_camera_writes_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wall: "Wall"
) -> None:
    two = tmp_path / "two"
    two.mkdir()
    kept = Kept(tmp_path, two=two)
    for n in range(60):  # an hour
        kept.add(n, int((NOW_S - 3600 + 60 * n) * US), 10**6, disk="two")
    free = {kept.root: 10**15, two: LEAST_FREE_BYTES + 84 * 10**6}
    monkeypatch.setattr("camera.disk.free_bytes", free.__getitem__)
    found = kept.keeper({"gate": Policy(max_age_s=30 * DAY_S)}).forecast()
    assert (found.keeps_days, found.short) == (0.1, ("gate",)), "60 MB kept and 84 free are 144 minutes"
    kept.database.close()


def test_a_camera_that_keeps_a_minute_now_and_then_takes_no_more_a_day_than_that(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, wall: "Wall"
) -> None:
    for n in range(16):
        kept.add(n, int((NOW_S - DAY_S + 5400 * n) * US), 30 * 10**6)
    monkeypatch.setattr("camera.disk.free_bytes", lambda _: LEAST_FREE_BYTES + 480 * 10**6 * 9)
    found = kept.keeper({"gate": Policy(max_age_s=30 * DAY_S)}).forecast()
    assert (found.bytes_per_day, found.keeps_days) == (480 * 10**6, 10)


def test_footage_that_is_held_is_no_room_for_more(kept: Kept, monkeypatch: pytest.MonkeyPatch, wall: "Wall") -> None:
    for n in range(24):
        kept.add(n, int((NOW_S - DAY_S + 3600 * n) * US))
    kept.index.add_hold(Hold(0, "gate", 0, int(NOW_S - DAY_S / 2) * US, "police", "guard"))
    kept.index.add_hold(Hold(0, "gate", 0, int(NOW_S - DAY_S / 2) * US, "fire brigade", "guard"))
    kept.index.add_hold(Hold(0, "gate", 0, int(NOW_S) * US, "over", "guard", until_us=1))
    monkeypatch.setattr("camera.disk.free_bytes", lambda _: LEAST_FREE_BYTES)
    assert kept.keeper({"gate": Policy()}).forecast().keeps_days == 0.5


class Wall:
    """A machine's clock, in place of the module `time`."""

    def __init__(self, wall_s: float) -> None:
        self.wall_s, self.monotonic_s = wall_s, 1000.0

    def time(self) -> float:
        return self.wall_s

    def monotonic(self) -> float:
        return self.monotonic_s

    def monotonic_ns(self) -> int:
        return int(self.monotonic_s * 1e9)

    def goes(self, seconds: float) -> None:
        self.wall_s, self.monotonic_s = self.wall_s + seconds, self.monotonic_s + seconds


NOW_S, YEARS_S = 1_795_000_000.0, 73 * 365 * DAY_S


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    one = Wall(NOW_S)
    monkeypatch.setattr("camera.keeper.time", one)
    return one


@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_that_leaps_ahead_deletes_nothing_by_age_until_it_was_steady_for_a_day(
    kept: Kept, wall: Wall, restarted: bool
) -> None:
    policies = {"gate": Policy(max_age_s=30 * DAY_S)}
    kept.add(1, int((NOW_S - 31 * DAY_S) * US))
    kept.add(2, int((NOW_S - DAY_S) * US))
    keeper = kept.keeper(policies)
    keeper._look()
    assert [each.number for each in kept.timeline.chain("gate")] == [2], "what is too old goes"
    wall.wall_s += YEARS_S
    kept.add(3, int(wall.wall_s * US))
    keeper = kept.keeper(policies) if restarted else keeper
    for _ in range(23):
        keeper._look()
        wall.goes(3600)
    assert [each.number for each in kept.timeline.chain("gate")] == [2, 3]
    wall.goes(2 * 3600)
    keeper._look()
    assert [each.number for each in kept.timeline.chain("gate")] == [3]


def test_a_clock_that_is_set_right_again_is_believed_at_once(kept: Kept, wall: Wall) -> None:
    kept.add(1, int((NOW_S - 30 * DAY_S + 60) * US))
    kept.add(2, int((NOW_S - DAY_S - 60) * US))
    keeper = kept.keeper({"gate": Policy(max_age_s=30 * DAY_S)})
    keeper._look()
    wall.wall_s += YEARS_S
    keeper._look()
    wall.wall_s -= YEARS_S
    keeper._look()
    assert [each.number for each in kept.timeline.chain("gate")] == [1, 2]
    wall.goes(180)
    keeper._look()
    assert [each.number for each in kept.timeline.chain("gate")] == [2]


def test_a_machine_that_gets_its_time_after_its_start_deletes_by_it_at_once(kept: Kept, wall: Wall) -> None:
    kept.add(1, int((NOW_S - 31 * DAY_S) * US))
    kept.add(2, int(NOW_S * US))
    wall.wall_s = 60
    keeper = kept.keeper({"gate": Policy(max_age_s=30 * DAY_S)})
    keeper._look()
    assert len(list(kept.timeline.chain("gate"))) == 2
    wall.wall_s = NOW_S
    keeper._look()
    assert [each.number for each in kept.timeline.chain("gate")] == [2]

"""Stretches of footage stay in step with the files; the forecast; the disk that is not there."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera.database import Database
from camera.disk import missing_mount
from camera.forecast import NONE, Forecast, Rate, Room, forecast
from camera.index import Index
from camera.recorded import recount
from camera.segment import US, Segment
from camera.timeline import Recorded, Timeline

DAY_S = 86_400.0
GIB = 1 << 30


def segment(n: int) -> Segment:
    """Files of a minute; the run changes, and three seconds are lost, every fifth."""
    start = (n * 60 + 3 * (n // 5)) * US
    run = f"20261123T080000Z-{n // 5:06x}"
    return Segment(f"{run}-{n % 5:06d}", "gate", start, start + 60 * US, 100 + n, f"gate/{n}", 1, "m", 1, 1, ())


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(11)), st.lists(st.integers(0, 10), max_size=11, unique=True))
def test_stretches_are_what_the_files_say_whatever_comes_and_goes(
    tmp_path_factory: pytest.TempPathFactory, coming: list[int], going: list[int]
) -> None:
    database = Database(tmp_path_factory.mktemp("stretches") / "index.db")
    index, timeline = Index(database), Timeline(database)
    linked = {n: index.add(segment(n)) for n in coming}
    for n in going:
        index.to_garbage([(linked[n], "age")])
    kept = timeline.recorded("gate", 0, 1 << 62)
    with database.writing() as rows:
        recount(rows)
    assert kept == timeline.recorded("gate", 0, 1 << 62)
    assert sum(each.files for each in kept) == 11 - len(going)
    database.close()


def test_an_index_of_the_version_before_gets_its_stretches(tmp_path: Path) -> None:
    database = Database(tmp_path / "index.db")
    for n in range(7):
        Index(database).add(segment(n))
    database.close()
    with sqlite3.connect(tmp_path / "index.db") as rows:
        rows.executescript("drop table recorded; drop table export; pragma user_version = 1")
    rows.close()
    database = Database(tmp_path / "index.db")
    assert Timeline(database).recorded("gate", 0, 1 << 62) == [
        Recorded(0, 300 * US, 510, 5),
        Recorded(303 * US, 423 * US, 211, 2),
    ]
    database.close()


def on_one(rates: dict[str, Rate], room_bytes: float, snapshots: Rate = NONE) -> Forecast:
    """The forecast of a site with one disk."""
    return forecast([Room(rates, room_bytes)], snapshots)


def test_the_forecast_says_how_many_days_the_disk_keeps() -> None:
    rate = Rate(43 * GIB, DAY_S, max_age_s=30 * DAY_S)
    found = on_one({"a": rate, "b": rate}, 1978 * GIB)
    assert found.keeps_days == pytest.approx(23, abs=0.01)
    assert (found.wanted_days, found.short) == (30, ("a", "b"))
    assert found.words["zh"] == "按今天的码率，此磁盘可保存 23 天，不足要求的 30 天"
    assert found.words["en"] == "This disk keeps 23 days at today's rate, not the 30 that are asked for"
    assert not on_one({"a": rate}, 1978 * GIB).short


def test_the_forecast_knows_a_camera_s_bound_and_says_nothing_of_a_few_seconds() -> None:
    bound = Rate(10 * GIB, DAY_S, max_age_s=30 * DAY_S, max_bytes=100 * GIB)
    found = on_one({"a": bound, "b": Rate(10 * GIB, DAY_S)}, 1100 * GIB)
    assert (found.keeps_days, found.short) == (10, ("a",))
    assert on_one({"a": bound}, 1100 * GIB).keeps_days == 10, "of all cameras, too"
    assert on_one({"a": Rate(GIB, 20)}, GIB).keeps_days is None
    assert on_one({}, 0).words["zh"]


def test_a_camera_with_a_bound_takes_no_more_than_its_age_needs_nor_more_than_the_disk_has() -> None:
    short = Rate(10 * GIB, DAY_S, max_age_s=DAY_S, max_bytes=1000 * GIB)
    found = on_one({"a": short, "b": Rate(10 * GIB, DAY_S, max_age_s=30 * DAY_S, min_age_s=7 * DAY_S)}, 110 * GIB)
    assert (found.keeps_days, found.short, found.unlawful) == (10, ("b",), ())
    large = Rate(10 * GIB, DAY_S, max_age_s=30 * DAY_S, max_bytes=1000 * GIB, min_age_s=20 * DAY_S)
    found = on_one({"a": large}, 100 * GIB)
    assert (found.keeps_days, found.short, found.unlawful) == (10, ("a",), ("a",))


def test_each_disk_keeps_its_own_cameras_and_the_forecast_is_of_the_shortest() -> None:
    rate = Rate(10 * GIB, DAY_S, max_age_s=30 * DAY_S)
    pictures = Rate(GIB, DAY_S, max_age_s=180 * DAY_S)
    found = forecast([Room({"a": rate}, 580 * GIB), Room({"b": rate}, 50 * GIB)], pictures)
    assert (found.keeps_days, found.short, found.bytes_per_day) == (5, ("b",), 20 * GIB)


def test_the_forecast_names_who_will_not_get_what_the_law_asks_for() -> None:
    rate = Rate(10 * GIB, DAY_S, max_age_s=30 * DAY_S, min_age_s=30 * DAY_S)
    bound = Rate(10 * GIB, DAY_S, max_bytes=400 * GIB, min_age_s=90 * DAY_S)
    free = Rate(10 * GIB, DAY_S, max_age_s=10 * DAY_S)
    found = on_one({"a": rate, "b": bound, "c": free}, 800 * GIB)
    assert (found.unlawful, found.legal_days) == (("a", "b"), 90)
    assert found.words["zh"].endswith("；低于法定最短 90 天：a, b")
    assert found.words["en"].endswith("; less than the 90 that the law asks for: a, b")
    assert on_one({"a": rate, "c": free}, 600 * GIB).unlawful == ()


def test_the_pictures_of_events_have_their_room_before_the_footage() -> None:
    rate = Rate(10 * GIB, DAY_S)
    pictures = Rate(GIB, DAY_S, max_age_s=180 * DAY_S, min_age_s=180 * DAY_S)
    found = on_one({"a": rate}, 480 * GIB, pictures)
    assert (found.keeps_days, found.snapshot_days, found.snapshot_short) == (30, 180, False)
    cut = on_one({"a": rate}, 480 * GIB, Rate(GIB, DAY_S, 180 * DAY_S, 80 * GIB, 180 * DAY_S))
    assert (cut.keeps_days, cut.snapshot_days, cut.snapshot_short) == (40, 80, True)
    assert cut.words["en"].endswith("; pictures of events stay for 80 days only")


@pytest.mark.parametrize(
    ("fstab", "missing"),
    [
        ("UUID=1 {root}/disk ext4 nofail 0 2", True),
        ("# UUID=1 {root}/disk ext4 nofail 0 2", False),
        ("UUID=1 {root}/other ext4 nofail 0 2", False),
        ("UUID=1 / ext4 defaults 0 1\nnonsense\n\ntmpfs none tmpfs defaults 0 0", False),
    ],
)
def test_a_disk_that_should_be_mounted_and_is_not_is_seen(tmp_path: Path, fstab: str, missing: bool) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "fstab").write_text(fstab.format(root=tmp_path))
    found = missing_mount(tmp_path / "disk" / "recordings", tmp_path / "fstab")
    assert found == (tmp_path / "disk" if missing else None)
    assert missing_mount(tmp_path, tmp_path / "absent") is None

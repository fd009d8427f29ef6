"""Marks: what happened before a camera, as told from inside and over HTTP."""

from pathlib import Path

import pytest

from camera.database import Database
from camera.index import Index
from camera.marks import FootageClass, Mark
from camera.segment import US
from camera.timeline import Timeline


@pytest.fixture
def index(tmp_path: Path) -> tuple[Index, Timeline]:
    database = Database(tmp_path / "index.db")
    return Index(database), Timeline(database)


def mark(from_s: float, to_s: float, reason: str = "zone gate", camera: str = "gate") -> Mark:
    return Mark(camera, round(from_s * US), round(to_s * US), FootageClass.MOTION, reason)


def test_motion_that_pauses_for_a_second_is_one_mark(index: tuple[Index, Timeline]) -> None:
    writes, reads = index
    for start, end in ((1, 2), (3, 4), (4.5, 4.5), (9, 10)):
        writes.add_mark(mark(start, end))
    assert [(each.from_us, each.to_us) for each in reads.marks("gate", 0, 20 * US)] == [
        (1 * US, 4_500_000),
        (9 * US, 10 * US),
    ]


def test_marks_of_other_cameras_and_reasons_stay_apart(index: tuple[Index, Timeline]) -> None:
    writes, reads = index
    for one in (mark(1, 2), mark(1, 2, "zone lobby"), mark(1, 2, camera="lobby")):
        assert writes.add_mark(one).id
    assert [each.reason for each in reads.marks("gate", 0, 20 * US)] == ["zone gate", "zone lobby"]
    assert len(reads.marks("lobby", 0, 20 * US)) == 1


def test_a_moment_is_found_by_a_span_that_begins_with_it(index: tuple[Index, Timeline]) -> None:
    writes, reads = index
    writes.add_mark(mark(5, 5))
    assert len(reads.marks("gate", 5 * US, 6 * US)) == 1
    assert reads.marks("gate", 6 * US, 7 * US) == []
    assert reads.marks("gate", 4 * US, 5 * US) == []

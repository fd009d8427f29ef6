"""The log of alarms: each change is told once, in order, also to who was away; old ones go with their stills."""

from pathlib import Path

import pytest

from camera.alarms import WORDS, Alarm, AlarmKind, Alarms, words_of
from camera.database import Database

S = 1_000_000


@pytest.fixture
def log(tmp_path: Path) -> Alarms:
    return Alarms(Database(tmp_path / "index.db"))


def test_a_follower_hears_of_each_change_after_the_one_he_knows(log: Alarms) -> None:
    first = log.open(Alarm("gate", AlarmKind.MOTION, 10 * S, "lane", "main"))
    second = log.open(Alarm("garage", AlarmKind.BLACK, 11 * S))
    assert log.after(0) == [first, second]
    log.end(first.id, 15 * S)
    log.picture(second.id, "stills/garage/11-2.jpg")
    ended, pictured = log.after(second.changed)
    assert (ended.id, ended.to_us) == (first.id, 15 * S)
    assert (pictured.id, pictured.still) == (second.id, "stills/garage/11-2.jpg")
    assert log.after(pictured.changed) == []


def test_a_page_is_bounded_and_the_next_one_goes_on(log: Alarms) -> None:
    noted = [log.open(Alarm("gate", AlarmKind.MOTION, n * S)) for n in range(5)]
    page = log.after(0, limit=3)
    assert page + log.after(page[-1].changed) == noted


def test_what_a_killed_recorder_left_open_is_ended_at_the_next_start(log: Alarms) -> None:
    open_ = log.open(Alarm("gate", AlarmKind.FROZEN, 10 * S))
    log.end_all(20 * S)
    assert [each.to_us for each in log.after(open_.changed)] == [20 * S]


def test_a_log_keeps_its_name_and_another_one_has_another(log: Alarms, tmp_path: Path) -> None:
    again, other = Alarms(Database(tmp_path / "index.db")), Alarms(Database(tmp_path / "other.db"))
    assert again.name == log.name != other.name


def test_old_alarms_are_forgotten_with_their_stills_and_open_ones_never(log: Alarms) -> None:
    old = log.open(Alarm("gate", AlarmKind.MOTION, 10 * S, to_us=12 * S, still="stills/gate/10-1.jpg"))
    lasting = log.open(Alarm("gate", AlarmKind.BLACK, 10 * S))
    recent = log.open(Alarm("gate", AlarmKind.MOTION, 90 * S, to_us=99 * S))
    assert log.forget(50 * S) == ["stills/gate/10-1.jpg"]
    assert log.one(old.id) is None
    assert log.after(0) == [lasting, recent]


def test_every_kind_has_words_in_both_languages() -> None:
    assert set(WORDS) == set(AlarmKind)
    assert words_of(Alarm("gate", AlarmKind.MOTION, 0, "车道")) == {"zh": "有人或物移动（车道）", "en": "Motion (车道)"}

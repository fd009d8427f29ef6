from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.access import office
from gateway.access.decision import Granted, minimum
from gateway.access.generation import BadRows, build
from gateway.access.identifier import pin_key
from gateway.access.model import (
    AccessPoint,
    AccessPolicy,
    AccessProfile,
    Mark,
    Passback,
    Schedule,
    SpecialDay,
    SpecialDays,
    Window,
    Zone,
    ZoneRules,
)
from gateway.access.presence import Moved, Whereabouts
from gateway.access.table import PermissionTable
from tests.access.estate import ALWAYS, NOON, OFFICE, POINTS, ROWS, SHANGHAI, Door, card, credential, table
from tests.access.worlds import SITE


@pytest.mark.parametrize(
    ("line", "row"),
    [
        (b'["zone","z",null,true]', Zone("z", None, True)),
        (b'["schedule","s",[[1,0,60]]]', Schedule("s", (Window(1, 0, 60),))),
        (b'["profile","p",1,[["s","z",null]]]', AccessProfile("p", 1, (AccessPolicy("s", "z"),))),
    ],
)
def test_lines_of_an_older_file_are_read(line: bytes, row: office.OfficeRow) -> None:
    assert office.from_line(line) == row


@pytest.mark.parametrize(
    "row",
    [
        Zone("z", "y", False, ZoneRules(Passback.HARD, 60, 3, 2, True, True, 600, 20, 2)),
        SpecialDays("d", (SpecialDay("2026-10-01"), SpecialDay("2026-10-10", follows=5)), 2),
        Schedule("s", (), ("d",)),
        AccessProfile("p", 1, (AccessPolicy("s", "z", None, True),), True),
    ],
)
def test_a_line_gives_back_its_row(row: office.OfficeRow) -> None:
    assert office.from_line(office.to_line(row)) == row


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (SpecialDay("2026-02-30"), "day"),
        (SpecialDay("2026-10-01", follows=8), "weekday 8"),
        (SpecialDay("2026-10-01", ((0, 60),), 1), "follows"),
        (SpecialDay("2026-10-01", ((60, 60),)), "not an opening"),
    ],
)
def test_a_special_day_that_cannot_be_is_refused(day: SpecialDay, said: str) -> None:
    with pytest.raises(BadRows, match=said):
        build([SpecialDays("d", (day,))], 1)


def test_a_pin_s_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(BadRows, match="16 bytes"):
        build([credential(pin=b"short")], 1)


def test_equal_pins_of_two_credentials_have_two_keys() -> None:
    assert pin_key(b"site", b"a" * 16, "1234") != pin_key(b"site", b"b" * 16, "1234")
    assert len(pin_key(b"site", b"a" * 16, "1234")) == 16


def test_pins_and_marks_come_back_from_the_file() -> None:
    row = credential(pin=b"p" * 16, duress_pin=b"d" * 16, marks=Mark.LEAD | Mark.EXTENDED, public_key=bytes(33))
    assert table(row, credential(2)).find(row.key) == row


def test_the_highest_minimum_of_the_open_schedules_holds() -> None:
    point = AccessPoint("p", "d", 1, "a", "b", 1, (("office", 3), ("always", 2)))
    loaded = PermissionTable.load(build([ALWAYS, OFFICE], 1), [point], SHANGHAI, site=SITE)
    assert minimum(loaded, point, NOON) == 3
    assert minimum(loaded, point, NOON + timedelta(hours=12)) == 2
    assert minimum(loaded, POINTS[4], NOON) == 1


def test_the_clock_of_the_site_is_right_on_both_days_of_change() -> None:
    berlin = PermissionTable.load(build(ROWS, 1), POINTS, ZoneInfo("Europe/Berlin"), site=SITE)
    for start in (datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 10, 24, 22, tzinfo=UTC)):
        for minute in range(0, 360):
            at = start + timedelta(minutes=minute)
            local = at.astimezone(berlin.tz)
            expected = local.weekday() * 1440 + local.hour * 60 + local.minute, local.toordinal()
            assert berlin.local(at.timestamp()) == expected


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-03-29T00:59:59+00:00", False),  # 01:59:59 winter time
        ("2026-03-29T01:00:00+00:00", True),  # 03:00 summer time: the hour from two to three is not there
        ("2026-03-29T01:30:00+00:00", False),
        ("2026-10-25T00:15:00+00:00", True),  # 02:15 summer time
        ("2026-10-25T01:15:00+00:00", True),  # 02:15 again, winter time
        ("2026-10-25T02:15:00+00:00", True),  # 03:15: the special day's own window
        ("2026-10-25T03:30:00+00:00", False),
        ("2026-11-01T01:15:00+00:00", True),
    ],
)
def test_a_schedule_is_kept_by_the_wall_clock_when_clocks_change(at: str, is_open: bool) -> None:
    night = Schedule("night", (Window(7, 120, 190),), ("autumn",))
    autumn = SpecialDays("autumn", (SpecialDay("2026-10-25", ((120, 240),)),))
    rows = [night, autumn, AccessProfile("p", 1, (AccessPolicy("night", "estate"),)), credential(profiles=("p",))]
    loaded = PermissionTable.load(build(rows, 1), POINTS, ZoneInfo("Europe/Berlin"), site=SITE)
    door = Door(loaded)
    assert isinstance(door.ask(card(), datetime.fromisoformat(at)), Granted) is is_open


def test_an_amnesty_forgets_one_person_or_all() -> None:
    found = Whereabouts()
    for person in ("a", "b"):
        found.note(Moved(person, "in", ("z",), (), 1.0))
    assert found.inside("z") == 2
    found.pardon("z", "a")
    assert (found.entered("a", "z"), found.inside("z")) == (None, 1)
    found.pardon("z")
    assert found.inside("z") is None

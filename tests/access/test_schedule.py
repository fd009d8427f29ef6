from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.model import Schedule, SpecialDay, SpecialDays, Window
from gateway.access.schedule import DAY_MINUTES, is_open, minute_of_week, split, times, week
from tests.access import naive
from tests.access.worlds import days, weeks, windows

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Day 1 is a Monday."""
    return MONDAY + timedelta(days=day - 1, hours=hour, minutes=minute)


def test_a_window_is_open_at_its_start_and_shut_at_its_end() -> None:
    office = Schedule("office", (Window(1, 8 * 60, 18 * 60),))
    assert is_open(office, at(1, 8))
    assert is_open(office, at(1, 17, 59))
    assert not is_open(office, at(1, 18))
    assert not is_open(office, at(1, 7, 59))
    assert not is_open(office, at(2, 12))


def test_a_window_to_2400_is_open_in_the_last_minute_of_the_day() -> None:
    assert is_open(Schedule("late", (Window(7, 0, 1440),)), at(7, 23, 59))


def test_a_schedule_without_windows_is_never_open() -> None:
    assert not is_open(Schedule("none", ()), at(3, 12))


def test_an_opening_across_sunday_midnight_is_split_into_sunday_and_monday() -> None:
    assert split(7, 22 * 60, 6 * 60) == (Window(7, 1320, 1440), Window(1, 0, 360))


def test_an_opening_that_ends_at_midnight_is_one_window() -> None:
    assert split(5, 22 * 60, 0) == split(5, 22 * 60, 1440) == (Window(5, 1320, 1440),)


@pytest.mark.parametrize(
    ("weekday", "start", "end"), [(0, 0, 60), (8, 0, 60), (1, 60, 60), (1, 1440, 60), (1, 0, 1441)]
)
def test_what_is_no_opening_is_refused(weekday: int, start: int, end: int) -> None:
    with pytest.raises(ValueError, match="not an opening"):
        split(weekday, start, end)


@pytest.mark.parametrize(
    "window", [Window(0, 0, 1), Window(8, 0, 1), Window(1, 5, 5), Window(1, 9, 5), Window(1, 0, 1441)]
)
def test_a_window_outside_one_day_is_refused(window: Window) -> None:
    with pytest.raises(ValueError, match="one day"):
        week(Schedule("bad", (window,)))


NIGHTS = tuple(part for weekday in range(1, 6) for part in split(weekday, 22 * 60, 6 * 60))  # Monday to Friday
WORKING_SATURDAY, OFF, SHORT = (
    SpecialDay("2026-10-10", follows=1),
    SpecialDay("2026-10-01"),
    SpecialDay("2026-10-10", ((1320, 120),)),
)


def opens(local: str, *special: SpecialDay, windows: tuple[Window, ...] = NIGHTS) -> bool:
    at = datetime.fromisoformat(local)
    made = times(Schedule("s", windows, ("d",)), [SpecialDays("d", special)])
    return made.open_at(minute_of_week(at), at.toordinal())


@pytest.mark.parametrize(
    ("local", "is_open", "special"),
    [
        ("2026-10-10T00:01", True, WORKING_SATURDAY),  # Friday's shift
        ("2026-10-10T06:00", False, WORKING_SATURDAY),
        ("2026-10-10T23:59", True, WORKING_SATURDAY),
        ("2026-10-11T00:01", True, WORKING_SATURDAY),  # the Saturday's own
        ("2026-10-11T00:01", False, OFF),
        ("2026-10-01T05:59", True, OFF),  # the shift that began on the last working day
        ("2026-10-01T23:00", False, OFF),
        ("2026-10-02T00:01", False, OFF),  # nothing began on the day off
        ("2026-10-02T22:00", True, OFF),
        ("2026-10-11T01:59", True, SHORT),
        ("2026-10-11T02:00", False, SHORT),
    ],
)
def test_a_night_shift_goes_with_the_day_on_which_it_begins(local: str, is_open: bool, special: SpecialDay) -> None:
    assert opens(local, special) is is_open


def test_a_whole_day_is_no_morning_of_the_night_before() -> None:
    every_day = tuple(Window(weekday, 0, 1440) for weekday in range(1, 8))
    assert not opens("2026-10-01T00:01", OFF, windows=every_day)
    assert opens("2026-10-02T00:01", OFF, windows=every_day)


@given(weeks, st.lists(days, max_size=4, unique_by=lambda day: day.date), st.integers(0, 10), st.integers(0, 1439))
def test_the_compiled_days_agree_with_the_rule_written_plainly(
    chosen: tuple[Window, ...], special: list[SpecialDay], day: int, minute: int
) -> None:
    schedule, row = Schedule("s", chosen, ("d",)), SpecialDays("d", tuple(special))
    local = datetime(2027, 1, 13, tzinfo=UTC) + timedelta(days=day, minutes=minute)
    is_open = times(schedule, [row]).open_at(minute_of_week(local), local.toordinal())
    assert is_open == naive.is_open([schedule, row], "s", local)


def test_a_schedule_follows_the_wall_clock_through_summer_time() -> None:
    night = Schedule("night", (Window(7, 150, 180),))  # 02:30 to 03:00 on Sundays
    berlin = ZoneInfo("Europe/Berlin")
    spring = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)  # 02:00 to 03:00 does not exist that night
    autumn = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # and happens twice on this one
    minutes = [timedelta(minutes=minute) for minute in range(180)]
    assert sum(is_open(night, (spring + minute).astimezone(berlin)) for minute in minutes) == 0
    assert sum(is_open(night, (autumn + minute).astimezone(berlin)) for minute in minutes) == 60


@given(st.lists(windows, max_size=8), st.integers(0, 7 * DAY_MINUTES - 1))
def test_the_bitmap_agrees_with_looking_through_the_windows(chosen: list[Window], minute: int) -> None:
    schedule = Schedule("s", tuple(chosen))
    local = MONDAY + timedelta(minutes=minute, seconds=59)
    assert is_open(schedule, local) == naive.is_open([schedule], "s", local)


@given(st.integers(1, 7), st.integers(0, 1439), st.integers(0, 1440), st.integers(0, 7 * DAY_MINUTES - 1))
def test_a_split_opening_covers_its_minutes_and_no_other(weekday: int, start: int, end: int, minute: int) -> None:
    if start == end:
        return
    length = (end - start) % DAY_MINUTES or DAY_MINUTES
    first = (weekday - 1) * DAY_MINUTES + start
    expected = (minute - first) % (7 * DAY_MINUTES) < length
    assert is_open(Schedule("s", split(weekday, start, end)), MONDAY + timedelta(minutes=minute)) == expected

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.model import Schedule, Window
from gateway.access.schedule import DAY_MINUTES, is_open, split, week
from tests.access import naive
from tests.access.worlds import windows

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

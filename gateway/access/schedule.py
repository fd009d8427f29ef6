"""Weekly opening times as minute bitmaps: one bit for each local minute of the week, Monday 00:00 first."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import NamedTuple

from gateway.access.model import Schedule, SpecialDays, Window

DAY_MINUTES = 24 * 60
DAY_BYTES = DAY_MINUTES // 8
WEEK_BYTES = 7 * DAY_BYTES
NEVER = bytes(WEEK_BYTES)


def split(weekday: int, start: int, end: int) -> tuple[Window, ...]:
    """The windows of an opening that may cross midnight (`end` before `start`), in minutes of the day.

    Raises:
        ValueError: a weekday outside 1 to 7, a minute outside the day, or an opening of no length.
    """
    if not (1 <= weekday <= 7 and 0 <= start < DAY_MINUTES and 0 <= end <= DAY_MINUTES and start != end):
        raise ValueError(f"not an opening: weekday {weekday}, minutes {start} to {end}")
    if start < end:
        return (Window(weekday, start, end),)
    evening = Window(weekday, start, DAY_MINUTES)
    return (evening, Window(weekday % 7 + 1, 0, end)) if end else (evening,)


def week(schedule: Schedule) -> bytes:
    """The schedule as `WEEK_BYTES` of minute bits, lowest bit first.

    Raises:
        ValueError: a window that does not lie within one day.
    """
    bits = 0
    for window in schedule.windows:
        if not (1 <= window.weekday <= 7 and 0 <= window.start < window.end <= DAY_MINUTES):
            raise ValueError(f"schedule {schedule.id}: {window} does not lie within one day")
        first = (window.weekday - 1) * DAY_MINUTES + window.start
        bits |= ((1 << (window.end - window.start)) - 1) << first
    return bits.to_bytes(WEEK_BYTES, "little")


class Times(NamedTuple):
    """A compiled schedule: its week, and the days (by `date.toordinal()`) that are special, as `DAY_BYTES` each."""

    week: bytes
    special: Mapping[int, bytes]

    def open_at(self, minute: int, day: int) -> bool:
        """Whether it is open in this minute of the week, on this day."""
        return is_open_at(self.of_day(day), minute % DAY_MINUTES)

    def of_day(self, day: int) -> bytes:
        """The day's minute bits."""
        start = (day - 1) % 7 * DAY_BYTES  # day 1 was a Monday
        return self.special.get(day) or self.week[start : start + DAY_BYTES]


NO_TIMES = Times(NEVER, {})
ALL_TIMES = Times(b"\xff" * WEEK_BYTES, {})


def times(schedule: Schedule, special: Iterable[SpecialDays] = ()) -> Times:
    """The schedule compiled, with those of the special days that it heeds.

    Raises:
        ValueError: a window that does not lie within one day, a date that is none.
    """
    bits = week(schedule)
    heeded = [row for row in special if row.id in schedule.special]
    heeded.sort(key=lambda row: (row.priority, -schedule.special.index(row.id)))  # the last one written decides
    days: dict[int, bytes] = {}
    for row in heeded:
        days |= special_days(row, bits)
    return Times(bits, days)


def special_days(row: SpecialDays, week_bits: bytes) -> dict[int, bytes]:
    """Its days as minute bits, by `date.toordinal()`; `week_bits` is the week that a day may follow.

    Raises:
        ValueError: a window outside the day, a weekday or date that is none, a day with windows that follows another.
    """
    made: dict[int, bytes] = {}
    for day in row.days:
        ordinal = date.fromisoformat(day.date).toordinal()
        if ordinal in made or (day.follows is not None and day.windows):
            raise ValueError(f"{day.date} stands twice, or has windows and follows a weekday")
        if day.follows is None:
            opening = Schedule(row.id, tuple(Window(1, start, end) for start, end in day.windows))
            made[ordinal] = week(opening)[:DAY_BYTES]
        elif 1 <= day.follows <= 7:
            made[ordinal] = week_bits[(day.follows - 1) * DAY_BYTES : day.follows * DAY_BYTES]
        else:
            raise ValueError(f"{day.date} follows weekday {day.follows}")
    return made


def minute_of_week(local: datetime) -> int:
    """0 (Monday 00:00) to 10079, by the wall clock."""
    return local.weekday() * DAY_MINUTES + local.hour * 60 + local.minute


def is_open_at(bits: bytes, minute: int) -> bool:
    """Whether a compiled week is open in this minute of the week."""
    return bits[minute >> 3] >> (minute & 7) & 1 == 1


def is_open(schedule: Schedule, local: datetime) -> bool:
    """Whether the schedule is open at this local time."""
    return is_open_at(week(schedule), minute_of_week(local))

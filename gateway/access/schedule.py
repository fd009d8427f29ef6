"""Weekly opening times as minute bitmaps: one bit for each local minute of the week, Monday 00:00 first.

An opening belongs to the day on which it begins: a night shift runs to its end whatever the next day is, and where a
special day takes the evening away it takes the morning after, too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from gateway.access.model import Schedule, SpecialDays, Window

DAY_MINUTES = 24 * 60
DAY_BYTES = DAY_MINUTES // 8
DAY_BITS = (1 << DAY_MINUTES) - 1
WEEK_BYTES = 7 * DAY_BYTES
NEVER = bytes(WEEK_BYTES)
NOTHING_BEGINS = (0,) * 7


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
    """A compiled schedule: its week, and the days (by `date.toordinal()`) that differ from it, as `DAY_BYTES` each."""

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
    usual, days = begun(bits), dict[int, int]()
    for row in heeded:
        days |= special_days(row, usual)

    def of(day: int) -> int:
        return days.get(day, usual[(day - 1) % 7])

    touched = {at for day in days for at in (day, day + 1)}
    return Times(bits, {day: to_bytes(of(day) | of(day - 1) >> DAY_MINUTES) for day in touched})


def to_bytes(day: int) -> bytes:
    """The first day of minute bits."""
    return (day & DAY_BITS).to_bytes(DAY_BYTES, "little")


def begun(week_bits: bytes) -> tuple[int, ...]:
    """By weekday the openings that begin on it, as minute bits of two days."""
    days = [int.from_bytes(week_bits[n * DAY_BYTES : (n + 1) * DAY_BYTES], "little") for n in range(7)]
    return tuple(begins(days[n - 1], days[n], days[(n + 1) % 7]) for n in range(7))


def begins(before: int, day: int, after: int) -> int:
    """Of a day between two others, as they are open, what begins on it: minute bits of two days."""
    return day & ~tail(before, day) | tail(day, after) << DAY_MINUTES


def tail(day: int, after: int) -> int:
    """The minutes of the next morning into which an opening of the day runs on; a run of a whole day ends with it."""
    evening = DAY_MINUTES - (~day & DAY_BITS).bit_length()
    morning = (~after & (after + 1)).bit_length() - 1
    return (1 << morning) - 1 if evening and evening + morning < DAY_MINUTES else 0


def runs(bits: int) -> Iterator[tuple[int, int]]:
    """The runs of open minutes, the end exclusive."""
    at = 0
    while rest := bits >> at:
        start = at + (rest & -rest).bit_length() - 1
        rest = ~(bits >> start)
        at = start + (rest & -rest).bit_length() - 1
        yield start, at


def special_days(row: SpecialDays, usual: Sequence[int]) -> dict[int, int]:
    """What begins on its days, by `date.toordinal()`; `usual` is what `begun` has of the week that a day may follow.

    Raises:
        ValueError: a window outside the day, a weekday or date that is none, a day with windows that follows another.
    """
    made: dict[int, int] = {}
    for day in row.days:
        ordinal = date.fromisoformat(day.date).toordinal()
        if ordinal in made or (day.follows is not None and day.windows):
            raise ValueError(f"{day.date} stands twice, or has windows and follows a weekday")
        if day.follows is None:
            opening = Schedule(row.id, tuple(part for ends in day.windows for part in split(1, *ends)))
            made[ordinal] = int.from_bytes(week(opening), "little")
        elif 1 <= day.follows <= 7:
            made[ordinal] = usual[day.follows - 1]
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

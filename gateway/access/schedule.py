"""Weekly opening times as minute bitmaps: one bit for each local minute of the week, Monday 00:00 first."""

from datetime import datetime

from gateway.access.model import Schedule, Window

DAY_MINUTES = 24 * 60
WEEK_BYTES = 7 * DAY_MINUTES // 8
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


def minute_of_week(local: datetime) -> int:
    """0 (Monday 00:00) to 10079, by the wall clock."""
    return local.weekday() * DAY_MINUTES + local.hour * 60 + local.minute


def is_open_at(bits: bytes, minute: int) -> bool:
    """Whether a compiled week is open in this minute of the week."""
    return bits[minute >> 3] >> (minute & 7) & 1 == 1


def is_open(schedule: Schedule, local: datetime) -> bool:
    """Whether the schedule is open at this local time."""
    return is_open_at(week(schedule), minute_of_week(local))

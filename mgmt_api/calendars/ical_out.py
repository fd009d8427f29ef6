"""A schedule written as an iCalendar (RFC 5545), for calendar programs to show."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta

from icalendar import Calendar, Event

from gateway.access.model import Schedule, SpecialDays
from gateway.access.schedule import DAY_MINUTES, runs, times

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
DAY = timedelta(days=1)
Hours = tuple[int, int]  # minutes of the day, the end exclusive


def write(schedule: Schedule, special: Sequence[SpecialDays], begins: date) -> str:
    """The calendar of a schedule with the special days that it heeds; `ical.read` gives the same openings back.

    Args:
        schedule: the week.
        special: rows of special days; those that it does not heed are left out.
        begins: the first day of the weekly events.
    """
    calendar = Calendar()
    calendar.add("PRODID", "-//Menjin//menjin//EN")
    calendar.add("VERSION", "2.0")
    days = {date.fromordinal(day): bits for day, bits in times(schedule, special).special.items()}
    groups: dict[Hours, list[int]] = {}
    for window in schedule.windows:
        groups.setdefault((window.start, window.end), []).append(window.weekday)
    for (start, end), weekdays in groups.items():
        calendar.add_component(_weekly(schedule.id, start, end, sorted(weekdays), days, begins))
    for on, bits in sorted(days.items()):
        for start, end in runs(int.from_bytes(bits, "little")):
            calendar.add_component(_event(f"{schedule.id}-{on}-{start}@menjin", schedule.id, on, start, end))
    return str(calendar.to_ical().decode())


def _weekly(id_: str, start: int, end: int, weekdays: list[int], special: Iterable[date], begins: date) -> Event:
    first = next(day for day in (begins + n * DAY for n in range(7)) if day.isoweekday() in weekdays)
    event = _event(f"{id_}-{start}-{end}@menjin", id_, first, start, end)
    event.add("RRULE", {"FREQ": "WEEKLY", "BYDAY": [DAYS[weekday - 1] for weekday in weekdays]})
    for day in sorted(special):
        if day.isoweekday() in weekdays and day >= first:
            event.add("EXDATE", _at(day, start))
    return event


def _event(uid: str, name: str, day: date, start: int, end: int) -> Event:
    event = Event()
    event.add("UID", uid)
    event.add("DTSTAMP", datetime(2000, 1, 1, tzinfo=UTC))  # the same schedule is the same text
    event.add("SUMMARY", name)
    event.add("DTSTART", _at(day, start))
    event.add("DTEND", _at(day, end))
    return event


def _at(day: date, minute: int) -> datetime:
    """A floating time: the site's wall clock."""
    return datetime.combine(day, time()) + DAY * (minute // DAY_MINUTES) + timedelta(minutes=minute % DAY_MINUTES)

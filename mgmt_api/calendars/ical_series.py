"""One event of an iCalendar (RFC 5545): when it starts, as the site's wall clock shows it, and what becomes of that."""

from collections.abc import Iterator, Set
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple

from dateutil.rrule import rrulestr

from gateway.access.model import Window

DAY = timedelta(days=1)
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
TIMES = ("DTSTART", "DTEND", "EXDATE", "RDATE", "RECURRENCE-ID")
OCCURRENCES_MAX = 20_000
Moved = Set[tuple[str, date]]  # instances (of a UID), or all of a date, that an event of their own stands for


class BadCalendar(ValueError):
    """The text is no calendar that doors could keep to; says which event and why."""


class Span(NamedTuple):
    """From a local wall-clock time to another one."""

    start: datetime
    end: datetime


class Series(NamedTuple):
    """All occurrences of an event that touch what is looked at."""

    uid: str
    start: datetime  # local
    length: timedelta
    rule: str  # of RFC 5545; empty for an event of its own
    weekly: bool
    excluded: Set[date]
    replaces: bool  # an instance of another event
    occurrences: tuple[Span, ...]

    def windows(self) -> Iterator[Window]:
        """The week of a weekly series."""
        monday = self.start - DAY * self.start.weekday()
        for at in _occurrences(self.rule, self.start, Span(monday + 7 * DAY, monday + 14 * DAY)):
            for day, start, end in by_day(Span(at, at + self.length)):
                yield Window(day.isoweekday(), start, end)

    def openings(self, moved: Moved) -> Iterator[Span]:
        """All but what is excluded, or stands elsewhere."""
        for each in self.occurrences:
            at, day = each.start, each.start.date()
            gone = not self.replaces and ((self.uid, at) in moved or (self.uid, day) in moved)
            if not (gone or at in self.excluded or day in self.excluded):
                yield each


def _occurrences(rule: str, start: datetime, span: Span) -> list[datetime]:
    """When a series starts within the span."""
    if not rule:
        return [start] if span.start <= start < span.end else []
    found = []
    for at in rrulestr(rule, dtstart=start).xafter(span.start, inc=True):
        if at >= span.end:
            break
        found.append(at)
        if len(found) > OCCURRENCES_MAX:
            raise ValueError(f"more than {OCCURRENCES_MAX} occurrences")
    return found


@contextmanager
def _naming(uid: str) -> Iterator[None]:
    """What is wrong inside is a `BadCalendar` that names the event."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        raise BadCalendar(f"event {uid}: {error}") from error


def uid_of(event: Any) -> str:
    """Its name in the calendar."""
    return str(event.get("UID", "without UID"))


def replaced(event: Any, tz: tzinfo) -> date | None:
    """The instance that an event stands for, or that it cancels. Raises `BadCalendar`."""
    told = event.get("RECURRENCE-ID")
    if told is None:
        return None
    with _naming(uid_of(event)):
        _check_zones(event)
        if told.params.get("RANGE"):
            raise ValueError(f"RANGE={told.params['RANGE']} is not kept to: end the series, and begin another one")
        return _instance(told.dt, tz)


def series_of(event: Any, tz: tzinfo, span: Span) -> Series:
    """What an event says of the span. Raises `BadCalendar`."""
    with _naming(uid_of(event)):
        _check_zones(event)
        rule = event.get("RRULE")
        start = _local(event.start, tz, steady=rule is not None)
        length = _local(event.end, tz) - start
        weekly = rule is not None and _is_weekly(rule)
        if length <= timedelta():
            raise ValueError("it ends before it starts")
        if weekly and length > 7 * DAY:
            raise ValueError("it lasts longer than a week")
        told = _rule(rule, tz) if rule is not None else ""
        weeks = max(0, (span.start - length - start) // (7 * DAY)) if weekly else 0  # that need not be walked
        starts = _occurrences(told, start + weeks * 7 * DAY, Span(span.start - length, span.end))
        starts += [_local(each.dt, tz) for each in _dates(event, "RDATE")]
        occurrences = tuple(Span(at, at + length) for at in starts)
        excluded = {_instance(each.dt, tz) for each in _dates(event, "EXDATE")}
        replaces = event.get("RECURRENCE-ID") is not None
        return Series(uid_of(event), start, length, told, weekly, excluded, replaces, occurrences)


def _is_weekly(rule: Any) -> bool:
    """Whether each week is like the other, for ever."""
    if rule["FREQ"][0] not in FREQUENCIES:
        raise ValueError("it recurs more often than once a day")
    plain = not (set(rule) - {"FREQ", "BYDAY", "WKST", "INTERVAL"}) and rule.get("INTERVAL", [1])[0] == 1
    return plain and rule["FREQ"][0] in ("WEEKLY", "DAILY")


def _check_zones(event: Any) -> None:
    """What names a zone that nobody knows has no time."""
    for name in TIMES:
        for told in _values(event, name):
            zone = told.params.get("TZID")
            if zone and any(isinstance(each.dt, datetime) and each.dt.tzinfo is None for each in _moments(told)):
                raise ValueError(f"{name} is of the unknown time zone {zone}")


def _rule(rule: Any, tz: tzinfo) -> str:
    """The rule over local times: its UNTIL is UTC by the standard."""
    told = dict(rule)
    if until := told.get("UNTIL"):
        told["UNTIL"] = [_until(until[0], tz)]
    parts = (
        f"{name}={','.join(map(_text, values if isinstance(values, list) else [values]))}"
        for name, values in told.items()
    )
    return ";".join(parts)


def _until(until: date, tz: tzinfo) -> datetime:
    if not isinstance(until, datetime):
        return datetime.combine(until, time(23, 59, 59))
    return until.astimezone(tz).replace(tzinfo=None) if until.tzinfo else until


def _text(value: object) -> str:
    return value.strftime("%Y%m%dT%H%M%S") if isinstance(value, datetime) else str(value)


def _dates(event: Any, name: str) -> Iterator[Any]:
    return (each for told in _values(event, name) for each in _moments(told))


def _values(event: Any, name: str) -> list[Any]:
    found = event.get(name)
    return found if isinstance(found, list) else [] if found is None else [found]


def _moments(told: Any) -> list[Any]:
    return getattr(told, "dts", [told])


def _instance(at: date, tz: tzinfo) -> date:
    """A local time, or a date: all that starts on it."""
    return _local(at, tz) if isinstance(at, datetime) else at


def _local(at: date, tz: tzinfo, steady: bool = False) -> datetime:
    """The site's wall clock; what recurs by another one's would drift against it."""
    if not isinstance(at, datetime):
        return datetime.combine(at, time())
    if at.tzinfo is None:
        return at
    if steady and _drifts(at, tz):
        raise ValueError(f"it recurs by another zone's clock ({at.tzinfo}), not by the site's")
    return at.astimezone(tz).replace(tzinfo=None)


def _drifts(at: datetime, tz: tzinfo) -> bool:
    """Whether the two clocks differ by another amount at another time of the year."""
    walls = [at.replace(tzinfo=None) + n * 30 * DAY for n in range(13)]
    site, theirs = ([wall.replace(tzinfo=zone).astimezone(UTC) for wall in walls] for zone in (tz, at.tzinfo))
    return len({a - b for a, b in zip(site, theirs, strict=True)}) > 1


def by_day(opening: Span) -> Iterator[tuple[date, int, int]]:
    """Each day that an opening touches, with its minutes; a minute that began is open."""
    day = opening.start.date()
    while datetime.combine(day, time()) < opening.end:
        midnight = datetime.combine(day, time())
        start, end = max(opening.start, midnight), min(opening.end, midnight + DAY)
        minutes = int((start - midnight).total_seconds()) // 60, -(-int((end - midnight).total_seconds()) // 60)
        if minutes[0] < minutes[1]:
            yield day, *minutes
        day += DAY

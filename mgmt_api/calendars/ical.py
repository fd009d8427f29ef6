"""A schedule read from an iCalendar (RFC 5545), as a calendar program edits it.

An event that recurs each week for ever (FREQ=WEEKLY or DAILY without an end) is a window of the week. Whatever else
names a date (an event of its own, a recurrence that ends or is rarer, EXDATE, RDATE, an instance moved by
RECURRENCE-ID) makes that date a special day, whose windows are all that the calendar has on it.
Times are the site's own: floating, of its TZID, or such that they keep to its wall clock.
"""

from collections.abc import Iterable, Iterator, Set
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple

from dateutil.rrule import rrulestr
from icalendar import Calendar

from gateway.access.model import Schedule, SpecialDay, SpecialDays, Window

DAY = timedelta(days=1)
HORIZON_DAYS = 2 * 366
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
EVENTS_MAX, OCCURRENCES_MAX = 2_000, 20_000
Hours = tuple[int, int]  # minutes of the day, the end exclusive
Moved = Set[tuple[str, datetime]]  # instances (of a UID) that an event of their own stands for


class BadCalendar(ValueError):
    """The text is no calendar that doors could keep to; says which event and why."""


class Opening(NamedTuple):
    """One occurrence: local wall-clock times."""

    start: datetime
    end: datetime


def read(text: str, id_: str, tz: tzinfo, today: date) -> tuple[Schedule, SpecialDays]:
    """The schedule of a calendar, and the special days (`<id>-days`) that it heeds, from today for two years.

    Raises:
        BadCalendar: no iCalendar, an event without an end, of another zone's wall clock, or too many of them.
    """
    try:
        events = [event for event in Calendar.from_ical(text).walk("VEVENT") if event.get("STATUS") != "CANCELLED"]
    except ValueError as error:
        raise BadCalendar(f"not an iCalendar: {error}") from error
    if len(events) > EVENTS_MAX:
        raise BadCalendar(f"more than {EVENTS_MAX} events")
    first = datetime.combine(today, time())
    series = [_series(event, tz, first) for event in events]
    moved = {(each.uid, each.replaces) for each in series if each.replaces is not None}
    dates = {opening_day for each in series for opening_day in each.days(moved, first)}
    week = {window for each in series if each.weekly for window in each.windows()}
    days = [SpecialDay(day.isoformat(), _hours(series, moved, day)) for day in sorted(dates)]
    special = SpecialDays(f"{id_}-days", tuple(days))
    return Schedule(id_, tuple(sorted(week, key=lambda w: (w.weekday, w.start))), (special.id,)), special


class _Series(NamedTuple):
    uid: str
    start: datetime  # local
    length: timedelta
    rule: str  # of RFC 5545; empty for an event of its own
    weekly: bool
    excluded: frozenset[datetime]
    added: tuple[datetime, ...]
    replaces: datetime | None  # the instance that this event stands for

    def windows(self) -> Iterator[Window]:
        """The week of a weekly series."""
        monday = self.start - DAY * self.start.weekday()
        for at in self._between(monday + 7 * DAY, monday + 14 * DAY):
            for day, start, end in _split(Opening(at, at + self.length)):
                yield Window(day.isoweekday(), start, end)

    def days(self, moved: Moved, first: datetime) -> Iterator[date]:
        """The dates that this series makes special."""
        named = [*self.excluded, *self.added]
        named += [at for uid, at in moved if uid == self.uid]
        if not self.weekly:
            named += self._between(first - self.length, first + HORIZON_DAYS * DAY)
        elif self.start > first:  # before it begins its week is not kept
            named += self._between(first, self.start - DAY, before=True)
        for at in named:
            for day, _, _ in _split(Opening(at, at + self.length)):
                if day >= first.date():
                    yield day

    def on(self, day: date, moved: Moved) -> Iterator[Hours]:
        """Its windows on a date."""
        at = datetime.combine(day, time())
        for start in {*self._between(at - self.length, at + DAY), *self.added}:
            if start not in self.excluded and (self.replaces is not None or (self.uid, start) not in moved):
                yield from ((a, b) for on, a, b in _split(Opening(start, start + self.length)) if on == day)

    def _between(self, first: datetime, last: datetime, before: bool = False) -> list[datetime]:
        if not self.rule:
            return [self.start] if first <= self.start < last else []
        start = self.start - 7 * DAY * (-(-(self.start - first).days // 7)) if before else self.start
        found = []
        for at in rrulestr(self.rule, dtstart=start).xafter(first, inc=True):
            if at >= last:
                break
            found.append(at)
            if len(found) > OCCURRENCES_MAX:
                raise BadCalendar(f"event {self.uid}: more than {OCCURRENCES_MAX} occurrences")
        return found


def _series(event: Any, tz: tzinfo, first: datetime) -> _Series:
    uid = str(event.get("UID", "without UID"))
    try:
        start, end = event.start, event.end
        rule = event.get("RRULE")
        endless = rule is not None and not (rule.get("COUNT") or rule.get("UNTIL"))
        plain = (
            endless and not (set(rule) - {"FREQ", "BYDAY", "WKST", "INTERVAL"}) and rule.get("INTERVAL", [1])[0] == 1
        )
        weekly = plain and rule["FREQ"][0] in ("WEEKLY", "DAILY")
        if rule is not None and rule["FREQ"][0] not in FREQUENCIES:
            raise BadCalendar(f"event {uid}: it recurs more often than once a day")
        replaced = event.get("RECURRENCE-ID")
        made = _Series(
            uid,
            _local(start, tz, uid, steady=rule is not None),
            _local(end, tz, uid) - _local(start, tz, uid),
            _rule(rule, tz) if rule is not None else "",
            weekly,
            frozenset(_local(each.dt, tz, uid) for each in _dates(event, "EXDATE")),
            tuple(_local(each.dt, tz, uid) for each in _dates(event, "RDATE")),
            None if replaced is None else _local(replaced.dt, tz, uid),
        )
        list(made._between(first, first + DAY))
    except BadCalendar:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise BadCalendar(f"event {uid}: {error}") from error
    if made.length <= timedelta():
        raise BadCalendar(f"event {uid}: it ends before it starts")
    if weekly and made.length > 7 * DAY:
        raise BadCalendar(f"event {uid}: it lasts longer than a week")
    return made


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
    found = event.get(name)
    for each in found if isinstance(found, list) else [found] if found is not None else []:
        yield from each.dts


def _local(at: date, tz: tzinfo, uid: str, steady: bool = False) -> datetime:
    """The site's wall clock; what recurs by another one's would drift against it."""
    if not isinstance(at, datetime):
        return datetime.combine(at, time())
    if at.tzinfo is None:
        return at
    local = at.astimezone(tz).replace(tzinfo=None)
    if steady and _drifts(at, tz):
        raise BadCalendar(f"event {uid}: it recurs by another zone's clock ({at.tzinfo}), not by the site's")
    return local


def _drifts(at: datetime, tz: tzinfo) -> bool:
    """Whether the two clocks differ by another amount at another time of the year."""
    walls = [at.replace(tzinfo=None) + n * 30 * DAY for n in range(13)]
    site, theirs = ([wall.replace(tzinfo=zone).astimezone(UTC) for wall in walls] for zone in (tz, at.tzinfo))
    return len({a - b for a, b in zip(site, theirs, strict=True)}) > 1


def _split(opening: Opening) -> Iterator[tuple[date, int, int]]:
    """Each day that an opening touches, with its minutes; a minute that began is open."""
    day = opening.start.date()
    while datetime.combine(day, time()) < opening.end:
        midnight = datetime.combine(day, time())
        start, end = max(opening.start, midnight), min(opening.end, midnight + DAY)
        minutes = int((start - midnight).total_seconds()) // 60, -(-int((end - midnight).total_seconds()) // 60)
        if minutes[0] < minutes[1]:
            yield day, *minutes
        day += DAY


def _hours(series: Iterable[_Series], moved: Moved, day: date) -> tuple[Hours, ...]:
    """All windows of a date, joined where they touch."""
    joined: list[Hours] = []
    for start, end in sorted(hours for each in series for hours in each.on(day, moved)):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return tuple(joined)

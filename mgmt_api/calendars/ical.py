"""A schedule read from an iCalendar (RFC 5545), as a calendar program edits it.

An event that recurs each week for ever (FREQ=WEEKLY or DAILY without an end) is a window of the week. A date on which
something else begins than its week says (an event of its own, a recurrence that ends or is rarer or has not begun yet,
EXDATE, RDATE, an instance moved or cancelled by RECURRENCE-ID) is a special day with all that begins on it.
Times are the site's own: floating, of its TZID, or such that they keep to its wall clock.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, tzinfo

from icalendar import Calendar

from gateway.access.model import Schedule, SpecialDay, SpecialDays
from gateway.access.schedule import DAY_MINUTES, begins, begun, runs, week
from mgmt_api.calendars.ical_series import DAY, BadCalendar, Moved, Series, Span, by_day, replaced, series_of, uid_of

__all__ = ["BadCalendar", "read"]

HORIZON_DAYS = 2 * 366
EVENTS_MAX = 2_000


def read(text: str, id_: str, tz: tzinfo, today: date) -> tuple[Schedule, SpecialDays]:
    """The schedule of a calendar, and the special days (`<id>-days`) that it heeds, from today for two years.

    Raises:
        BadCalendar: no iCalendar, an event without an end, of another zone's wall clock or an unknown zone, one that
            moves all that follow, or too many of them.
    """
    try:
        events = Calendar.from_ical(text).walk("VEVENT")
    except ValueError as error:
        raise BadCalendar(f"not an iCalendar: {error}") from error
    if len(events) > EVENTS_MAX:
        raise BadCalendar(f"more than {EVENTS_MAX} events")
    first = datetime.combine(today, time())
    span = Span(first - 2 * DAY, first + (HORIZON_DAYS + 2) * DAY)
    found = [series_of(event, tz, span) for event in events if event.get("STATUS") != "CANCELLED"]
    moved = {(uid_of(event), at) for event in events if (at := replaced(event, tz)) is not None}
    windows = {window for each in found if each.weekly and each.start < span.end for window in each.windows()}
    schedule = Schedule(id_, tuple(sorted(windows, key=lambda w: (w.weekday, w.start))), (f"{id_}-days",))
    return schedule, SpecialDays(schedule.special[0], tuple(_special(_minutes(found, moved, span), schedule, today)))


def _special(minutes: Mapping[date, int], schedule: Schedule, today: date) -> Iterator[SpecialDay]:
    """The dates on which something else begins than in the week; yesterday too, whose evening runs on into today."""
    usual = begun(week(schedule))
    for n in range(-1, HORIZON_DAYS):
        day = today + n * DAY
        found = begins(*(minutes.get(day + m * DAY, 0) for m in (-1, 0, 1)))
        if found != usual[day.weekday()]:
            yield SpecialDay(day.isoformat(), tuple(map(_hours, runs(found))))


def _hours(run: tuple[int, int]) -> tuple[int, int]:
    start, end = run
    return start, end if end <= DAY_MINUTES else end - DAY_MINUTES


def _minutes(series: Iterable[Series], moved: Moved, span: Span) -> dict[date, int]:
    """The open minutes of each date, as bits."""
    found: defaultdict[date, int] = defaultdict(int)
    for each in series:
        for opening in each.openings(moved):
            for day, start, end in by_day(Span(max(opening.start, span.start), min(opening.end, span.end))):
                found[day] |= (1 << end) - (1 << start)
    return found

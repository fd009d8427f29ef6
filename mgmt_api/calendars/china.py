"""China's public holidays and make-up workdays (调休), seeded year by year from what packages know.

The State Council decrees a year each November, so no package knows more than the next one. A date that the office has
written is never overwritten: `grown` adds those that the table lacks. A make-up workday follows the weekday whose day
off it pays for, as `holidays` pairs them; where it does not say, a Monday.
"""

import re
from collections.abc import Collection, Sequence
from datetime import date
from functools import cache
from typing import NamedTuple

import chinese_calendar
from holidays import country_holidays

from gateway.access.model import SpecialDay

ID = "china"
MONDAY, DECEMBER = 1, 12
_PAIR = re.compile(r"substituted from (\d\d)/(\d\d)/(\d{4})")


class Unpublished(Exception):
    """No package knows the year yet."""

    def __init__(self, year: int) -> None:
        super().__init__(f"the holidays of {year} are not known yet: update chinesecalendar, or write them by hand")
        self.year = year


class Missing(NamedTuple):
    """A year that the table lacks, though it is needed from `needed` on."""

    year: int
    needed: date


@cache
def year_days(year: int) -> tuple[SpecialDay, ...]:
    """The special days of a year: shut on each day of a holiday, another weekday's windows on make-up workdays.

    Raises:
        Unpublished: nobody knows it yet.
    """
    off = sorted(day for day in chinese_calendar.constants.holidays if day.year == year)
    if not off:
        raise Unpublished(year)
    paid = _paid(year)
    made = [SpecialDay(day.isoformat()) for day in off]
    made += [
        SpecialDay(day.isoformat(), follows=paid.get(day, MONDAY))
        for day in chinese_calendar.constants.workdays
        if day.year == year
    ]
    return tuple(sorted(made, key=lambda day: day.date))


def grown(days: Sequence[SpecialDay], today: date) -> tuple[SpecialDay, ...]:
    """The table with this year and the next added, as far as they are known, on dates that it does not name."""
    table, named = list(days), {day.date for day in days}
    for year in (today.year, today.year + 1):
        try:
            table += [day for day in year_days(year) if day.date not in named]
        except Unpublished:
            continue
    return tuple(sorted(table, key=lambda day: day.date))


def lacks(dates: Collection[str], year: int) -> bool:
    """Whether a day of the year is not among these dates, or nobody knows its days yet."""
    try:
        return any(day.date not in dates for day in year_days(year))
    except Unpublished:
        return True


def missing(days: Sequence[SpecialDay], today: date) -> Missing | None:
    """The first year that the table lacks: this year at any time, the next one from December on."""
    years = (today.year, today.year + 1) if today.month == DECEMBER else (today.year,)
    dates = {day.date for day in days}
    for year in years:
        if lacks(dates, year):
            return Missing(year, max(today, date(year, 1, 1)))
    return None


def _paid(year: int) -> dict[date, int]:
    """Make-up workdays, each with the weekday of the day off that it pays for."""
    found: dict[date, int] = {}
    for off, name in country_holidays("CN", years=(year, year + 1), language="en_US").items():
        if pair := _PAIR.search(name):
            month, day, of_year = map(int, pair.groups())
            found[date(of_year, month, day)] = off.isoweekday()
    return found

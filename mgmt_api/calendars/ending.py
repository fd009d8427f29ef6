"""Special days that schedules heed, and whose next year nobody has written yet: an alarm from December on."""

import json
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from mgmt_api.calendars import china
from mgmt_api.tables.office import Schedule, SpecialDays


class Ending(NamedTuple):
    """A set of special days that lacks a year that is needed."""

    id: str
    year: int


def ending(session: Session, today: date) -> list[Ending]:
    """Each set that a schedule heeds and that does not reach into this year; in December, into the next.

    One that is filled up lacks a year until all of it stands there: a day of the office's own is no calendar. The alarm
    lasts until the year is written, or no schedule heeds the set any more.
    """
    heeded = {name for (special,) in session.execute(select(Schedule.special)) for name in json.loads(special)}
    rows = session.execute(select(SpecialDays.id, SpecialDays.days, SpecialDays.seed).order_by(SpecialDays.id))
    dates = [(id_, {day["date"] for day in json.loads(days)}, seed) for id_, days, seed in rows if id_ in heeded]
    return [Ending(id_, year) for id_, known, seed in dates for year in _needed(today) if _lacks(known, seed, year)]


def _needed(today: date) -> Iterator[int]:
    yield today.year
    if today.month == china.DECEMBER:
        yield today.year + 1


def _lacks(known: set[str], seed: str, year: int) -> bool:
    if seed:
        return china.lacks(known, year)
    return bool(known) and int(max(known)[:4]) < year

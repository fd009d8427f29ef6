"""Special days that schedules heed, and whose next year nobody has written yet: an alarm from December on."""

import json
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from mgmt_api.calendars.china import DECEMBER
from mgmt_api.tables.office import Schedule, SpecialDays


class Ending(NamedTuple):
    """A set of special days without a day in a year that is needed."""

    id: str
    year: int


def ending(session: Session, today: date) -> list[Ending]:
    """Each set that a schedule heeds and that has days of last year but none of this; in December, none of the next."""
    heeded = {name for (special,) in session.execute(select(Schedule.special)) for name in json.loads(special)}
    rows = session.execute(select(SpecialDays.id, SpecialDays.days).order_by(SpecialDays.id))
    years = {id_: {int(day["date"][:4]) for day in json.loads(days)} for id_, days in rows if id_ in heeded}
    return [Ending(id_, year) for id_, known in years.items() for year in _needed(today) if _lacks(known, year)]


def _needed(today: date) -> Iterator[int]:
    yield today.year
    if today.month == DECEMBER:
        yield today.year + 1


def _lacks(known: set[int], year: int) -> bool:
    return year not in known and year - 1 in known

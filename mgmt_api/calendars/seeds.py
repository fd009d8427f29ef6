"""Special days that the office has filled up: dates that it did not name come from what packages know.

A date that stands in the table is the office's, or was filled before: it is never touched again.
"""

import json
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.access.model import SpecialDay
from mgmt_api import audit
from mgmt_api.calendars import china
from mgmt_api.keys import Keys
from mgmt_api.tables.office import SpecialDays


def filled(days: str, today: date) -> str:
    """The table of a row (JSON, as it is kept) with the days of this year and the next that it lacks."""
    known = [SpecialDay(day["date"], tuple(map(tuple, day["windows"])), day["follows"]) for day in json.loads(days)]
    return json.dumps([_day(day) for day in china.grown(known, today)], separators=(",", ":"))


def fill(session: Session, keys: Keys, at: float, today: date) -> list[SpecialDays]:
    """Fill up what is to be; the rows that changed, to be given a version."""
    changed = []
    for row in session.scalars(select(SpecialDays).where(SpecialDays.seed != "")):
        before, row_days = _dates(row.days), filled(row.days, today)
        if years := sorted({int(day[:4]) for day in _dates(row_days) - before}):
            row.days = row_days
            changed.append(row)
            audit.append(session, keys, at, audit.SYSTEM, "special-days.seed", row.id, years=years, seed=row.seed)
    return changed


def _dates(days: str) -> set[str]:
    return {day["date"] for day in json.loads(days)}


def _day(day: SpecialDay) -> dict[str, Any]:
    return {"date": day.date, "windows": day.windows, "follows": day.follows}

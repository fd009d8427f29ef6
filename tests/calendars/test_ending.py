import json
from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from mgmt_api.calendars.ending import ending
from mgmt_api.tables import Base
from mgmt_api.tables.office import Schedule, SpecialDays


@pytest.fixture(name="session")
def _session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


def special(session: Session, id_: str, *dates: str) -> None:
    days = json.dumps([{"date": day} for day in dates])
    session.add(SpecialDays(id=id_, days=days, priority=0, name="", digest=b"", version=1))


def heeds(session: Session, *names: str) -> None:
    session.add(Schedule(id="s", windows="[]", special=json.dumps(names), name="", digest=b"", version=1))


@pytest.mark.parametrize(
    ("today", "missing"),
    [
        ("2026-11-30", []),
        ("2026-12-01", [("china", 2027)]),
        ("2027-03-01", [("china", 2027)]),
        ("2028-03-01", []),  # long out of use: no alarm for ever
    ],
)
def test_a_year_that_nobody_wrote_is_an_alarm_from_december_on(
    session: Session, today: str, missing: list[tuple[str, int]]
) -> None:
    special(session, "china", "2026-10-01")
    special(session, "unheeded", "2026-10-01")
    heeds(session, "china")
    assert ending(session, date.fromisoformat(today)) == missing


def test_a_year_that_is_written_is_no_alarm(session: Session) -> None:
    special(session, "china", "2026-10-01", "2027-01-01")
    heeds(session, "china")
    assert not ending(session, date(2026, 12, 31))

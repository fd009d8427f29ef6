import json
from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from mgmt_api.calendars import china
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


def special(session: Session, id_: str, *dates: str, seed: str = "") -> None:
    days = json.dumps([{"date": day} for day in dates])
    session.add(SpecialDays(id=id_, days=days, priority=0, seed=seed, name="", digest=b"", version=1))


def heeds(session: Session, *names: str) -> None:
    session.add(Schedule(id="s", windows="[]", special=json.dumps(names), name="", digest=b"", version=1))


@pytest.mark.parametrize(
    ("today", "missing"),
    [
        ("2026-11-30", []),
        ("2026-12-01", [("china", 2027)]),
        ("2027-03-01", [("china", 2027)]),
        ("2028-03-01", [("china", 2028)]),  # as long as it is heeded
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


def test_a_set_that_is_filled_up_lacks_a_year_until_all_of_it_stands_there(session: Session) -> None:
    whole = [day.date for day in china.year_days(2026)]
    special(session, "china", *whole[1:], seed="china")
    heeds(session, "china")
    assert ending(session, date(2026, 3, 1)) == [("china", 2026)]
    session.get_one(SpecialDays, "china").days = json.dumps([{"date": day} for day in whole])
    assert not ending(session, date(2026, 3, 1))


def test_one_day_that_the_office_wrote_ends_no_alarm_of_a_set_that_is_filled_up(session: Session) -> None:
    special(session, "china", "2099-05-05", seed="china")
    heeds(session, "china")
    assert ending(session, date(2098, 12, 20)) == [("china", 2098), ("china", 2099)]


def test_a_set_without_a_day_is_no_alarm_unless_it_is_to_be_filled_up(session: Session) -> None:
    special(session, "own")
    special(session, "seeded", seed="china")
    heeds(session, "own", "seeded")
    assert ending(session, date(2099, 3, 1)) == [("seeded", 2099)]

import json
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from gateway.access.model import Schedule, SpecialDay, SpecialDays, Window
from gateway.access.schedule import minute_of_week, times
from mgmt_api.calendars import china
from mgmt_api.cli.command import app

OFFICE = Schedule("office", tuple(Window(weekday, 540, 1080) for weekday in range(1, 6)), ("china",))


def opens(at: str) -> bool:
    local = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    made = times(OFFICE, [SpecialDays("china", china.year_days(2026))])
    return made.open_at(minute_of_week(local), local.toordinal())


# The State Council's notice for 2026: Spring Festival from 15 to 23 February, work on the Saturdays 14 and 28;
# National Day from 1 to 7 October, work on Sunday, 20 September, and Saturday, 10 October.
@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        ("2026-02-13", True),
        ("2026-02-14", True),
        ("2026-02-16", False),
        ("2026-02-23", False),
        ("2026-02-24", True),
        ("2026-02-28", True),
        ("2026-03-07", False),
        ("2026-09-20", True),
        ("2026-10-01", False),
        ("2026-10-07", False),
        ("2026-10-08", True),
        ("2026-10-10", True),
        ("2026-10-11", False),
    ],
)
def test_an_office_keeps_the_holidays_and_the_make_up_workdays(day: str, is_open: bool) -> None:
    assert opens(f"{day}T10:00") is is_open


def test_a_make_up_workday_follows_the_day_that_it_pays_for() -> None:
    follows = {day.date: day.follows for day in china.year_days(2026) if day.follows}
    assert follows == {
        "2026-01-04": 5, "2026-02-14": 5, "2026-02-28": 1, "2026-05-09": 2, "2026-09-20": 2, "2026-10-10": 3,
    }  # fmt: skip


def test_a_year_that_nobody_knows_is_said_to_be_unknown() -> None:
    with pytest.raises(china.Unpublished, match="2099"):
        china.year_days(2099)


def test_a_date_that_the_office_wrote_stays_and_all_others_are_added() -> None:
    mine = (SpecialDay("2026-10-01", ((480, 720),)), SpecialDay("2027-01-01"))
    grown = china.grown(mine, date(2026, 11, 25))
    assert set(grown) == {*(day for day in china.year_days(2026) if day.date != "2026-10-01"), *mine}
    assert china.grown(grown, date(2026, 11, 25)) == grown


def test_one_day_of_the_office_s_own_is_no_year() -> None:
    lacking = china.missing((*china.year_days(2026), SpecialDay("2027-05-05")), date(2026, 12, 20))
    assert lacking is not None
    assert lacking.year == 2027


@pytest.mark.parametrize(
    ("today", "year"), [("2026-11-30", None), ("2026-12-01", 2027), ("2027-01-01", 2027), ("2025-12-31", None)]
)
def test_a_missing_year_is_an_alarm_from_december_on(today: str, year: int | None) -> None:
    days = (*china.year_days(2025), *china.year_days(2026))
    lacking = china.missing(days, date.fromisoformat(today))
    assert (lacking.year if lacking else None) == year


def test_the_command_lists_a_year_and_says_when_one_is_missing() -> None:
    run = CliRunner().invoke
    assert "2026-02-14 Sat  调休上班，按周五" in run(app, ["calendar", "china", "2026"]).stdout
    lacking = run(app, ["calendar", "china", "--today", "2099-12-01", "--json"])
    assert lacking.exit_code == 1
    assert json.loads(lacking.stdout) == {"priority": 0, "days": [], "missing": 2099}

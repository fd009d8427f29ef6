import json
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from gateway.access.model import Schedule, SpecialDay, SpecialDays, Window
from gateway.access.schedule import minute_of_week, split, times
from mgmt_api.calendars.ical import BadCalendar, read
from mgmt_api.calendars.ical_out import write
from mgmt_api.cli.command import app

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 3, 2)


def calendar(*events: str) -> str:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    for number, event in enumerate(events):
        uid = [] if "UID:" in event else [f"UID:e{number}"]
        lines += ["BEGIN:VEVENT", *uid, "DTSTAMP:20260101T000000Z", *event.split("|"), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def opens(text: str, at: str, tz: ZoneInfo = SHANGHAI) -> bool:
    schedule, special = read(text, "s", tz, MONDAY)
    local = datetime.fromisoformat(at)
    return times(schedule, [special]).open_at(minute_of_week(local), local.toordinal())


OFFICE = "DTSTART:20260105T090000|DTEND:20260105T180000|RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-03-04T08:59", False),
        ("2026-03-04T09:00", True),
        ("2026-03-04T17:59", True),
        ("2026-03-04T18:00", False),
        ("2026-03-07T12:00", False),
        ("2029-03-05T12:00", True),
    ],
)
def test_a_weekly_event_is_a_week_of_windows(at: str, is_open: bool) -> None:
    assert opens(calendar(OFFICE), at) is is_open
    assert not read(calendar(OFFICE), "s", SHANGHAI, MONDAY)[1].days


def test_a_night_shift_runs_across_midnight() -> None:
    night = calendar("DTSTART:20260102T220000|DTEND:20260103T060000|RRULE:FREQ=DAILY")
    assert [opens(night, f"2026-03-04T{hour:02d}:30") for hour in (5, 6, 21, 22)] == [True, False, False, True]


def test_an_exception_shuts_one_day_and_an_event_of_its_own_opens_another() -> None:
    text = calendar(OFFICE + "|EXDATE:20260304T090000", "DTSTART:20260307T100000|DTEND:20260307T120000")
    told = [opens(text, at) for at in ("2026-03-04T10:00", "2026-03-05T10:00", "2026-03-07T11:00", "2026-03-14T11:00")]
    assert told == [False, True, True, False]


def test_a_moved_instance_takes_the_place_of_its_own() -> None:
    moved = "UID:o|RECURRENCE-ID:20260304T090000|DTSTART:20260304T130000|DTEND:20260304T150000"
    text = calendar("UID:o|" + OFFICE, moved)
    assert [opens(text, f"2026-03-04T{hour}:00") for hour in (10, 13, 15)] == [False, True, False]
    assert opens(text, "2026-03-11T10:00")


def test_a_cancelled_instance_is_shut() -> None:
    cancelled = "UID:o|RECURRENCE-ID:20260304T090000|DTSTART:20260304T090000|DTEND:20260304T180000|STATUS:CANCELLED"
    text = calendar("UID:o|" + OFFICE, cancelled)
    assert [opens(text, f"2026-03-{day:02d}T10:00") for day in (3, 4, 5)] == [True, False, True]


def test_a_cancelled_event_opens_nothing() -> None:
    assert not opens(calendar(OFFICE + "|STATUS:CANCELLED"), "2026-03-04T10:00")


def test_a_date_without_a_time_stands_for_what_starts_on_it() -> None:
    text = calendar(OFFICE + "|EXDATE;VALUE=DATE:20260304")
    assert [opens(text, f"2026-03-{day:02d}T10:00") for day in (3, 4, 5)] == [True, False, True]
    text = calendar("UID:o|" + OFFICE, "UID:o|RECURRENCE-ID;VALUE=DATE:20260304|STATUS:CANCELLED")
    assert [opens(text, f"2026-03-{day:02d}T10:00") for day in (3, 4, 5)] == [True, False, True]


NIGHT = "DTSTART:20260102T220000|DTEND:20260103T060000|RRULE:FREQ=DAILY"


def test_a_night_left_out_is_left_out_to_its_morning() -> None:
    text = calendar(NIGHT + "|EXDATE:20260304T220000")
    told = [opens(text, f"2026-03-{at}") for at in ("04T05:59", "04T22:00", "05T05:59", "05T22:00", "06T05:59")]
    assert told == [True, False, False, True, True]
    assert read(text, "s", SHANGHAI, MONDAY)[1].days == (SpecialDay("2026-03-04"),)
    yesterday = calendar(NIGHT + "|EXDATE:20260301T220000")
    assert [opens(yesterday, f"2026-03-02T{hour}:00") for hour in ("01", "23")] == [False, True]


def test_an_evening_and_a_morning_of_two_events_are_left_out_one_by_one() -> None:
    evening = "DTSTART:20260102T220000|DTEND:20260103T000000|RRULE:FREQ=DAILY"
    morning = "DTSTART:20260102T000000|DTEND:20260102T060000|RRULE:FREQ=DAILY"
    text = calendar(evening, morning + "|EXDATE:20260304T000000")
    told = [opens(text, f"2026-03-{at}") for at in ("03T23:59", "04T00:01", "04T23:59", "05T00:01")]
    assert told == [True, False, True, True]


def test_what_ends_or_is_rare_is_written_out_day_by_day() -> None:
    ending = calendar("DTSTART:20260302T090000|DTEND:20260302T100000|RRULE:FREQ=WEEKLY;COUNT=2")
    assert [opens(ending, f"2026-03-{day:02d}T09:30") for day in (2, 9, 16)] == [True, True, False]
    yearly = calendar("DTSTART;VALUE=DATE:20251001|DTEND;VALUE=DATE:20251004|RRULE:FREQ=YEARLY")
    assert [opens(yearly, f"2026-10-{day:02d}T00:00") for day in (1, 3, 4)] == [True, True, False]
    until = calendar("DTSTART:20260302T090000|DTEND:20260302T100000|RRULE:FREQ=DAILY;UNTIL=20260303T160000Z")
    assert [opens(until, f"2026-03-{day:02d}T09:30") for day in (2, 3, 4)] == [True, True, False]


def test_a_weekly_event_does_not_open_before_it_begins() -> None:
    later = calendar("DTSTART:20260316T090000|DTEND:20260316T180000|RRULE:FREQ=WEEKLY")
    assert [opens(later, f"2026-03-{day:02d}T10:00") for day in (2, 9, 16, 23)] == [False, False, True, True]
    daily = calendar("DTSTART:20260310T090000|DTEND:20260310T180000|RRULE:FREQ=DAILY")
    assert [opens(daily, f"2026-03-{day:02d}T10:00") for day in (8, 9, 10)] == [False, False, True]
    night = calendar("DTSTART:20260310T220000|DTEND:20260311T060000|RRULE:FREQ=DAILY")
    told = [opens(night, f"2026-03-{at}") for at in ("09T23:00", "10T01:00", "10T23:00", "11T01:00")]
    assert told == [False, False, True, True]


def test_a_series_that_began_long_ago_is_walked_from_today() -> None:
    days = "".join(f"|EXDATE:20260{month}{day:02d}T080000" for month in range(3, 7) for day in range(3, 28))
    old = calendar("DTSTART:00010101T080000|DTEND:00010101T180000|RRULE:FREQ=DAILY" + days)
    assert len(read(old, "s", SHANGHAI, MONDAY)[1].days) == 100


def test_a_time_of_a_zone_with_the_site_s_clock_is_the_site_s() -> None:
    utc = calendar("DTSTART:20260105T010000Z|DTEND:20260105T020000Z|RRULE:FREQ=WEEKLY")
    assert opens(utc, "2026-03-02T09:30")
    times_of_day = "DTSTART;TZID=Europe/Berlin:20260105T090000|DTEND;TZID=Europe/Berlin:20260105T100000"
    own = calendar(f"{times_of_day}|RRULE:FREQ=WEEKLY")
    assert [opens(own, at, BERLIN) for at in ("2026-03-23T09:30", "2026-03-30T09:30")] == [True, True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing", "not an iCalendar"),
        (calendar("DTSTART:20260105T090000|DTEND:20260105T080000"), "e0: it ends"),
        (calendar("DTEND:20260105T080000"), "e0"),
        (calendar("DTSTART:20260105T090000|DTEND:20260105T100000|RRULE:FREQ=HOURLY"), "more often"),
        (calendar("DTSTART:20260105T090000|DTEND:20260115T100000|RRULE:FREQ=WEEKLY"), "longer than a week"),
        (calendar("DTSTART;TZID=Nowhere:20260105T090000|DURATION:PT1H"), "e0: DTSTART is of the unknown.* Nowhere"),
        (calendar(OFFICE + "|EXDATE;TZID=Nowhere:20260304T090000"), "e0: EXDATE is of the unknown.* Nowhere"),
        (calendar("UID:o|" + OFFICE, "UID:o|RECURRENCE-ID;RANGE=THISANDFUTURE:20260304T090000|" + OFFICE), "o: RANGE"),
        (calendar("DTSTART:20260105T090000|DTEND:99991231T100000|RDATE:20270101T090000"), "e0: date value"),
    ],
)
def test_what_doors_cannot_keep_to_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(BadCalendar, match=said):
        read(text, "s", SHANGHAI, MONDAY)


def test_what_recurs_by_another_zone_s_clock_is_refused() -> None:
    utc = calendar("DTSTART:20260105T010000Z|DTEND:20260105T020000Z|RRULE:FREQ=WEEKLY")
    with pytest.raises(BadCalendar, match="another zone"):
        read(utc, "s", BERLIN, MONDAY)


minutes = st.integers(0, 1439)
nights = st.builds(split, st.integers(1, 7), st.integers(720, 1439), st.integers(0, 719))
windows = st.builds(lambda d, a, b: Window(d, min(a, b), max(a, b) + 1), st.integers(1, 7), minutes, minutes)
days = st.integers(0, 20).map(lambda n: (MONDAY + timedelta(days=n)).isoformat())
hours = st.tuples(minutes, minutes).filter(lambda ends: ends[0] != ends[1])
special = st.builds(SpecialDay, days, st.lists(hours, max_size=2).map(tuple)) | st.builds(
    SpecialDay, days, follows=st.integers(1, 7)
)


@given(
    st.lists(windows.map(lambda window: (window,)) | nights, max_size=5).map(lambda parts: sum(parts, ())),
    st.lists(special, max_size=4, unique_by=lambda day: day.date).map(tuple),
    st.lists(special, max_size=2, unique_by=lambda day: day.date).map(tuple),
)
@settings(max_examples=60, deadline=None)
@pytest.mark.timeout(300)
def test_a_schedule_written_and_read_opens_in_the_same_minutes(
    week: tuple[Window, ...], first: tuple[SpecialDay, ...], second: tuple[SpecialDay, ...]
) -> None:
    rows = [SpecialDays("a", first), SpecialDays("b", second, 1), SpecialDays("unheeded", second, 9)]
    schedule = Schedule("s", week, ("a", "b"))
    again, found = read(write(schedule, rows, MONDAY), "s", SHANGHAI, MONDAY)
    before, after = times(schedule, rows), times(again, [found])
    for day in range(28):
        at = datetime.combine(MONDAY, time()) + timedelta(days=day)
        for minute in range(0, 1440, 7):
            of_week = minute_of_week(at) + minute
            assert before.open_at(of_week, at.toordinal()) == after.open_at(of_week, at.toordinal())


def test_the_command_reads_and_writes_the_same_file(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        told = CliRunner().invoke(app, ["calendar", *arguments, "--today", "2026-03-02"])
        assert told.exit_code == 0, told.output
        return told.stdout

    (tmp_path / "a.ics").write_text(calendar(OFFICE + "|EXDATE:20260304T090000"))
    (tmp_path / "a.json").write_text(run("read", str(tmp_path / "a.ics"), "--id", "office"))
    (tmp_path / "b.ics").write_text(run("write", str(tmp_path / "a.json")))
    assert run("read", str(tmp_path / "b.ics"), "--id", "office") == (tmp_path / "a.json").read_text()
    told = json.loads(run("write", str(tmp_path / "a.json"), "--json"))
    assert told["calendar"].splitlines() == run("write", str(tmp_path / "a.json")).splitlines()
    bad = CliRunner().invoke(app, ["calendar", "read", str(tmp_path / "a.json"), "--id", "x"])
    assert bad.exit_code == 2


def test_a_day_behind_the_last_of_all_calendars_is_refused(tmp_path: Path) -> None:
    window = {"weekday": 1, "start": "08:00", "end": "24:00"}
    (tmp_path / "a.json").write_text(json.dumps({"schedules": {"a": {"windows": [window]}}}))
    done = CliRunner().invoke(app, ["calendar", "write", str(tmp_path / "a.json"), "--today", "9999-12-31"])
    assert done.exit_code == 2
    assert "a.json" in done.output


@pytest.mark.parametrize("zone", ["", "../x", "Mars/Olympus", "America"])
def test_a_time_zone_that_there_is_not_is_named(tmp_path: Path, zone: str) -> None:
    (tmp_path / "a.ics").write_text(calendar(OFFICE))
    done = CliRunner().invoke(app, ["calendar", "read", str(tmp_path / "a.ics"), "--id", "x", "--time-zone", zone])
    assert done.exit_code == 2
    assert f"--time-zone {zone!r}" in done.output

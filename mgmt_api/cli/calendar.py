"""`menjin calendar`: schedules from and to iCalendar files, and China's holidays with their make-up workdays."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import typer

from gateway.access.model import Schedule, SpecialDay, SpecialDays, Window
from gateway.access.schedule import split, times
from mgmt_api.calendars import china, ical, ical_out
from mgmt_api.cli.output import Exit, JsonOption, answer, say, stop

app = typer.Typer(no_args_is_help=True)

Today = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="As if today were this day / 以此日为今天")]


@app.callback()
def _calendar() -> None:
    """Calendars."""


@app.command("read", help="The schedule and special days of an .ics file / 读取日历文件")
def read(
    path: Annotated[Path, typer.Argument(metavar="FILE.ics", help="An iCalendar, RFC 5545 / 日历文件")],
    id_: Annotated[str, typer.Option("--id", help="The schedule's id / 时段编号")],
    zone: Annotated[str, typer.Option("--time-zone", help="The site's / 站点时区")] = "Asia/Shanghai",
    today: Today = None,
    _json: JsonOption = False,
) -> None:
    """Print the bodies of PUT /schedules/ID and PUT /special_days/ID-days as one JSON object."""
    tz = _zone(zone)
    try:
        schedule, special = ical.read(path.read_text("utf-8"), id_, tz, (today or datetime.now(tz)).date())
    except (OSError, UnicodeDecodeError, ical.BadCalendar) as error:
        stop(f"{path}: {error}", Exit.USAGE)
    answer({"schedules": {schedule.id: _schedule_body(schedule)}, "special_days": {special.id: body_of(special)}})


@app.command("write", help="An .ics file of a schedule with its special days / 写出日历文件")
def write(
    path: Annotated[Path, typer.Argument(metavar="FILE.json", help="As `read` prints it / read 的输出")],
    today: Today = None,
    json: JsonOption = False,
) -> None:
    """Print an iCalendar of the one schedule in the file, and the special days that it heeds."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, dict[str, Any]]])
        [(id_, body)] = found["schedules"].items()
        special = [days_of(name, each) for name, each in found.get("special_days", {}).items()]
        windows = [w for each in body["windows"] for w in split(each["weekday"], *map(_minute, _ends(each)))]
        schedule = Schedule(id_, tuple(windows), tuple(body.get("special", ())))
        times(schedule, special)
        text = ical_out.write(schedule, special, (today or datetime.now().astimezone()).date())
    except (OSError, ValueError, OverflowError, KeyError, TypeError) as error:
        stop(f"{path}: {error}", Exit.USAGE)
    answer({"calendar": text}) if json else typer.echo(text, nl=False)


@app.command("china", help="A year's holidays and make-up workdays (调休) / 中国节假日与调休")
def china_(
    year: Annotated[int | None, typer.Argument(min=2004, max=2100, help="The year; this one without / 年份")] = None,
    today: Today = None,
    json: JsonOption = False,
) -> None:
    """Print the body of PUT /special_days/china; exit 1 if the year, or one that is needed now, is not known."""
    now = (today or datetime.now().astimezone()).date()
    try:
        days = china.year_days(year) if year else china.grown((), now)
    except china.Unpublished as error:
        stop(str(error))
    lacking = None if year else china.missing(days, now)
    found = body_of(SpecialDays(china.ID, days))
    if json:
        answer(found | {"missing": lacking.year if lacking else None})
    else:
        for day in days:
            say(f"{day.date} {date.fromisoformat(day.date):%a}  {_told(day)}")
    if lacking:
        stop(f"{lacking.year}: 节假日安排尚未录入 / the holidays of {lacking.year} are missing")


def body_of(special: SpecialDays) -> dict[str, Any]:
    """Special days as their PUT takes them."""
    return {"priority": special.priority, "days": [_day_body(day) for day in special.days]}


def days_of(id_: str, body: dict[str, Any]) -> SpecialDays:
    """Special days of such a body. Raises KeyError, ValueError, TypeError."""
    return SpecialDays(id_, tuple(map(_day, body["days"])), body.get("priority", 0))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        stop(f"--time-zone {name!r}: not known; write Asia/Shanghai / 未知时区，格式如 Asia/Shanghai", Exit.USAGE)


def _day(body: dict[str, Any]) -> SpecialDay:
    windows = tuple((_minute(each["start"]), _minute(each["end"])) for each in body.get("windows", ()))
    return SpecialDay(body["date"], windows, body.get("follows"))


def _schedule_body(schedule: Schedule) -> dict[str, Any]:
    return {"windows": [_window_body(window) for window in schedule.windows], "special": list(schedule.special)}


def _window_body(window: Window) -> dict[str, Any]:
    return {"weekday": window.weekday, "start": _clock(window.start), "end": _clock(window.end)}


def _day_body(day: SpecialDay) -> dict[str, Any]:
    if day.follows is not None:
        return {"date": day.date, "follows": day.follows}
    return {"date": day.date, "windows": [{"start": _clock(start), "end": _clock(end)} for start, end in day.windows]}


def _told(day: SpecialDay) -> str:
    if day.follows is None:
        return "休息 / holiday"
    return f"调休上班，按周{'一二三四五六日'[day.follows - 1]} / make-up workday, as weekday {day.follows}"


def _ends(each: dict[str, Any]) -> tuple[str, str]:
    return each["start"], each["end"]


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)

"""A planned change ("what if") laid over the rows that stand: `{kind: {id: {field: value}}}`, null takes a row away.

Fields that are not named stay as they are. Rows have the form of the table's pages, but people may write times as they
do elsewhere: windows from "22:00" to "06:00", validity in ISO 8601.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway import wire
from gateway.access.schedule import split

Bodies = dict[tuple[str, str], wire.Body]
TIMES = ("valid_from", "valid_to", "refreshed_at")


class BadPlan(ValueError):
    """The plan cannot be laid over the rows; the text says where and why."""


def lay_over(bodies: Bodies, plan: Mapping[str, Any]) -> Bodies:
    """The rows with the plan over them. Raises `BadPlan`."""
    made = dict(bodies)
    for name, rows in plan.items():
        if name not in wire.KINDS or not isinstance(rows, dict):
            raise BadPlan(f"{name}: not one of {', '.join(wire.KINDS)}, each with rows by id")
        for id_, fields in rows.items():
            _lay(made, name, str(id_), fields)
    return made


def _lay(made: Bodies, name: str, id_: str, fields: Any) -> None:
    kind = wire.KINDS[name]
    if fields is None:
        made.pop((kind, id_), None)
        return
    try:
        body = {"id": id_} | made.get((kind, id_), {}) | {word: _plain(word, value) for word, value in fields.items()}
        wire.row(kind, body)
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise BadPlan(f"{name}.{id_}: {error}") from error
    made[kind, id_] = body


def _plain(word: str, value: Any) -> Any:
    if word in TIMES and isinstance(value, str | datetime):
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if moment.tzinfo is None:
            raise ValueError(f"{word}: say the offset from UTC, as in 2027-01-15T08:00:00+08:00")
        return moment.timestamp()
    if word == "windows":
        return [part for window in value for part in _window(window)]
    return value


def _window(window: dict[str, Any]) -> list[dict[str, int]]:
    ends = [_minute(window[word]) for word in ("start", "end")]
    return [{"weekday": part.weekday, "start": part.start, "end": part.end} for part in split(window["weekday"], *ends)]


def _minute(value: Any) -> int:
    """08:30, or minutes of the day."""
    if isinstance(value, int):
        return value
    hours, minutes = str(value).split(":")
    return int(hours) * 60 + int(minutes)

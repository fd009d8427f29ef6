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
LATEST = 253_402_214_399  # a day before the end of year 9999: wherever the site is, a calendar has it
WINDOW = {"weekday": int, "start": object, "end": object}
POLICY = {"schedule": str, "zone": (str,), "access_point": (str,), "within": bool}
RULES = {
    "passback": str, "passback_s": int, "limit": (int,), "persons": int, "supervised": bool, "escort": bool,
    "first_in_s": int, "hold_s": int, "least": int,
}  # fmt: skip
CREDENTIAL = {
    "key": str, "type": str, "holder": str, "holder_class": str, "state": str, "profiles": [str], "valid_from": object,
    "valid_to": object, "refreshed_at": object, "public_key": (str,), "pin": (str,), "duress_pin": (str,),
    "marks": [str], "max_uses": (int,),
}  # fmt: skip
# What a row may say: (shape,) may be null, [shape] is a list, object is looked at when it is read.
SHAPES: dict[str, dict[str, Any]] = {
    "zone": {"parent": (str,), "public": bool, "rules": (RULES,)},
    "special": {"days": [{"date": str, "windows": [[int]], "follows": (int,)}], "priority": int},
    "schedule": {"windows": [WINDOW], "special": [str]},
    "profile": {"number": int, "policies": [POLICY], "responder": bool, "visiting": bool},
    "credential": CREDENTIAL,
    "issuer": {"kid": int, "public_key": str},
    "denied": {"pass_id": str, "until": int},
}


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
    kind, place = wire.KINDS[name], f"{name}.{id_}"
    if fields is None:
        made.pop((kind, id_), None)
        return
    _fits(place, fields, SHAPES[kind] | {"id": str})
    try:
        body = {"id": id_} | made.get((kind, id_), {}) | {word: _plain(word, value) for word, value in fields.items()}
        wire.row(kind, body)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise BadPlan(f"{place}: {error}") from error
    if wire.row_id(kind, body) != id_:
        raise BadPlan(f"{place}: is not {wire.row_id(kind, body)}")
    made[kind, id_] = body


def _fits(place: str, value: Any, shape: Any) -> None:
    """Raises `BadPlan` at the first place that is misspelt or has another shape: it would change nothing unseen."""
    if isinstance(shape, tuple):
        if value is None:
            return
        (shape,) = shape
    if isinstance(shape, list) and isinstance(value, list):
        for number, each in enumerate(value):
            _fits(f"{place}.{number}", each, shape[0])
    elif isinstance(shape, dict) and isinstance(value, dict):
        for word, each in value.items():
            if word not in shape:
                raise BadPlan(f"{place}.{word}: not one of {', '.join(shape)}")
            _fits(f"{place}.{word}", each, shape[word])
    elif shape is not object and type(value) is not shape:
        wanted = shape.__name__ if isinstance(shape, type) else type(shape).__name__
        raise BadPlan(f"{place}: {value!r} is no {wanted}")


def _plain(word: str, value: Any) -> Any:
    if word in TIMES and isinstance(value, str | datetime):
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if moment.tzinfo is None:
            raise ValueError(f"{word}: say the offset from UTC, as in 2027-01-15T08:00:00+08:00")
        value = moment.timestamp()
    if word in TIMES and value is not None and not 0 <= value <= LATEST:
        raise ValueError(f"{word}: {value!r} is no time")
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

"""From a checked body to the columns that are kept. No clock and no database: what is needed is given."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.access.schedule import split
from mgmt_api.calendars import seeds
from mgmt_api.keys import Keys
from mgmt_api.office.rows_people import Row, credential, resident, to_json
from mgmt_api.office.wire import Kind
from mgmt_api.office.wire_base import Label
from mgmt_api.office.wire_places import (
    HoursBody,
    PolicyBody,
    ProfileBody,
    ScheduleBody,
    SpecialDayBody,
    SpecialDaysBody,
    UnitBody,
    WindowBody,
    ZoneBody,
)

__all__ = ["Row", "to_row"]
_pack = msgspec.msgpack.Encoder(order="deterministic").encode


def to_row(kind: Kind, id_: str, body: Any, keys: Keys, now: int) -> Row:
    """The columns of a record, with the digest of what central sent. Raises `BadRecord`."""
    row = _MAKERS[kind](id_, body, keys)
    row |= {"id": id_, "digest": keys.digest(kind, _pack(body))}
    if kind == "credentials":
        row["refreshed_at"] = now
    if kind == "special_days" and row["seed"]:  # at once: doors must not stand a minute without their holidays
        row["days"] = seeds.filled(row["days"], datetime.fromtimestamp(now, UTC).date())
    return row


def _zone(_id: str, body: ZoneBody, _keys: Keys) -> Row:
    rules = None if body.rules is None else msgspec.to_builtins(body.rules)
    kept = {"rules": to_json(rules), "use": body.use or "", "standing": body.standing}
    return {"parent": body.parent, "public": body.public, "name": _label(body.name), **kept}


def _unit(_id: str, body: UnitBody, _keys: Keys) -> Row:
    about = {
        word: value
        for word in ("address", "layout", "orientation", "floor_area_m2")
        if (value := getattr(body, word)) is not None
    }
    kept = {"name": _label(body.name), "about": to_json(about)}
    return {"zone": body.zone, "state": body.state, "standing": body.standing, **kept}


def _schedule(_id: str, body: ScheduleBody, _keys: Keys) -> Row:
    windows = [part for window in body.windows for part in _split(window)]
    return {"windows": to_json(windows), "special": to_json(body.special), "name": _label(body.name)}


def _split(window: WindowBody) -> list[dict[str, int]]:
    """One window, or two when it runs across midnight."""
    parts = split(window.weekday, _minutes(window.start), _minutes(window.end))
    return [{"weekday": part.weekday, "start": part.start, "end": part.end} for part in parts]


def _special_days(_id: str, body: SpecialDaysBody, _keys: Keys) -> Row:
    days = [_special_day(day) for day in body.days]
    return {"days": to_json(days), "priority": body.priority, "seed": body.seed or "", "name": _label(body.name)}


def _special_day(day: SpecialDayBody) -> dict[str, Any]:
    return {"date": day.date, "windows": [_hours(each) for each in day.windows], "follows": day.follows}


def _hours(hours: HoursBody) -> list[int]:
    return [_minutes(hours.start), _minutes(hours.end)]


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _profile(_id: str, body: ProfileBody, _keys: Keys) -> Row:
    policies = to_json([_policy(policy) for policy in body.policies])
    return {"number": body.number, "policies": policies, "responder": body.responder, "name": _label(body.name)}


def _policy(policy: PolicyBody) -> dict[str, Any]:
    place = {"zone": policy.zone} if policy.zone is not None else {"access_point": policy.access_point}
    return {"schedule": policy.schedule, **place} | ({"within": True} if policy.within else {})


def _label(name: Label | str | None) -> str:
    if name is None:
        return "null"
    return to_json({"zh": name, "en": name} if isinstance(name, str) else {"zh": name.zh, "en": name.en})


_MAKERS: dict[Kind, Callable[[str, Any, Keys], Row]] = {
    "zones": _zone,
    "units": _unit,
    "special_days": _special_days,
    "schedules": _schedule,
    "profiles": _profile,
    "residents": resident,
    "credentials": credential,
}

"""The small rows of a generation (all but credentials) as JSON lines, one row a line."""

import json
from collections.abc import Callable, Iterable
from dataclasses import astuple
from typing import Any

from gateway.access.model import (
    AccessPolicy,
    AccessProfile,
    DeniedPass,
    IssuerKey,
    Passback,
    Schedule,
    SpecialDay,
    SpecialDays,
    Window,
    Zone,
    ZoneRules,
)

OfficeRow = Zone | Schedule | SpecialDays | AccessProfile | IssuerKey | DeniedPass


def to_line(row: OfficeRow) -> bytes:
    """One ASCII line, without its end."""
    return json.dumps(_fields(row), separators=(",", ":")).encode()


def from_line(line: bytes) -> OfficeRow:
    """The row of a line.

    Raises:
        ValueError, KeyError, TypeError: the line was not written by `to_line`.
    """
    kind, *fields = json.loads(line)
    return _ROWS[kind](*fields)


def _fields(row: OfficeRow) -> list[Any]:
    match row:
        case Zone(id, parent, public, rules):
            return ["zone", id, parent, public, list(astuple(rules)) if rules else None]
        case Schedule(id, windows, special):
            return ["schedule", id, [[w.weekday, w.start, w.end] for w in windows], list(special)]
        case SpecialDays(id, days, priority):
            return ["special", id, [[day.date, day.windows, day.follows] for day in days], priority]
        case AccessProfile(id, number, policies, responder, visiting):
            return ["profile", id, number, [list(astuple(policy)) for policy in policies], responder, visiting]
        case IssuerKey(kid, public_key):
            return ["issuer", kid, public_key.hex()]
        case DeniedPass(pass_id, until):
            return ["denied", pass_id.hex(), until]


def _zone(id_: str, parent: str | None, public: bool, rules: list[Any] | None = None) -> Zone:
    return Zone(id_, parent, public, ZoneRules(Passback(rules[0]), *rules[1:]) if rules else None)


def _schedule(id_: str, windows: list[list[int]], special: Iterable[str] = ()) -> Schedule:
    return Schedule(id_, tuple(Window(*w) for w in windows), tuple(special))


def _special(id_: str, days: list[list[Any]], priority: int) -> SpecialDays:
    made = (SpecialDay(date, tuple((start, end) for start, end in windows), follows) for date, windows, follows in days)
    return SpecialDays(id_, tuple(made), priority)


def _profile(
    id_: str, number: int, policies: list[list[Any]], responder: bool = False, visiting: bool = False
) -> AccessProfile:
    return AccessProfile(id_, number, tuple(AccessPolicy(*p) for p in policies), responder, visiting)


_ROWS: dict[str, Callable[..., OfficeRow]] = {  # what has a default may be missing from an older file
    "zone": _zone,
    "schedule": _schedule,
    "special": _special,
    "profile": _profile,
    "issuer": lambda kid, public_key: IssuerKey(kid, bytes.fromhex(public_key)),
    "denied": lambda pass_id, until: DeniedPass(bytes.fromhex(pass_id), until),
}

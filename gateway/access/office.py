"""The small rows of a generation (all but credentials) as JSON lines, one row a line."""

import json
from collections.abc import Callable
from typing import Any

from gateway.access.model import (
    AccessPolicy,
    AccessProfile,
    DeniedPass,
    IssuerKey,
    Schedule,
    Window,
    Zone,
)

OfficeRow = Zone | Schedule | AccessProfile | IssuerKey | DeniedPass


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
        case Zone(id, parent, public):
            return ["zone", id, parent, public]
        case Schedule(id, windows):
            return ["schedule", id, [[w.weekday, w.start, w.end] for w in windows]]
        case AccessProfile(id, number, policies):
            return ["profile", id, number, [[p.schedule, p.zone, p.access_point] for p in policies]]
        case IssuerKey(kid, public_key):
            return ["issuer", kid, public_key.hex()]
        case DeniedPass(pass_id, until):
            return ["denied", pass_id.hex(), until]


_ROWS: dict[str, Callable[..., OfficeRow]] = {
    "zone": Zone,
    "schedule": lambda id_, windows: Schedule(id_, tuple(Window(*w) for w in windows)),
    "profile": lambda id_, number, policies: AccessProfile(id_, number, tuple(AccessPolicy(*p) for p in policies)),
    "issuer": lambda kid, public_key: IssuerKey(kid, bytes.fromhex(public_key)),
    "denied": lambda pass_id, until: DeniedPass(bytes.fromhex(pass_id), until),
}

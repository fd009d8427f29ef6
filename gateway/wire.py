"""The permission table as it travels: JSON objects of the management plane to rows of the core."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gateway.access.event import canonical
from gateway.access.model import (
    AccessPolicy,
    AccessProfile,
    Credential,
    CredentialState,
    CredentialType,
    DeniedPass,
    HolderClass,
    IssuerKey,
    Mark,
    Passback,
    Row,
    Schedule,
    SpecialDay,
    SpecialDays,
    Window,
    Zone,
    ZoneRules,
)
from gateway.access.schedule import NOTHING_BEGINS, special_days

Body = dict[str, Any]

FORM = 2  # of the pages that are read here; the plane leaves out what an older form does not know
KINDS = {  # list of a page → kind of row
    "zones": "zone",
    "special_days": "special",
    "schedules": "schedule",
    "profiles": "profile",
    "credentials": "credential",
    "issuers": "issuer",
    "denied": "denied",
}


REQUIRED = KINDS.keys() - {"special_days"}  # lists that pages of each form have


class BadRow(ValueError):
    """The management plane sent a row that is none."""


def row(kind: str, body: Body) -> Row:
    """The row of a JSON object. Raises `BadRow`."""
    try:
        return _ROWS[kind](body)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise BadRow(f"{kind} {body.get('id', '')!r}: {type(error).__name__} {error}") from error


def row_id(kind: str, body: Body) -> str:
    """The name of a row among its kind. Raises `BadRow`."""
    field = {"issuer": "kid", "denied": "pass_id"}.get(kind, "id")
    try:
        return str(body[field])
    except KeyError as error:
        raise BadRow(f"{kind} without {field}") from error


def rows_of(page: Mapping[str, Any]) -> Iterator[tuple[str, Body]]:
    """(kind, body) of each row in a page."""
    for name, kind in KINDS.items():
        for body in page.get(name, ()):
            yield kind, body


def digest(page: Mapping[str, Any]) -> str:
    """The digest of a page: SHA-256 of the canonical JSON of its lists."""
    return hashlib.sha256(canonical({name: page[name] for name in KINDS if name in page})).hexdigest()


def _credential(body: Body) -> Credential:
    return Credential(
        id=body["id"],
        key=_bytes(body["key"], 16),
        type=CredentialType(body["type"]),
        holder=body["holder"],
        holder_class=HolderClass(body["holder_class"]),
        state=CredentialState(body["state"]),
        profiles=tuple(body["profiles"]),
        valid_from=_unix(body.get("valid_from")),
        valid_to=_unix(body.get("valid_to")),
        refreshed_at=_unix(body.get("refreshed_at")) or 0,
        public_key=bytes.fromhex(body.get("public_key") or ""),
        pin=_bytes(body["pin"], 16) if body.get("pin") else b"",
        duress_pin=_bytes(body["duress_pin"], 16) if body.get("duress_pin") else b"",
        marks=sum({Mark[word.upper()] for word in body.get("marks", ())}),
        max_uses=int(body.get("max_uses") or 0),
    )


def _zone(body: Body) -> Zone:
    rules = body.get("rules")
    if rules is not None:
        rules = ZoneRules(**{**rules, "passback": Passback(rules.get("passback", "off"))})
    return Zone(body["id"], body.get("parent"), bool(body.get("public")), rules)


def _special_days(body: Body) -> SpecialDays:
    days = (
        SpecialDay(day["date"], tuple((start, end) for start, end in day.get("windows", ())), day.get("follows"))
        for day in body["days"]
    )
    made = SpecialDays(body["id"], tuple(days), int(body.get("priority", 0)))
    special_days(made, NOTHING_BEGINS)  # a day that is none would spoil the whole generation
    return made


def _schedule(body: Body) -> Schedule:
    windows = (Window(each["weekday"], each["start"], each["end"]) for each in body["windows"])
    return Schedule(body["id"], tuple(windows), tuple(body.get("special", ())))


def _profile(body: Body) -> AccessProfile:
    policies = tuple(map(_policy, body["policies"]))
    responder, visiting = bool(body.get("responder")), bool(body.get("visiting"))
    return AccessProfile(body["id"], body["number"], policies, responder, visiting)


def _policy(body: Body) -> AccessPolicy:
    within = bool(body.get("within"))
    policy = AccessPolicy(body["schedule"], body.get("zone"), body.get("access_point"), within)
    if (policy.zone is None) == (policy.access_point is None):
        raise ValueError("a policy names exactly one of zone and access_point")
    return policy


def _bytes(text: str, length: int) -> bytes:
    value = bytes.fromhex(text)
    if len(value) != length:
        raise ValueError(f"{len(value)} bytes instead of {length}")
    return value


def _unix(value: float | None) -> int | None:
    return None if value is None else int(value)


_ROWS: dict[str, Callable[[Body], Row]] = {
    "zone": _zone,
    "special": _special_days,
    "schedule": _schedule,
    "profile": _profile,
    "credential": _credential,
    "issuer": lambda body: IssuerKey(body["kid"], _bytes(body["public_key"], 33)),
    "denied": lambda body: DeniedPass(_bytes(body["pass_id"], 8), int(body["until"])),
}

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
    Row,
    Schedule,
    Window,
    Zone,
)

Body = dict[str, Any]

KINDS = {  # list of a page → kind of row
    "zones": "zone",
    "schedules": "schedule",
    "profiles": "profile",
    "credentials": "credential",
    "issuers": "issuer",
    "denied": "denied",
}


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
    """The digest of a page: SHA-256 of the canonical JSON of its six lists."""
    return hashlib.sha256(canonical({name: page[name] for name in KINDS})).hexdigest()


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
    )


def _policy(body: Body) -> AccessPolicy:
    policy = AccessPolicy(body["schedule"], body.get("zone"), body.get("access_point"))
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
    "zone": lambda body: Zone(body["id"], body.get("parent"), bool(body.get("public"))),
    "schedule": lambda body: Schedule(
        body["id"], tuple(Window(w["weekday"], w["start"], w["end"]) for w in body["windows"])
    ),
    "profile": lambda body: AccessProfile(body["id"], body["number"], tuple(map(_policy, body["policies"]))),
    "credential": _credential,
    "issuer": lambda body: IssuerKey(body["kid"], _bytes(body["public_key"], 33)),
    "denied": lambda body: DeniedPass(_bytes(body["pass_id"], 8), int(body["until"])),
}

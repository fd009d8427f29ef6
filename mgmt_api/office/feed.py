"""The permission table as gateways take it: pages of a snapshot, and what changed after a version."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from gateway.access.model import Mark
from mgmt_api.problems import Problem
from mgmt_api.tables import Base
from mgmt_api.tables.office import (
    Counter,
    Credential,
    Denied,
    Hold,
    Issuer,
    Profile,
    Resident,
    Schedule,
    SpecialDays,
    Tombstone,
    Way,
    WayHome,
    Zone,
)

PAGE_ROWS = 500
FORM = 2  # of the pages; a gateway names the highest that it reads
FORM_1_TYPES = {"card", "pin", "live", "idcard"}  # credentials that gateways of form 1 know
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Source:
    """A list of the feed: where its rows stand and how they look on the wire."""

    list: str
    model: type[Base]
    columns: tuple[Any, ...]
    shape: Callable[[Any], Json]
    key: str = "id"

    def select(self) -> Select[Any]:
        model: Any = self.model
        statement = select(model.version, *self.columns)
        if model is Credential:
            holder = statement.outerjoin(Resident, Resident.id == Credential.resident)
            homes = holder.outerjoin(WayHome, WayHome.resident == Credential.resident)
            return homes.outerjoin(Hold, Hold.credential == Credential.id)
        return statement


def _zone(row: Any) -> Json:
    rules = json.loads(row.rules)
    return {"id": row.id, "parent": row.parent, "public": bool(row.public)} | ({"rules": rules} if rules else {})


def _special_days(row: Any) -> Json:
    return {"id": row.id, "days": json.loads(row.days), "priority": row.priority}


def _schedule(row: Any) -> Json:
    special = json.loads(row.special)
    return {"id": row.id, "windows": json.loads(row.windows)} | ({"special": special} if special else {})


def _profile(row: Any) -> Json:
    responder = {"responder": True} if row.responder else {}
    return {"id": row.id, "number": row.number, "policies": json.loads(row.policies)} | responder


def _way(row: Any) -> Json:
    visiting = {"visiting": True} if row.id.startswith("@visit:") else {}
    return {"id": row.id, "number": row.number, "policies": json.loads(row.policies)} | visiting


def _credential(row: Any) -> Json:
    return {
        "id": row.id,
        "key": row.key.hex(),
        "type": row.type,
        "holder": row.resident,
        "holder_class": row.holder_class,
        "state": row.hold or row.state,
        "profiles": json.loads(row.profiles) + json.loads(row.ways or "[]"),
        "valid_from": row.valid_from,
        "valid_to": row.valid_to,
        "refreshed_at": row.refreshed_at,
        "public_key": row.public_key.hex(),
    } | _seldom(row)


def _seldom(row: Any) -> Json:
    """What few credentials have is left out of the others."""
    pins = {name: pin.hex() for name in ("pin", "duress_pin") if (pin := getattr(row, name))}
    uses = {"max_uses": row.max_uses} if row.max_uses else {}
    return pins | uses | ({"marks": [mark.name.lower() for mark in Mark(row.marks) if mark.name]} if row.marks else {})


_CREDENTIAL = (
    Credential.id,
    Credential.key,
    Credential.type,
    Credential.resident,
    Resident.holder_class,
    Credential.state,
    Hold.state.label("hold"),
    Credential.profiles,
    WayHome.profiles.label("ways"),
    Credential.valid_from,
    Credential.valid_to,
    Credential.refreshed_at,
    Credential.public_key,
    Credential.pin,
    Credential.duress_pin,
    Credential.max_uses,
    Credential.marks,
)
# In an order in which what a row names comes before the row.
SOURCES = (
    _Source("zones", Zone, (Zone.id, Zone.parent, Zone.public, Zone.rules), _zone),
    _Source("special_days", SpecialDays, (SpecialDays.id, SpecialDays.days, SpecialDays.priority), _special_days),
    _Source("schedules", Schedule, (Schedule.id, Schedule.windows, Schedule.special), _schedule),
    _Source("profiles", Profile, (Profile.id, Profile.number, Profile.policies, Profile.responder), _profile),
    _Source("profiles", Way, (Way.id, Way.number, Way.policies), _way),
    _Source("credentials", Credential, _CREDENTIAL, _credential),
    _Source(
        "issuers",
        Issuer,
        (Issuer.kid, Issuer.public_key),
        lambda row: {"kid": row.kid, "public_key": row.public_key.hex()},
        "kid",
    ),
    _Source("denied", Denied, (Denied.id, Denied.until), lambda row: {"pass_id": row.id, "until": row.until}),
)


def page(session: Session, after: str | None, limit: int = PAGE_ROWS, form: int = FORM) -> Json:
    """A page of the whole table, at most `limit` rows. Raises `Problem` for a cursor that is none of ours."""
    start, last = _read_cursor(after)
    lists: Json = {source.list: [] for source in SOURCES}
    room, cursor = limit, None
    for index in range(start, len(SOURCES)):
        rows = _rows_after(session, SOURCES[index], last if index == start else None, room + 1)
        kept = rows[:room]
        lists[SOURCES[index].list] += [SOURCES[index].shape(row) for row in kept]
        room -= len(kept)
        if len(rows) > len(kept):
            final = getattr(kept[-1], SOURCES[index].key) if kept else (last if index == start else None)
            cursor = _write_cursor(index, final)
            break
    lists, form = _in_form(lists, form)
    return {"version": _counter(session).value, "form": form, "digest": digest(lists), "next": cursor, **lists}


def changes(session: Session, after: int, limit: int = PAGE_ROWS, form: int = FORM) -> Json:
    """What changed after a version, oldest first, at most `limit` rows. Raises `Problem` cursor-gone."""
    counter = _counter(session)
    if not counter.floor <= after <= counter.value:
        detail = f"changes are known from {counter.floor} to {counter.value}"
        raise Problem("cursor-gone", detail, floor=counter.floor, version=counter.value)
    found = list(islice(merge(*_streams(session, after, limit + 1), key=lambda item: item[0]), limit + 1))
    kept, more = found[:limit], len(found) > limit
    lists: Json = {source.list: [] for source in SOURCES} | {"deleted": []}
    for _, name, shape, row in kept:
        lists[name].append(shape(row))
    lists, form = _in_form(lists, form)
    return {"version": kept[-1][0] if more else counter.value, "form": form, "more": more, **lists}


def _in_form(lists: Json, form: int) -> tuple[Json, int]:
    """The lists as a gateway of this form reads them: what it cannot know is left out, and never opens there."""
    if form >= FORM:
        return lists, FORM
    known = {name: rows for name, rows in lists.items() if name != "special_days"}
    return known | {"credentials": [row for row in lists["credentials"] if row["type"] in FORM_1_TYPES]}, 1


def digest(lists: Json) -> str:
    """SHA-256 over the canonical JSON of the lists: keys sorted, no spaces, UTF-8 as it is."""
    text = json.dumps(lists, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _streams(
    session: Session, after: int, limit: int
) -> Iterator[Iterator[tuple[int, str, Callable[[Any], Json], Any]]]:
    for source in SOURCES:
        model: Any = source.model
        rows = session.execute(source.select().where(model.version > after).order_by(model.version).limit(limit))
        yield iter([(row.version, source.list, source.shape, row) for row in rows])
    columns = (Tombstone.version, Tombstone.kind, Tombstone.id, Tombstone.key)
    gone = select(*columns).where(Tombstone.version > after).order_by(Tombstone.version).limit(limit)
    yield iter([(row.version, "deleted", _deleted, row) for row in session.execute(gone)])


def _deleted(row: Any) -> Json:
    return {"kind": row.kind, "id": row.id} | ({"key": row.key.hex()} if row.key else {})


def _rows_after(session: Session, source: _Source, last: str | None, limit: int) -> list[Any]:
    model: Any = source.model
    key = getattr(model, source.key)
    statement = source.select().order_by(key).limit(limit)
    if last is not None:
        statement = statement.where(key > (int(last) if source.key == "kid" else last))
    return list(session.execute(statement))


def _counter(session: Session) -> Any:
    return session.execute(select(Counter.value, Counter.floor).where(Counter.name == "table")).one()


def _write_cursor(index: int, last: object) -> str:
    return base64.urlsafe_b64encode(json.dumps([index, None if last is None else str(last)]).encode()).decode()


def _read_cursor(text: str | None) -> tuple[int, str | None]:
    if text is None:
        return 0, None
    try:
        index, last = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
        if isinstance(index, int) and 0 <= index < len(SOURCES) and (last is None or isinstance(last, str)):
            if last is not None and SOURCES[index].key == "kid":
                int(last)
            return index, last
    except (ValueError, TypeError, RecursionError):
        pass
    raise Problem("malformed", "The cursor `after` is none that this server gave.")

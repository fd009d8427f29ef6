"""Access events: taken from gateways once each, handed on in one order."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Raw, Struct
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from gateway.access.event import EventKind
from gateway.access.reasons import DenyReason
from mgmt_api import commands, spent, whereabouts
from mgmt_api.moments import LATEST, iso
from mgmt_api.office.reading import fault_of
from mgmt_api.office.store import take
from mgmt_api.problems import Fault, Problem
from mgmt_api.tables import table_of
from mgmt_api.tables.doors import Event, GatewayState
from mgmt_api.tables.office import Resident

Seq = Annotated[int, Meta(ge=1, le=(1 << 53) - 1)]
Short = Annotated[str, Meta(max_length=64)]
Moment = Annotated[float, Meta(ge=0, le=LATEST)]
Json = dict[str, Any]


class Upload(Struct, forbid_unknown_fields=True, frozen=True):
    """POST /gateways/{id}/events. `first_seq`: the oldest event that the gateway still has, when not 1."""

    events: Annotated[list[Raw], Meta(max_length=5000)]
    first_seq: Seq | None = None


class Head(Struct, frozen=True):
    """What is filed by; the whole record is kept as it came."""

    seq: Seq
    kind: Annotated[str, Meta(min_length=1, max_length=32)]
    occurred_at: Moment
    recorded_at: Moment
    hash: Annotated[str, Meta(max_length=128)] = ""
    door: Short = ""
    holder: Short = ""
    command_id: Short = ""
    reason: Short = ""


_head = msgspec.json.Decoder(Head)


def read_heads(upload: Upload) -> list[Head]:
    """The heads of the events. Raises `Problem` with a pointer for each wrong event."""
    heads: list[Head] = []
    faults: list[Fault] = []
    for i, raw in enumerate(upload.events):
        try:
            heads.append(_head.decode(raw))
        except (msgspec.MsgspecError, RecursionError) as error:
            fault = fault_of(error)
            faults.append(Fault(f"/events/{i}{fault.pointer}", fault.code, fault.detail))
    if faults:
        raise Problem("validation", errors=faults[:100])
    return heads


class Ingested(NamedTuple):
    """What came of events."""

    acked: int  # the highest sequence without a gap
    ended: list[str]  # commands
    moved: bool  # somebody is elsewhere now, or a code is spent


def ingest(session: Session, gateway: str, upload: Upload, heads: Sequence[Head], now: float) -> Ingested:
    """Store what is new. Raises `Problem` journal-fork."""
    known = _known(session, gateway, [head.seq for head in heads])
    _require_same(known, heads)
    fresh = {head.seq: (head, raw) for head, raw in zip(heads, upload.events, strict=True) if head.seq not in known}
    if fresh:
        first = take(session, "event", len(fresh))
        rows = [_row(gateway, first + i, *fresh[seq]) for i, seq in enumerate(sorted(fresh))]
        session.connection().execute(insert(table_of(Event)), rows)
    ended = [
        head.command_id
        for head, _ in fresh.values()
        if head.kind == EventKind.COMMAND_OUTCOME and commands.end(session, head.command_id, head.reason, now)
    ]
    moved = whereabouts.learn(session, (raw for head, raw in fresh.values() if head.kind in whereabouts.TELLING))
    used = spent.learn(session, (raw for head, raw in fresh.values() if _spends(head)))
    return Ingested(_advance(session, gateway, upload.first_seq), ended, moved or used)


def _spends(head: Head) -> bool:
    """Whether a code or a use was spent: by a grant, or by the first of two persons, who waits."""
    return head.kind == EventKind.GRANTED or head.reason == DenyReason.SECOND_PERSON_NEEDED


def after(session: Session, cursor: int, limit: int, role: str) -> list[Json]:
    """Events after a cursor, oldest first, as this role may see them."""
    return _page(session, _select().where(Event.cursor > cursor).order_by(Event.cursor).limit(limit), role)


def before(
    session: Session,
    cursor: int | None,
    limit: int,
    role: str,
    door: str | None,
    kind: str | None,
    span: tuple[float, float] | None = None,
) -> list[Json]:
    """Events before a cursor, newest first, of a door, a kind and a time [from, to) if asked."""
    statement = _select().order_by(Event.cursor.desc()).limit(limit)
    if cursor is not None:
        statement = statement.where(Event.cursor < cursor)
    if door is not None:
        statement = statement.where(Event.door == door)
    if kind is not None:
        statement = statement.where(Event.kind == kind)
    if span is not None:
        statement = statement.where(Event.occurred_at >= span[0], Event.occurred_at < span[1])
    return _page(session, statement, role)


def within(session: Session, doors: Sequence[str], span: tuple[float, float], limit: int) -> list[Json]:
    """The events of some doors in [from, to), oldest first, with names and without any card."""
    during = (Event.occurred_at >= span[0]) & (Event.occurred_at < span[1])
    statement = _select().where(during, Event.door.in_(doors)).order_by(Event.occurred_at).limit(limit)
    return _page(session, statement, "guard")


def one(session: Session, cursor: int) -> Event:
    """An event. Raises `Problem` not-found."""
    found = session.get(Event, cursor)
    if found is None:
        raise Problem("not-found", f"There is no event {cursor}.")
    return found


def latest(session: Session) -> int:
    """The newest cursor; 0 when there is none."""
    return session.execute(select(func.max(Event.cursor))).scalar_one() or 0


def _select() -> Any:
    columns = (Event.cursor, Event.gateway, Event.record, Resident.name)
    return select(*columns).outerjoin(Resident, (Resident.id == Event.holder) & (Event.holder != ""))


def _page(session: Session, statement: Any, role: str) -> list[Json]:
    return [_shape(row, role) for row in session.execute(statement)]


def _shape(row: Any, role: str) -> Json:
    """An event with its holder's name, but for central, which knows him; whoever registers cards sees new ones."""
    event: Json = json.loads(row.record)
    if role != "admin" and not (role == "central" and not event.get("credential")):
        event.pop("raw", None)
    event |= {"cursor": row.cursor, "gateway": row.gateway}
    event |= {name: iso(event[name]) for name in ("occurred_at", "recorded_at")}
    return event | {"holder_name": row.name} if row.name and role != "central" else event


def _row(gateway: str, cursor: int, head: Head, raw: Raw) -> Json:
    return {
        "cursor": cursor,
        "gateway": gateway,
        "seq": head.seq,
        "occurred_at": head.occurred_at,
        "kind": head.kind,
        "door": head.door,
        "holder": head.holder,
        "record": bytes(raw).decode(),
    }


def _known(session: Session, gateway: str, seqs: Sequence[int]) -> Mapping[int, str]:
    """Sequence numbers that are stored already, with their records."""
    if not seqs:
        return {}
    between = Event.seq.between(min(seqs), max(seqs))
    found = session.execute(select(Event.seq, Event.record).where(Event.gateway == gateway, between))
    return {row.seq: row.record for row in found}


def _require_same(known: Mapping[int, str], heads: Sequence[Head]) -> None:
    """A gateway that lost its journal counts from 1 again: what it says now must not pass for what it said then."""
    for head in heads:
        if head.seq in known and json.loads(known[head.seq]).get("hash", "") != head.hash:
            raise Problem("journal-fork", f"event {head.seq} is stored here with another hash", seq=head.seq)


def _advance(session: Session, gateway: str, first_seq: int | None) -> int:
    """Move the mark of what is stored without a gap; a gap below the gateway's own oldest event is past mending."""
    acked = session.execute(select(GatewayState.acked).where(GatewayState.id == gateway)).scalar_one()
    reached = max(acked, (first_seq or 1) - 1)
    later = select(Event.seq).where(Event.gateway == gateway, Event.seq > reached).order_by(Event.seq)
    for seq in session.scalars(later.execution_options(yield_per=500)):
        if seq != reached + 1:
            break
        reached = seq
    if reached != acked:
        session.execute(update(GatewayState).where(GatewayState.id == gateway).values(acked=reached))
    return reached

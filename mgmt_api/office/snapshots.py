"""A whole state in parts: received and checked aside, previewed, then put in place in one transaction."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from mgmt_api.database import Database
from mgmt_api.keys import Keys
from mgmt_api.office import store
from mgmt_api.office.parts import Part
from mgmt_api.office.position import move, position
from mgmt_api.office.references import MOST_FAULTS, require_whole
from mgmt_api.office.rows import Row
from mgmt_api.office.store import MODELS, Tally
from mgmt_api.office.ways import derive
from mgmt_api.office.wire import KINDS, Kind, Position
from mgmt_api.problems import Fault, Problem
from mgmt_api.tables import table_of
from mgmt_api.tables.sync import Snapshot, SnapshotPart

GUARD_SHARE, GUARD_ROWS = 0.20, 50
KEPT = 3  # open snapshots; older ones are given up
Counts = dict[str, dict[Kind, int]]


@dataclass(slots=True)
class Difference:
    """What a snapshot would change, by kind. For 100,000 residents with cards about 50 MB are held to find it."""

    new: dict[Kind, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})
    changed: dict[Kind, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})
    gone: dict[Kind, list[str]] = field(default_factory=dict)
    parts: set[int] = field(default_factory=set)  # those with something new or changed

    def touches(self, kind: Kind) -> bool:
        """Whether anything of a kind differs."""
        return bool(self.new[kind] or self.changed[kind] or self.gone[kind])


def begin(session: Session, asked: Position, now: int) -> str:
    """Open a snapshot; its id. Raises `Problem` stale-seq."""
    _require_newer(session, asked.epoch, asked.seq)
    open_ = select(Snapshot.id).where(Snapshot.state == "open")
    old = session.scalars(open_.order_by(Snapshot.created_at.desc(), Snapshot.id).offset(KEPT - 1)).all()
    session.execute(delete(Snapshot).where(Snapshot.id.in_(old)))
    id_ = secrets.token_hex(16)
    epoch = json.dumps(asked.epoch)
    session.add(Snapshot(id=id_, epoch=epoch, seq=asked.seq, state="open", created_at=now))
    session.flush()
    return id_


def stage(session: Session, database: Database, snapshot: str, part: int, read: Part) -> None:
    """Keep a part; sent again, it replaces itself. Raises `Problem` not-found."""
    _open(session, snapshot)
    row = {"snapshot": snapshot, "part": part, "index": read.index, "rows": read.rows}
    session.connection().execute(database.upsert(table_of(SnapshotPart), ["snapshot", "part"]), row)


def preview(session: Session, snapshot: str) -> Counts:
    """What a commit would do, by kind. Raises `Problem`: not-found or validation."""
    _open(session, snapshot)
    found = _difference(session, snapshot)
    return {
        "added": {kind: len(found.new[kind]) for kind in KINDS},
        "changed": {kind: len(found.changed[kind]) for kind in KINDS},
        "removed": {kind: len(found.gone[kind]) for kind in KINDS},
    }


def commit(
    session: Session, database: Database, keys: Keys, snapshot: str, confirm: str | None, now: int
) -> dict[str, Any]:
    """Put a snapshot in place. Raises `Problem`: not-found, stale-seq, mass-removal, validation; then all stays."""
    opened = _open(session, snapshot)
    epoch, seq = json.loads(opened.epoch), opened.seq
    _require_newer(session, epoch, seq)
    found = _difference(session, snapshot)
    _guard(session, keys, snapshot, len(found.gone["credentials"]), confirm)
    since = store.table_version(session)
    tally = _put(session, database, snapshot, found)
    for kind in reversed(KINDS):
        tally.removed += store.remove(session, kind, found.gone[kind], now, with_credentials=False)
    require_whole(session, since, {kind for kind in KINDS if found.gone[kind]}, {})
    derive(session, database, dict.fromkeys(kind for kind in KINDS if found.touches(kind)))
    session.execute(update(Snapshot).where(Snapshot.id == snapshot).values(state="committed"))
    move(session, epoch, seq, now)
    counts = {"added": tally.added, "changed": tally.changed, "removed": tally.removed}
    return {"epoch": epoch, "seq": seq, "version": store.table_version(session), **counts}


def left_over(session: Session) -> tuple[str, int] | None:
    """A part of a snapshot that is in place already: (snapshot, part)."""
    left = select(SnapshotPart.snapshot, SnapshotPart.part).join(Snapshot).where(Snapshot.state == "committed").limit(1)
    found = session.execute(left).first()
    return (found.snapshot, found.part) if found else None


def sweep(session: Session) -> None:
    """Drop one such part, and snapshots that have none left: small steps hold nobody up."""
    if (found := left_over(session)) is not None:
        session.execute(delete(SnapshotPart).where(SnapshotPart.snapshot == found[0], SnapshotPart.part == found[1]))
    empty = ~exists().where(SnapshotPart.snapshot == Snapshot.id)
    session.execute(delete(Snapshot).where(Snapshot.state == "committed", empty))


def counts(session: Session) -> dict[Kind, int]:
    """How many records of each kind stand."""
    return {kind: _count(session, kind) for kind in KINDS}


def _difference(session: Session, snapshot: str) -> Difference:
    """Raises `Problem` validation when a record is there twice."""
    found, seen = Difference(), {kind: set[str]() for kind in KINDS}
    standing = {kind: store.all_digests(session, kind) for kind in KINDS}
    faults: list[Fault] = []
    for part, index in _packed(session, snapshot, SnapshotPart.index):
        for kind, id_, digest, line in index:
            if id_ in seen[kind]:
                faults.append(Fault(f"/parts/{part}/lines/{line}/id", "duplicate", f"{kind} {id_!r} is here twice"))
                continue
            seen[kind].add(id_)
            kept = standing[kind].pop(id_, None)
            if kept != digest:
                (found.new if kept is None else found.changed)[kind].add(id_)
                found.parts.add(part)
    if faults:
        raise Problem("validation", errors=faults[:MOST_FAULTS])
    found.gone = {kind: list(left) for kind, left in standing.items()}
    return found


def _put(session: Session, database: Database, snapshot: str, found: Difference) -> Tally:
    """Write what differs, part by part."""
    tally = Tally()
    for part, rows in _packed(session, snapshot, SnapshotPart.rows, found.parts):
        del part
        for kind in KINDS:
            new: list[Row] = [row for row in rows[kind] if row["id"] in found.new[kind]]
            changed: list[Row] = [row for row in rows[kind] if row["id"] in found.changed[kind]]
            store.add(session, database, kind, new)
            store.replace(session, database, kind, changed)
            tally += Tally(len(new), len(changed))
    return tally


def _packed(session: Session, snapshot: str, column: Any, only: set[int] | None = None) -> Iterator[tuple[int, Any]]:
    """(part, what its column holds) for each part, one in memory at a time."""
    numbers = select(SnapshotPart.part).where(SnapshotPart.snapshot == snapshot).order_by(SnapshotPart.part)
    for part in session.scalars(numbers).all():
        if only is None or part in only:
            wanted = select(column).where(SnapshotPart.snapshot == snapshot, SnapshotPart.part == part)
            yield part, msgspec.msgpack.decode(session.execute(wanted).scalar_one())


def _guard(session: Session, keys: Keys, snapshot: str, going: int, confirm: str | None) -> None:
    standing = _count(session, "credentials")
    if going <= GUARD_ROWS or going <= GUARD_SHARE * standing:
        return
    token = keys.token(f"{snapshot}:{going}:{standing}")
    if confirm != token:
        detail = f"{going} of {standing} credentials would go; commit again with this token if that is meant"
        raise Problem("mass-removal", detail, confirm=token, removed=going, standing=standing)


def _require_newer(session: Session, epoch: int | str, seq: int) -> None:
    stand = position(session)
    older = isinstance(epoch, int) and isinstance(stand.epoch, int) and epoch < stand.epoch
    if older or (stand.epoch == epoch and seq < stand.seq):
        raise Problem("stale-seq", current=stand.as_json())


def _open(session: Session, snapshot: str) -> Snapshot:
    found = session.get(Snapshot, snapshot)
    if found is None or found.state != "open":
        raise Problem("not-found", "There is no open snapshot with this id.")
    return found


def _count(session: Session, kind: Kind) -> int:
    return session.execute(select(func.count()).select_from(MODELS[kind])).scalar_one()

"""A whole state in parts: received and checked aside, previewed, then put in place in one transaction."""

import json
import secrets
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from mgmt_api.database import Database
from mgmt_api.keys import Keys
from mgmt_api.office import store
from mgmt_api.office.position import move, position
from mgmt_api.office.references import require_whole
from mgmt_api.office.rows import Row
from mgmt_api.office.store import MODELS, Tally
from mgmt_api.office.wire import KINDS, Kind, Position
from mgmt_api.problems import Fault, Problem
from mgmt_api.tables import table_of
from mgmt_api.tables.office import Credential
from mgmt_api.tables.sync import Snapshot, Staged

GUARD_SHARE, GUARD_ROWS = 0.20, 50
KEPT = 3  # open snapshots; older ones are given up
BLOCK = 5000  # rows in hand at a time
Counts = dict[str, dict[Kind, int]]


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


def stage(session: Session, database: Database, snapshot: str, part: int, rows: Sequence[dict[str, Any]]) -> int:
    """Keep a part's records; sent again, it replaces itself. Raises `Problem`: not-found or validation."""
    _open(session, snapshot)
    session.execute(delete(Staged).where(Staged.snapshot == snapshot, Staged.part == part))
    if not rows:
        return 0
    same = {"snapshot": snapshot, "part": part}
    kept = [same | {name: row[name] for name in ("kind", "id", "digest", "row")} for row in rows]
    if database.bulk(session, database.insert_new(table_of(Staged)), kept) != len(rows):
        raise Problem("validation", errors=list(_twice(session, snapshot, part, rows)))
    return len(rows)


def preview(session: Session, snapshot: str) -> Counts:
    """What a commit would do, by kind. Raises `Problem` not-found."""
    _open(session, snapshot)
    counts: Counts = {"added": {}, "changed": {}, "removed": {}}
    for kind in KINDS:
        counts["added"][kind] = _count(session, _new(kind, snapshot))
        counts["changed"][kind] = _count(session, _changed(kind, snapshot))
        counts["removed"][kind] = _count(session, _gone(kind, snapshot))
    return counts


def commit(
    session: Session, database: Database, keys: Keys, snapshot: str, confirm: str | None, now: int
) -> dict[str, Any]:
    """Put a snapshot in place. Raises `Problem`: not-found, stale-seq, mass-removal, validation; then all stays."""
    opened = _open(session, snapshot)
    epoch, seq = json.loads(opened.epoch), opened.seq
    _require_newer(session, epoch, seq)
    _guard(session, keys, snapshot, confirm)
    since, tally = store.table_version(session), Tally()
    gone = {kind: session.scalars(_gone(kind, snapshot)).all() for kind in KINDS}
    for kind in KINDS:
        tally += _put(session, database, kind, snapshot)
    for kind in reversed(KINDS):
        tally.removed += store.remove(session, kind, gone[kind], now, with_credentials=False)
    require_whole(session, since, {kind for kind in KINDS if gone[kind]}, {})
    session.execute(update(Snapshot).where(Snapshot.id == snapshot).values(state="committed"))
    move(session, epoch, seq, now)
    counts = {"added": tally.added, "changed": tally.changed, "removed": tally.removed}
    return {"epoch": epoch, "seq": seq, "version": store.table_version(session), **counts}


def left_over(session: Session) -> tuple[str, int] | None:
    """A part of a snapshot that is in place already: (snapshot, part)."""
    left = select(Staged.snapshot, Staged.part).join(Snapshot).where(Snapshot.state == "committed").limit(1)
    found = session.execute(left).first()
    return (found.snapshot, found.part) if found else None


def sweep(session: Session) -> None:
    """Drop one such part, and snapshots that have none left: small steps hold nobody up."""
    if (found := left_over(session)) is not None:
        snapshot, part = found
        session.execute(delete(Staged).where(Staged.snapshot == snapshot, Staged.part == part))
    empty = ~exists().where(Staged.snapshot == Snapshot.id)
    session.execute(delete(Snapshot).where(Snapshot.state == "committed", empty))


def counts(session: Session) -> dict[Kind, int]:
    """How many records of each kind stand."""
    return {kind: _count(session, select(_ids(kind))) for kind in KINDS}


def _put(session: Session, database: Database, kind: Kind, snapshot: str) -> Tally:
    """Write what differs, block by block."""
    tally = Tally()
    for rows in _blocks(session, _changed(kind, snapshot)):
        store.replace(session, database, kind, rows)
        tally.changed += len(rows)
    for rows in _blocks(session, _new(kind, snapshot)):
        store.add(session, database, kind, rows)
        tally.added += len(rows)
    return tally


def _blocks(session: Session, statement: Any) -> Iterator[list[Row]]:
    """The staged rows of a statement, in order of their ids."""
    last = ""
    while True:
        page = statement.with_only_columns(Staged.id, Staged.row).where(Staged.id > last).order_by(Staged.id)
        found = session.execute(page.limit(BLOCK)).all()
        if not found:
            return
        yield [msgspec.msgpack.decode(row) for _, row in found]
        last = found[-1][0]


def _guard(session: Session, keys: Keys, snapshot: str, confirm: str | None) -> None:
    going = _count(session, _gone("credentials", snapshot))
    standing = session.execute(select(func.count()).select_from(Credential)).scalar_one()
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


def _twice(session: Session, snapshot: str, part: int, rows: Sequence[dict[str, Any]]) -> Iterator[Fault]:
    """The records that another part holds already."""
    for some in store.chunks(rows):
        for kind in {row["kind"] for row in some}:
            mine = {row["id"]: row["line"] for row in some if row["kind"] == kind}
            held = select(Staged.id).where(_staged(kind, snapshot), Staged.part != part, Staged.id.in_(mine))
            for id_ in session.scalars(held):
                yield Fault(f"/lines/{mine[id_]}/id", "duplicate", f"{kind} {id_!r} is in another part too")


def _count(session: Session, statement: Any) -> int:
    return session.execute(select(func.count()).select_from(statement.subquery())).scalar_one()


def _ids(kind: Kind) -> Any:
    model: Any = MODELS[kind]
    return model.id


def _staged(kind: Kind, snapshot: str) -> Any:
    return (Staged.snapshot == snapshot) & (Staged.kind == kind)


def _new(kind: Kind, snapshot: str) -> Any:
    model: Any = MODELS[kind]
    return select(Staged.id).where(_staged(kind, snapshot), ~exists().where(model.id == Staged.id))


def _changed(kind: Kind, snapshot: str) -> Any:
    model: Any = MODELS[kind]
    joined = select(Staged.id).join(model, model.id == Staged.id)
    return joined.where(_staged(kind, snapshot), model.digest != Staged.digest)


def _gone(kind: Kind, snapshot: str) -> Any:
    model: Any = MODELS[kind]
    return select(model.id).where(~exists().where(_staged(kind, snapshot), Staged.id == model.id))

"""A batch of changes: all or nothing, in central's order, asked as often as needed and done once."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from mgmt_api.database import Database
from mgmt_api.keys import Keys
from mgmt_api.office import store
from mgmt_api.office.position import move, position
from mgmt_api.office.reading import BadRecord, read_body, read_document
from mgmt_api.office.references import MOST_FAULTS, require_whole
from mgmt_api.office.rows import Row, to_row
from mgmt_api.office.store import Tally
from mgmt_api.office.ways import derive
from mgmt_api.office.wire import Batch, Kind, Op
from mgmt_api.problems import Fault, Problem
from mgmt_api.tables import table_of
from mgmt_api.tables.sync import Answer


@dataclass(frozen=True, slots=True)
class Step:
    """A checked change: a row to put, or None to delete."""

    kind: Kind
    id: str
    row: Row | None


@dataclass(frozen=True, slots=True)
class Checked:
    """A batch that was read and found well formed."""

    batch: Batch
    steps: list[Step]
    request: bytes  # keyed digest of what was sent


def check(raw: bytes, keys: Keys, now: int) -> Checked:
    """Read a batch. Raises `Problem` with a pointer for each wrong record."""
    batch: Batch = read_document(raw, Batch)
    if batch.to_seq < batch.base_seq:
        raise Problem("validation", errors=[Fault("/to_seq", "invalid", "to_seq lies before base_seq")])
    steps: list[Step] = []
    faults: list[Fault] = []
    for i, op in enumerate(batch.ops):
        try:
            steps.append(Step(op.kind, op.id, _row(op, keys, now)))
        except BadRecord as error:
            faults.append(_placed(error.fault, i))
            if len(faults) == MOST_FAULTS:
                break
    if faults:
        raise Problem("validation", errors=faults)
    return Checked(batch, steps, keys.digest("request", raw))


def apply(session: Session, database: Database, checked: Checked, now: int) -> dict[str, Any]:
    """Write a batch; the answer. Raises `Problem`: base-mismatch or validation; then nothing is changed."""
    batch, stand = checked.batch, position(session)
    if stand.epoch is not None and (stand.epoch, stand.seq) != (batch.epoch, batch.base_seq):
        raise Problem("base-mismatch", current=stand.as_json())
    if stand.epoch is None and batch.base_seq != 0:
        raise Problem("base-mismatch", current=stand.as_json())
    since, tally = store.table_version(session), Tally()
    for kind, run in _runs(checked.steps):
        tally += _write(session, database, kind, run, now)
    pointers = {(step.kind, step.id): f"/ops/{i}/body" for i, step in enumerate(checked.steps)}
    deleted = {step.kind for step in checked.steps if step.row is None}
    require_whole(session, since, deleted, pointers)
    derive(session, database, _touched(checked.steps))
    move(session, batch.epoch, batch.to_seq, now)
    counts = {"added": tally.added, "changed": tally.changed, "removed": tally.removed}
    return {"epoch": batch.epoch, "seq": batch.to_seq, "version": store.table_version(session), **counts}


def _touched(steps: list[Step]) -> dict[Kind, list[str]]:
    found: dict[Kind, list[str]] = {}
    for step in steps:
        found.setdefault(step.kind, []).append(step.id)
    return found


def given_answer(session: Session, caller: str, key: str, request: bytes) -> str | None:
    """What this Idempotency-Key was answered. Raises `Problem` when it stood for something else."""
    kept = session.get(Answer, (caller, key))
    if kept is None:
        return None
    if kept.request != request:
        raise Problem("idempotency-key-reused")
    return kept.body


def keep_answer(session: Session, caller: str, key: str, request: bytes, body: str, now: int) -> None:
    """Remember an answer in the same transaction as its deed."""
    row = {"caller": caller, "key": key, "request": request, "body": body, "at": now}
    session.execute(table_of(Answer).insert(), row)


def _row(op: Op, keys: Keys, now: int) -> Row | None:
    if op.op == "delete":
        return None
    if isinstance(op.body, msgspec.UnsetType):
        raise BadRecord(Fault("", "missing", "a put needs a body"))
    return to_row(op.kind, op.id, read_body(op.kind, op.body), keys, now)


def _placed(fault: Fault, index: int) -> Fault:
    return Fault(f"/ops/{index}/body{fault.pointer}", fault.code, fault.detail)


def _runs(steps: list[Step]) -> Iterator[tuple[Kind, list[Step]]]:
    """Neighbours of one kind and one sort of change, no id twice: order is kept, and each run is one statement."""
    for (kind, _), run in groupby(steps, key=lambda step: (step.kind, step.row is None)):
        fresh: dict[str, Step] = {}
        for step in run:
            if step.id in fresh:
                yield kind, list(fresh.values())
                fresh = {}
            fresh[step.id] = step
        yield kind, list(fresh.values())


def _write(session: Session, database: Database, kind: Kind, run: list[Step], now: int) -> Tally:
    rows = [step.row for step in run if step.row is not None]
    if rows:
        return store.put(session, database, kind, rows)
    return Tally(removed=store.remove(session, kind, [step.id for step in run], now))

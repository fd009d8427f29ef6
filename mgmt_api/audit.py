"""Who did what. Append-only; each row's HMAC covers the row before, so that nothing is changed or lost unseen."""

import json
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mgmt_api.keys import Keys
from mgmt_api.tables.people import Audit

SYSTEM = ("menjin", "system")  # who it was, where nobody asked for it
_FIELDS = ("id", "at", "actor", "role", "action", "target", "detail")


def append(
    session: Session, keys: Keys, at: float, who: tuple[str, str], action: str, target: str, **detail: Any
) -> None:
    """Write one row inside the caller's transaction: what is undone is not audited, what is done always is.

    `who` is (name, role); `action` a noun and a verb with a dot, e.g. `door.unlock`.
    """
    last = session.execute(select(Audit.id, Audit.hash).order_by(Audit.id.desc()).limit(1)).first()
    text = json.dumps(detail, sort_keys=True, ensure_ascii=False)
    row = Audit(
        id=last.id + 1 if last else 1, at=at, actor=who[0], role=who[1], action=action, target=target, detail=text
    )
    row.hash = keys.audit(last.hash if last else b"", _canonical(row))
    session.add(row)
    session.flush()


def first_fault(session: Session, keys: Keys) -> int | None:
    """The id of the first row that was changed, moved or lost; None when the chain is whole."""
    previous, expected = b"", 1
    columns = (getattr(Audit, name) for name in (*_FIELDS, "hash"))
    for row in session.execute(select(*columns).order_by(Audit.id).execution_options(yield_per=1000)):
        if row.id != expected or keys.audit(previous, _canonical(row)) != row.hash:
            return expected
        previous, expected = row.hash, row.id + 1
    return None


def page(session: Session, before: int | None, limit: int, actions: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Rows, newest first; only those of some actions, if asked. Reads no more than a page of each."""
    newest = select(Audit).order_by(Audit.id.desc()).limit(limit)
    if before is not None:
        newest = newest.where(Audit.id < before)
    chosen = [newest.where(Audit.action == action) for action in actions] or [newest]
    rows = [row for statement in chosen for row in session.scalars(statement)]
    return [_shape(row) for row in sorted(rows, key=attrgetter("id"), reverse=True)[:limit]]


def _shape(row: Audit) -> dict[str, Any]:
    fields: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
    return fields | {"detail": json.loads(row.detail), "hash": row.hash.hex()}


def _canonical(row: Any) -> bytes:
    return json.dumps([getattr(row, name) for name in _FIELDS], ensure_ascii=False, separators=(",", ":")).encode()

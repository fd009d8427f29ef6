"""The journal takes over what the reserve kept for it."""

import json
import sqlite3

import structlog

from gateway import journal_db
from gateway.chain import Head, Sealed, seal
from gateway.reserve import Reserve

log = structlog.get_logger()


def take_over(db: sqlite3.Connection, reserve: Reserve, known: Head, now: float, acked: int) -> Head:
    """Put the reserve's records behind the journal's head in one transaction, and give the new head.

    A record that is already there is left out: the commit that failed may have reached the disk after all.

    Args:
        db: the journal.
        reserve: emptied once the journal has all of it.
        known: the last head that this process knows of; a salvaged journal may have lost records before it.
        now: Unix seconds.
        acked: the last number that the management plane acknowledged.
    """
    state = journal_db.read_state(db)
    head = max(state.head, known, key=lambda each: each.seq)
    sealed: list[Sealed] = []
    changes: list[journal_db.Left] = []
    for frame in reserve.frames():
        records, with_them = json.loads(frame)
        for text, hash_ in records:
            each = _place(db, head, text.encode(), bytes.fromhex(hash_))
            if each is not None:
                sealed.append(each)
                head = Head(each.seq, each.hash)
        changes += [(head.seq, tuple(change)) for change in with_them]
    if not reserve.empty:
        journal_db.write(db, sealed, changes, max(state.high_water, now), max(state.acked, acked))
        reserve.clear()
        log.info("reserve taken over", head=head.seq)
    return head


def _place(db: sqlite3.Connection, head: Head, text: bytes, hash_: bytes) -> Sealed | None:
    """A record of the reserve at its place behind `head`, or None when the journal has it already.

    Its number and hash stay, unless the reserve had to begin without knowing where the journal ended.
    """
    record = json.loads(text)
    if record["seq"] > head.seq:
        return Sealed(record["seq"], record["recorded_at"], text, hash_)
    if journal_db.has_text(db, record["seq"], text):
        return None
    return seal(head, record, record["recorded_at"])

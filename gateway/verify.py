"""Prove a journal whole, or name what was altered.

Found: any byte of a record, its time, its hash or its number; a removed, inserted or exchanged row; rows cut off the
end, as long as the stored head still tells of them. Not found by the file alone: somebody who holds the file and
writes the whole chain anew from some record on, head included. That is what `witness` is for: hashes that the
management plane received, which nobody on site can change.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.access.event import canonical
from gateway.chain import Head, link


@dataclass(frozen=True, slots=True)
class Fault:
    """One break of the chain: at which sequence number, in which part, and what is wrong."""

    seq: int
    where: str  # "record", "hash", "rows", "head", "witness" or "file"
    what: str


def verify(path: Path, witness: Mapping[int, bytes] | None = None) -> list[Fault]:
    """Walk the chain of the journal at `path`, lowest number first; an empty list proves it whole.

    Args:
        path: the database; it is only read, and may be in use.
        witness: hashes by sequence number, as the management plane received them.
    """
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            db.execute("BEGIN")  # one state of the file, although the gateway goes on writing
            return list(_walk(db, witness or {}))
    except sqlite3.Error as error:
        return [Fault(0, "file", f"cannot be read as a journal: {error}")]


def _walk(db: sqlite3.Connection, witness: Mapping[int, bytes]) -> Iterator[Fault]:
    stored = db.execute("SELECT head_seq, head_hash, pruned_seq, pruned_hash FROM state").fetchone()
    if stored is None:
        yield Fault(0, "head", "the state row is missing")
        return
    head, at = Head(*stored[:2]), Head(*stored[2:])
    for seq, recorded_at, text, hash_ in db.execute("SELECT seq, recorded_at, record, hash FROM journal ORDER BY seq"):
        if seq != at.seq + 1:
            yield Fault(at.seq + 1, "rows", _missing(at.seq + 1, seq - 1))
            at = Head(seq - 1, b"")
        if not isinstance(text, bytes) or not isinstance(hash_, bytes):
            yield Fault(seq, "record", "is no longer bytes")
            at = Head(seq, b"")
            continue
        expected = link(at.hash, text)
        yield from _row_faults(seq, recorded_at, text)
        if at.hash and hash_ != expected:
            yield _blame(db, seq, expected)
        if seq in witness and witness[seq] != hash_:
            yield Fault(seq, "witness", "differs from what the management plane received: the chain was written anew")
        at = Head(seq, hash_)
    if at.seq < head.seq:
        yield Fault(at.seq + 1, "rows", "cut off the end: " + _missing(at.seq + 1, head.seq))
    elif at != head:
        yield Fault(at.seq, "head", "the stored head is not the last record: rows were added or the head was altered")
    if ahead := [seq for seq in witness if seq > max(at.seq, head.seq)]:
        yield Fault(at.seq + 1, "witness", f"cut off the end: the management plane holds up to {max(ahead)}")


def _row_faults(seq: int, recorded_at: float, text: bytes) -> Iterator[Fault]:
    """What a row says of itself must agree."""
    try:
        record = json.loads(text)
        whole = canonical(record) == text
    except (ValueError, TypeError):
        yield Fault(seq, "record", "is no JSON text")
        return
    if not whole:
        yield Fault(seq, "record", "is not in canonical form")
    elif record.get("seq") != seq:
        yield Fault(seq, "record", f"belongs at {record.get('seq')}: rows were exchanged or renumbered")
    elif record.get("recorded_at") != recorded_at:
        yield Fault(seq, "record", "its time of recording differs from its row's")


def _blame(db: sqlite3.Connection, seq: int, expected: bytes) -> Fault:
    """The next record tells which was altered: it is chained to the true hash."""
    row = db.execute("SELECT record, hash FROM journal WHERE seq = ?", (seq + 1,)).fetchone()
    following = row is not None and link(expected, row[0]) == row[1]
    if following:
        return Fault(seq, "hash", "the stored hash was altered; the record is the one that was chained")
    return Fault(seq, "record", "the record does not match its hash: it was altered")


def _missing(first: int, last: int) -> str:
    return f"record {first} is missing" if first == last else f"records {first} to {last} are missing"

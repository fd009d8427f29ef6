"""Whoever alters the journal is found out, and the first altered record is named."""

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.access.event import AccessEvent, EventKind, canonical
from gateway.chain import link
from gateway.journal import Journal
from gateway.verify import verify

COUNT = 30


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of 30 records."""
    journal = Journal(tmp_path / "journal.db", time.time, reserve_bytes=4096)
    futures = [journal.append(AccessEvent(EventKind.GRANTED, 1.5 + n, door=f"门-{n}")) for n in range(COUNT)]
    journal.start()
    for future in futures:
        future.result(10)
    journal.close()
    return tmp_path / "journal.db"


def alter(path: Path, change: Callable[[sqlite3.Connection], object]) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        change(db)


def rewrite(db: sqlite3.Connection, seq: int, **fields: object) -> None:
    record = json.loads(db.execute("SELECT record FROM journal WHERE seq = ?", (seq,)).fetchone()[0])
    db.execute("UPDATE journal SET record = ? WHERE seq = ?", (canonical(record | fields), seq))


def swap(db: sqlite3.Connection) -> None:
    db.execute("UPDATE journal SET seq = -1 WHERE seq = 12")
    db.execute("UPDATE journal SET seq = 12 WHERE seq = 13")
    db.execute("UPDATE journal SET seq = 13 WHERE seq = -1")


ALTERATIONS: dict[str, tuple[Callable[[sqlite3.Connection], object], int, str, str]] = {
    "another door": (lambda db: rewrite(db, 7, door="garage"), 7, "record", "altered"),
    "a blank more": (
        lambda db: db.execute("UPDATE journal SET record = CAST(record || ' ' AS BLOB) WHERE seq = 7"),
        7, "record", "canonical",
    ),
    "another time": (lambda db: db.execute("UPDATE journal SET recorded_at = 1 WHERE seq = 9"), 9, "record", "time"),
    "a hash": (lambda db: db.execute("UPDATE journal SET hash = zeroblob(32) WHERE seq = 9"), 9, "hash", "hash was"),
    "a record gone": (lambda db: db.execute("DELETE FROM journal WHERE seq = 11"), 11, "rows", "11 is missing"),
    "records gone": (
        lambda db: db.execute("DELETE FROM journal WHERE seq BETWEEN 11 AND 14"), 11, "rows", "11 to 14 are missing"
    ),
    "the first gone": (lambda db: db.execute("DELETE FROM journal WHERE seq = 1"), 1, "rows", "1 is missing"),
    "two exchanged": (swap, 12, "record", "exchanged"),
    "the tail cut": (lambda db: db.execute("DELETE FROM journal WHERE seq > 25"), 26, "rows", "cut off the end"),
    "all gone": (lambda db: db.execute("DELETE FROM journal"), 1, "rows", "cut off the end"),
    "one added": (
        lambda db: db.execute("INSERT INTO journal SELECT 31, recorded_at, record, hash FROM journal WHERE seq = 30"),
        31, "record", "belongs at 30",
    ),
    "not bytes": (lambda db: db.execute("UPDATE journal SET record = 5 WHERE seq = 3"), 3, "record", "bytes"),
    "no state": (lambda db: db.execute("DELETE FROM state"), 0, "head", "missing"),
}  # fmt: skip


def test_an_unaltered_journal_is_whole(path: Path) -> None:
    assert verify(path) == []


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_alteration_is_named_with_its_record(path: Path, name: str) -> None:
    change, seq, where, what = ALTERATIONS[name]
    alter(path, change)
    first = verify(path)[0]
    assert (first.seq, first.where) == (seq, where)
    assert what in first.what


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seq=st.integers(1, COUNT), at=st.integers(0), bit=st.integers(0, 7))
def test_any_flipped_bit_of_a_record_is_found(path: Path, seq: int, at: int, bit: int) -> None:
    with closing(sqlite3.connect(path)) as db:
        original = db.execute("SELECT record FROM journal WHERE seq = ?", (seq,)).fetchone()[0]
    flipped = bytearray(original)
    flipped[at % len(flipped)] ^= 1 << bit
    alter(path, lambda db: db.execute("UPDATE journal SET record = ? WHERE seq = ?", (bytes(flipped), seq)))
    assert verify(path)[0].seq == seq
    alter(path, lambda db: db.execute("UPDATE journal SET record = ? WHERE seq = ?", (original, seq)))
    assert verify(path) == []


def test_a_chain_written_anew_is_found_with_what_the_management_plane_holds(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        witness = dict(db.execute("SELECT seq, hash FROM journal"))

    def forge(db: sqlite3.Connection) -> None:
        rewrite(db, 20, door="garage")
        at = witness[19]
        for seq, record in db.execute("SELECT seq, record FROM journal WHERE seq >= 20").fetchall():
            at = link(at, record)
            db.execute("UPDATE journal SET hash = ? WHERE seq = ?", (at, seq))
        db.execute("UPDATE state SET head_hash = ?", (at,))

    alter(path, forge)
    assert verify(path) == []  # the file alone cannot tell: see the module's docstring
    assert (verify(path, witness)[0].seq, verify(path, witness)[0].where) == (20, "witness")


def test_a_cut_with_a_forged_head_is_found_with_what_the_management_plane_holds(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        witness = dict(db.execute("SELECT seq, hash FROM journal"))

    def cut(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM journal WHERE seq > 25")
        db.execute("UPDATE state SET head_seq = 25, head_hash = ?", (witness[25],))

    alter(path, cut)
    assert verify(path) == []
    assert "holds up to 30" in verify(path, witness)[0].what


def test_what_is_no_journal_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database " * 100)
    assert [fault.where for fault in verify(tmp_path / "x.db")] == ["file"]
    assert [fault.where for fault in verify(tmp_path / "none.db")] == ["file"]

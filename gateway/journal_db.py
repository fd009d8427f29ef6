"""The journal's database: its tables, how it is opened, and what one transaction writes."""

import contextlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.chain import Head, Sealed
from gateway.passage import Stored

SCHEMA = """
CREATE TABLE IF NOT EXISTS journal(seq INTEGER PRIMARY KEY, recorded_at REAL NOT NULL, record BLOB NOT NULL,
  hash BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS live(id TEXT PRIMARY KEY, first INTEGER, second INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pass(id TEXT, first INTEGER, second INTEGER, PRIMARY KEY(id, first)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS command(id TEXT PRIMARY KEY, first REAL, second INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inside(zone TEXT, person TEXT, at REAL, PRIMARY KEY(zone, person)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS led(zone TEXT PRIMARY KEY, at REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS escorted(point TEXT PRIMARY KEY, at REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS waiting(point TEXT PRIMARY KEY, person TEXT, at REAL, marks INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS door(name TEXT PRIMARY KEY, kept TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lockdown(place TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS left_by(seq INTEGER, kind TEXT, key TEXT, change TEXT);
CREATE INDEX IF NOT EXISTS left_by_seq ON left_by(seq);
CREATE INDEX IF NOT EXISTS left_by_key ON left_by(key);
CREATE TABLE IF NOT EXISTS state(one INTEGER PRIMARY KEY CHECK(one = 1), head_seq INTEGER, head_hash BLOB,
  high_water REAL, acked INTEGER, pruned_seq INTEGER, pruned_hash BLOB);
INSERT OR IGNORE INTO state VALUES(1, 0, zeroblob(32), 0, 0, 0, zeroblob(32));
"""
# An older code never lowers the mark, so that a replay of the reserve does no harm.
WRITE = {
    "live": "INSERT INTO live VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET first = max(first, excluded.first)",
    "pass": "INSERT OR IGNORE INTO pass VALUES(?, ?, ?)",
    "command": "INSERT OR IGNORE INTO command VALUES(?, ?, ?)",
    "inside": "REPLACE INTO inside VALUES(?, ?, ?)",
    "outside": "DELETE FROM inside WHERE zone = ? AND person = ?",
    "nobody": "DELETE FROM inside WHERE zone = ?",
    "led": "REPLACE INTO led VALUES(?, ?)",
    "escorted": "REPLACE INTO escorted VALUES(?, ?)",
    "waiting": "REPLACE INTO waiting VALUES(?, ?, ?, ?)",
    "passed": "DELETE FROM waiting WHERE point = ?",
    "door": "REPLACE INTO door VALUES(?, ?)",
    "lockdown": "INSERT OR IGNORE INTO lockdown VALUES(?)",
    "lockdown_over": "DELETE FROM lockdown WHERE place = ?",
}
READ = {
    "live": "SELECT id, first, second FROM live",
    "pass": "SELECT id, max(first), second FROM pass GROUP BY id",
    "command": "SELECT id, first, second FROM command",
    "inside": "SELECT zone, person, at FROM inside",
    "led": "SELECT zone, at FROM led",
    "escorted": "SELECT point, at FROM escorted",
    "waiting": "SELECT point, person, at, marks FROM waiting",
    "door": "SELECT name, kept FROM door",
    "lockdown": "SELECT place FROM lockdown",
}
# What decisions look at is kept with the record that left it, so that the state of any past moment can be rebuilt.
REBUILT = ("live", "pass", "inside", "outside", "nobody", "led", "escorted", "waiting", "passed")
Left = tuple[int, Stored]  # the number of a record, and a change that it left
CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
CHECKPOINT_PAGES = 4000  # let the write-ahead log wrap: a recycled one is twice as fast as a growing one
LOG_BYTES = CHECKPOINT_PAGES * (4096 + 24)  # of as many frames
AMPLE_BYTES = 10 * LOG_BYTES
ZEROS = bytes(1 << 20)


@dataclass(frozen=True, slots=True)
class State:
    """The one row that each transaction writes."""

    head: Head
    high_water: float  # the highest time ever recorded, Unix seconds
    acked: int
    pruned: Head  # the last record that retention removed


def connect(path: Path) -> sqlite3.Connection:
    """Open for writing, with each commit on the disk before it returns. Raises `sqlite3.Error`."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
    try:
        mode = db.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        db.execute("PRAGMA synchronous=FULL")
        db.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        if (mode, db.execute("PRAGMA synchronous").fetchone()[0]) != ("wal", 2):
            raise sqlite3.OperationalError(f"{path}: WAL with synchronous=FULL is not to be had here")
        db.executescript(SCHEMA)
        with contextlib.suppress(OSError):  # what is wrong with the disk is heard of at the first commit
            _grow(path.with_name(f"{path.name}-wal"))
    except sqlite3.Error:
        db.close()
        raise
    return db


def _grow(log: Path) -> None:
    """Give the write-ahead log its whole length, so that no commit waits for the file system to note a longer file.

    With ext4 that would be a commit of its own journal, which waits for what others have just written to the same
    disk. Zeros end no frame: SQLite reads the log up to them, and writes over them. A disk that is nearly full is left
    to the events.
    """
    if shutil.disk_usage(log.parent).free < AMPLE_BYTES:
        return
    with log.open("ab") as file:
        for start in range(file.tell(), LOG_BYTES, len(ZEROS)):
            file.write(ZEROS[: LOG_BYTES - start])
        os.fsync(file.fileno())


def read_state(db: sqlite3.Connection) -> State:
    """The state row."""
    row = db.execute(
        "SELECT head_seq, head_hash, high_water, acked, pruned_seq, pruned_hash FROM state WHERE one = 1"
    ).fetchone()
    return State(Head(row[0], row[1]), row[2], row[3], Head(row[4], row[5]))


def read_changes(db: sqlite3.Connection) -> Iterator[Stored]:
    """The whole passage state."""
    for kind, query in READ.items():
        for values in db.execute(query):
            yield kind, *values


def write(
    db: sqlite3.Connection, sealed: Sequence[Sealed], changes: Iterable[Left], high_water: float, acked: int
) -> None:
    """One transaction: records, passage changes, head, high-water time and acknowledgement. Raises `sqlite3.Error`."""
    db.execute("BEGIN IMMEDIATE")
    try:
        db.executemany(
            "INSERT INTO journal VALUES(?, ?, ?, ?)", [(s.seq, s.recorded_at, s.text, s.hash) for s in sealed]
        )
        for seq, (kind, *values) in changes:
            db.execute(WRITE[kind], values)
            if kind in REBUILT:
                db.execute("INSERT INTO left_by VALUES(?, ?, ?, ?)", (seq, kind, values[0], json.dumps(values)))
        db.execute("UPDATE state SET high_water = ?, acked = ?", (high_water, acked))
        if sealed:
            db.execute("UPDATE state SET head_seq = ?, head_hash = ?", (sealed[-1].seq, sealed[-1].hash))
        db.execute("COMMIT")
    except sqlite3.Error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def left_before(db: sqlite3.Connection, seq: int, keys: Sequence[str]) -> Iterator[Stored]:
    """What the records before `seq` left behind of these codes, passes, credentials, zones and access points."""
    marks = ",".join("?" * len(keys))
    query = f"SELECT kind, change FROM left_by WHERE key IN ({marks}) AND seq < ? ORDER BY seq, rowid"  # noqa: S608
    for kind, change in db.execute(query, (*keys, seq)):
        yield kind, *json.loads(change)


def has_text(db: sqlite3.Connection, seq: int, text: bytes) -> bool:
    """Whether this very record stands at `seq`."""
    return db.execute("SELECT 1 FROM journal WHERE seq = ? AND record = ?", (seq, text)).fetchone() is not None


def prune(db: sqlite3.Connection, before: float, acked: int, limit: int) -> int:
    """Remove the oldest records that are acknowledged and older than `before`; the chain's anchor moves along.

    Returns how many went, at most `limit`.
    """
    rows = db.execute(
        "SELECT seq, hash FROM journal WHERE seq <= ? AND recorded_at < ? ORDER BY seq LIMIT ?", (acked, before, limit)
    ).fetchall()
    if rows:
        last_seq, last_hash = rows[-1]
        db.execute("BEGIN IMMEDIATE")
        db.execute("DELETE FROM journal WHERE seq <= ?", (last_seq,))
        db.execute("DELETE FROM left_by WHERE seq <= ?", (last_seq,))
        db.execute("UPDATE state SET pruned_seq = ?, pruned_hash = ?", (last_seq, last_hash))
        db.execute("COMMIT")
    return len(rows)


def forget_commands(db: sqlite3.Connection, before: float) -> None:
    """Remove the ids of commands that ended before `before`."""
    db.execute("DELETE FROM command WHERE first < ?", (before,))


def forget_uses(db: sqlite3.Connection, before: float) -> None:
    """Remove uses of what may not be used any more since `before`."""
    db.execute("DELETE FROM pass WHERE second < ?", (before,))


def salvage(path: Path, broken: Path) -> None:
    """Move a corrupt journal to `broken` and start a new one at `path` with each record that can still be read.

    `verify` names what is missing; numbering goes on behind the highest number that was read.
    """
    path.replace(broken)
    for suffix in ("-wal", "-shm"):
        if (side := path.with_name(path.name + suffix)).exists():
            side.replace(broken.with_name(broken.name + suffix))
    old, db = sqlite3.connect(broken), connect(path)
    db.execute("BEGIN IMMEDIATE")
    insert = "INSERT OR IGNORE INTO journal VALUES(?, ?, ?, ?)"
    db.executemany(insert, _readable(old, "SELECT * FROM journal ORDER BY seq"))
    db.executemany(insert, _readable(old, "SELECT * FROM journal ORDER BY seq DESC"))
    for kind, query in READ.items():
        db.executemany(WRITE[kind], _readable(old, query))
    db.executemany("INSERT INTO left_by VALUES(?, ?, ?, ?)", _readable(old, "SELECT * FROM left_by"))
    for row in _readable(old, "SELECT high_water, acked, pruned_seq, pruned_hash FROM state"):
        db.execute("UPDATE state SET high_water = ?, acked = ?, pruned_seq = ?, pruned_hash = ?", row)
    for row in db.execute("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").fetchall():
        db.execute("UPDATE state SET head_seq = ?, head_hash = ?", row)
    db.execute("COMMIT")
    db.close()
    old.close()


def _readable(db: sqlite3.Connection, query: str) -> Iterator[tuple[str | bytes | float, ...]]:
    """The rows up to the first that cannot be read."""
    try:
        yield from db.execute(query)
    except sqlite3.Error:
        return

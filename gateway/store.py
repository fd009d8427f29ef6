"""The gateway's mirror of the permission table, row by row, in SQLite. The builder's child starts fast: stdlib alone.

Generations are built from it, and single changes are taken from it. Each row carries the version that changed it, so
that what happened after a generation can be laid over it. The `snapshot` number rises with each whole transfer:
versions of different snapshots must not be compared.
"""

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway import history, wire
from gateway.access.model import DeniedPass, IssuerKey, Row
from gateway.history import LIGHT

# `changed` is NULL in what came with the snapshot, `since` the edit that brought the row (history.py).
COLUMNS = "kind TEXT, id TEXT, key TEXT, changed INTEGER, body TEXT, since INTEGER NOT NULL, PRIMARY KEY(kind, id)"
INDEX = "CREATE INDEX IF NOT EXISTS row_changed ON row(changed) WHERE changed IS NOT NULL"
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS row({COLUMNS}) WITHOUT ROWID;
{INDEX};
CREATE TABLE IF NOT EXISTS shared(zone TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gone(key TEXT PRIMARY KEY, changed INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state(one INTEGER PRIMARY KEY CHECK(one = 1), version INTEGER, snapshot INTEGER,
  structural INTEGER);
INSERT OR IGNORE INTO state VALUES(1, NULL, 0, 0);
"""
STAGING = ("DROP TABLE IF EXISTS staged", f"CREATE TABLE staged({COLUMNS}) WITHOUT ROWID")
STAGE = """
INSERT OR REPLACE INTO staged SELECT :kind, :id, :key, NULL, :body,
  coalesce((SELECT since FROM row WHERE kind = :kind AND id = :id AND body = :body), :edit)
"""
SWAP = ("DROP TABLE row", "ALTER TABLE staged RENAME TO row", INDEX, "DELETE FROM gone")
# Bulk work in small steps: what doors write down at the same time waits until the disk has taken a step's bytes.
STEP_ROWS, STEP_PAGES = 1000, 250
GONE: dict[str, Callable[[str], Row]] = {  # `gone` holds these as "kind id", and credentials by their key alone
    "issuer": lambda kid: IssuerKey(int(kid), b""),
    "denied": lambda pass_id: DeniedPass(bytes.fromhex(pass_id), 0),
}
FORGET_S = 86_400.0  # how often what is older than the journal is looked for


@dataclass(frozen=True, slots=True)
class Stand:
    """How far the mirror is. `version` is None before the first snapshot."""

    version: int | None
    snapshot: int
    structural: int  # the last version that changed more than light rows
    form: int = 1  # of the pages that it was filled from


@dataclass(frozen=True, slots=True)
class Delta:
    """What changed after a version: light rows, and keys of credentials that are gone.

    An issuer or called-back pass that is gone stands among the rows, without key or end.
    """

    upserts: tuple[Row, ...]
    deleted_keys: tuple[bytes, ...]
    version: int


class Store:
    """The mirror at `path`. A file that SQLite cannot read is set aside, and a snapshot is fetched anew.

    One that cannot be opened now (no room on the disk) is tried again at each use, which raises
    `sqlite3.OperationalError` until then: doors go on by the generation files.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._forgot = 0.0
        self._edit = 0  # of the transfer that is staged
        path.parent.mkdir(parents=True, exist_ok=True)
        self.set_aside: Path | None = None  # where a corrupt file went
        self._path = path
        self._lock = threading.RLock()  # one connection, and one thread at a time in a transaction
        self._connection: sqlite3.Connection | None = None
        with contextlib.suppress(sqlite3.OperationalError):
            self._connection = self._open()

    @property
    def _db(self) -> sqlite3.Connection:
        with self._lock:
            if self._connection is None:
                self._connection = self._open()
            return self._connection

    def _open(self) -> sqlite3.Connection:
        try:
            return _open(self._path)
        except sqlite3.OperationalError:  # locked, or no disk: not the file's fault
            raise
        except sqlite3.DatabaseError:
            self.set_aside = self._path.replace(self._path.with_name(f"{self._path.name}.broken-{int(time.time())}"))
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            return _open(self._path)

    def close(self) -> None:
        """Close the database."""
        if self._connection is not None:
            self._connection.close()

    def stand(self) -> Stand:
        """How far the mirror is."""
        with self._lock:
            form = self._db.execute("PRAGMA user_version").fetchone()[0]
            version, snapshot, structural = self._db.execute(
                "SELECT version, snapshot, structural FROM state"
            ).fetchone()
            return Stand(version, snapshot, structural, form or 1)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Stand]:
        """One unchanging state of the mirror, for as long as the block runs."""
        with self._lock:
            self._db.execute("BEGIN")
            try:
                yield self.stand()
            finally:
                self._db.execute("COMMIT")

    def rows(self) -> Iterator[Row]:
        """All rows."""
        for kind, body in self._db.execute("SELECT kind, body FROM row"):
            yield wire.row(kind, json.loads(body))

    # --- a whole transfer ---------------------------------------------------------------------------------------------

    def begin_snapshot(self) -> None:
        """Begin anew; what an earlier, unfinished transfer left goes."""
        with self._transaction():
            for statement in STAGING:
                self._db.execute(statement)
            self._edit = history.begin_whole(self._db)
        self._db.execute("PRAGMA synchronous=NORMAL")  # nothing of it counts before its end

    def stage(self, page: dict[str, Any]) -> None:
        """Keep a page until the transfer is whole. Raises `wire.BadRow`, and keeps nothing of the page."""
        staged = []
        for kind, body in wire.rows_of(page):
            wire.row(kind, body)
            text = json.dumps(body, ensure_ascii=False)
            names = {"kind": kind, "id": wire.row_id(kind, body), "key": body.get("key")}
            staged.append({**names, "body": text, "edit": self._edit})
        with self._transaction():
            self._db.executemany(STAGE, staged)

    def commit_snapshot(self, version: int, form: int = wire.FORM) -> None:
        """Put the staged rows in place of all others; `form` is that of their pages.

        However many they are, what it writes at once is little: tables are exchanged, not filled.
        """
        done: history.Place | None = history.FIRST
        while done is not None:
            with self._transaction():
                done = history.end_rows(self._db, self._edit, done, STEP_ROWS)
        self._db.execute("PRAGMA synchronous=FULL")
        with self._transaction():
            history.finish(self._db, self._edit, version, self._now())
            for statement in SWAP:
                self._db.execute(statement)
            self._db.execute(
                "UPDATE state SET version = ?, snapshot = snapshot + 1, structural = ?", (version, version)
            )
            self._db.execute(f"PRAGMA user_version = {min(form, wire.FORM):d}")

    # --- changes ------------------------------------------------------------------------------------------------------

    def apply(self, page: dict[str, Any]) -> None:
        """Take over a page of changes, whole or not at all. Raises `wire.BadRow`."""
        version, upserts = int(page["version"]), list(wire.rows_of(page))
        for kind, body in upserts:
            wire.row(kind, body)
        with self._transaction():
            edit = history.begin(self._db, version, self._now())
            for each in page.get("deleted", ()):
                self._delete(each["kind"], str(each["id"]), version, edit)
            for kind, body in upserts:
                self._upsert(kind, body, version, edit)
            self._db.execute("UPDATE state SET version = ?", (version,))

    def since(self, version: int) -> Delta:
        """The light rows that changed after `version`."""
        marks = ",".join("?" * len(LIGHT))
        # Few rows changed, and most are of these kinds: the plus keeps SQLite from going through all of them.
        query = f"SELECT kind, body FROM row WHERE changed > ? AND +kind IN ({marks})"  # noqa: S608 - marks alone
        with self.reading() as stand:
            rows = self._db.execute(query, (version, *LIGHT)).fetchall()
            gone = self._db.execute("SELECT key FROM gone WHERE changed > ?", (version,)).fetchall()
        upserts = [wire.row(kind, json.loads(body)) for kind, body in rows]
        lost = [key.rpartition(" ") for (key,) in gone]
        upserts += [GONE[kind](id_) for kind, _, id_ in lost if kind]
        return Delta(tuple(upserts), tuple(bytes.fromhex(key) for kind, _, key in lost if not kind), stand.version or 0)

    def shared(self) -> list[str]:
        """The zones that other gateways border on too, as the plane last said."""
        with self._lock:
            return [zone for (zone,) in self._db.execute("SELECT zone FROM shared ORDER BY zone")]

    def keep_shared(self, zones: Sequence[str]) -> None:
        """Keep them for a start without the plane."""
        if sorted(zones) != self.shared():
            with self._transaction():
                self._db.execute("DELETE FROM shared")
                self._db.executemany("INSERT INTO shared VALUES(?)", [(zone,) for zone in sorted(set(zones))])

    def in_force(self, snapshot: int, light_version: int, firm_version: int) -> None:
        """Note what the table in force shows from now on, for whoever asks about this moment later."""
        now = self._now()
        with self._transaction():
            history.note_force(self._db, snapshot, light_version, firm_version, now)
        if now - self._forgot >= FORGET_S:
            self._forgot = now
            self._forget(now - history.KEEP_S)

    def _forget(self, before: float) -> None:
        more = True
        while more:
            with self._transaction():
                more = history.forget(self._db, before, STEP_ROWS)

    def _upsert(self, kind: str, body: wire.Body, version: int, edit: int) -> None:
        id_, key, text = wire.row_id(kind, body), body.get("key"), json.dumps(body, ensure_ascii=False)
        history.end_row(self._db, kind, id_, edit, text)
        if kind == "credential":
            self._lose_key(id_, version, but=key)
            self._db.execute("DELETE FROM gone WHERE key = ?", (key,))
        elif kind in LIGHT:
            self._db.execute("DELETE FROM gone WHERE key = ?", (f"{kind} {id_}",))
        else:
            self._db.execute("UPDATE state SET structural = ?", (version,))
        self._db.execute(
            "INSERT OR REPLACE INTO row(kind, id, key, changed, body, since) VALUES(?, ?, ?, ?, ?, ?)",
            (kind, id_, key, version, text, edit),
        )

    def _delete(self, kind: str, id_: str, version: int, edit: int) -> None:
        history.end_row(self._db, kind, id_, edit)
        if kind == "credential":
            self._lose_key(id_, version)
        elif kind in LIGHT:
            self._db.execute("INSERT OR REPLACE INTO gone VALUES(?, ?)", (f"{kind} {id_}", version))
        else:
            self._db.execute("UPDATE state SET structural = ?", (version,))
        self._db.execute("DELETE FROM row WHERE kind = ? AND id = ?", (kind, id_))

    def _lose_key(self, id_: str, version: int, but: str | None = None) -> None:
        """A credential's old number no longer opens anything."""
        found = self._db.execute("SELECT key FROM row WHERE kind = 'credential' AND id = ?", (id_,)).fetchone()
        if found is not None and found[0] != but:
            self._db.execute("INSERT OR REPLACE INTO gone VALUES(?, ?)", (found[0], version))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute(f"PRAGMA wal_autocheckpoint={STEP_PAGES}")
        db.execute("PRAGMA secure_delete=FAST")  # no page is written only because it is free now
        db.executescript(SCHEMA + history.SCHEMA)
        if "since" not in {
            column[1] for column in db.execute("PRAGMA table_info(row)")
        }:  # made before there was history
            db.execute(history.SINCE)
    except sqlite3.Error:
        db.close()
        raise
    return db

"""The index' SQLite file: one connection a thread, one writer at a time."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from camera.recorded import recount

SCHEMA_VERSION = 3

# Columns that came after their table: table, column, what it is.
COLUMNS = (
    ("segment", "class", "integer not null default 1"),
    ("segment", "least", "integer not null default 1"),
    ("segment", "disk", "text not null default ''"),
    ("run", "camera_ppm", "real"),
    ("run", "camera_offset_us", "integer"),
    ("run", "host_ppm", "real"),
    ("run", "host_error_us", "integer"),
)


class IndexTooNew(Exception):
    """The index was written by a newer recorder; run that one."""


class Database:
    """Connections to one file. Write-ahead log; a commit is on disk when it returns."""

    def __init__(self, path: Path, busy_s: float = 5.0) -> None:
        self._path = path
        self._busy_s = busy_s
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._writing = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._create()

    @property
    def here(self) -> sqlite3.Connection:
        """Return this thread's connection, for reading."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._open()
        return connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run one transaction; it is durable after the block, or did not happen."""
        with self._writing:
            connection = self.here
            connection.execute("begin immediate")
            try:
                yield connection
                connection.execute("commit")
            except BaseException:
                if connection.in_transaction:  # a full disk may have ended it already
                    connection.execute("rollback")
                raise

    def close(self) -> None:
        """Close the connections of all threads; none may be in use."""
        for connection in self._opened:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._busy_s, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        connection.row_factory = sqlite3.Row
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        self._opened.append(connection)
        return connection

    def _create(self) -> None:
        version = self.here.execute("pragma user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise IndexTooNew(f"{self._path} has version {version}, this recorder knows {SCHEMA_VERSION}")
        with self.writing() as rows:
            _add_columns(rows)
        self.here.executescript(Path(__file__).with_name("schema.sql").read_text(encoding="utf-8"))
        with self.writing() as rows:
            if version < 2:
                recount(rows)
            rows.execute(f"pragma user_version = {SCHEMA_VERSION}")


def _add_columns(rows: sqlite3.Connection) -> None:
    for table, column, kind in COLUMNS:
        there = {row["name"] for row in rows.execute(f"pragma table_info({table})")}
        if there and column not in there:
            rows.execute(f"alter table {table} add column {column} {kind}")

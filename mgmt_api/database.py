"""The management database: SQLite by default, PostgreSQL by URL; one writer at a time, many readers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Insert, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=4000", "cache_size=-16000")


class SchemaTooNew(Exception):
    """The database was written by a later Menjin; an older one must not touch it."""


class Database:
    """Sessions in threads. `write` takes the write lock at once, so that a read in it is never stale."""

    def __init__(self, url: str, *, readers: int = 8, busy_timeout_s: float = 10.0) -> None:
        self.dialect = "sqlite" if url.startswith("sqlite") else "postgresql"
        self._reader = self._engine(url, readers, "BEGIN", busy_timeout_s)
        self._writer = self._engine(url, 1, "BEGIN IMMEDIATE", busy_timeout_s)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on a consistent view; what it changes is thrown away."""
        with Session(self._reader) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that commits when the block ends well, and undoes all of it otherwise."""
        with Session(self._writer) as session, session.begin():
            yield session

    def upgrade(self) -> None:
        """Bring the schema up to this version. Raises `SchemaTooNew`."""
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self._writer.connect() as connection:
            self._refuse_newer(connection, ScriptDirectory.from_config(config))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()

    def close(self) -> None:
        """Close every connection."""
        self._reader.dispose()
        self._writer.dispose()

    def upsert(self, table: Table, keys: Sequence[str]) -> Insert:
        """INSERT that replaces the row with the same `keys`."""
        columns = [column.name for column in table.columns if column.name not in keys]
        if self.dialect == "sqlite":
            mine = sqlite.insert(table)
            return mine.on_conflict_do_update(index_elements=keys, set_={name: mine.excluded[name] for name in columns})
        other = postgresql.insert(table)
        return other.on_conflict_do_update(index_elements=keys, set_={name: other.excluded[name] for name in columns})

    def bulk(self, session: Session, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run a statement for many rows; how many it wrote. The rows' values go to the driver as they are."""
        connection = session.connection()
        compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
        parameters: Any = rows
        if (places := getattr(compiled, "positiontup", None)) is not None:
            parameters = list(map(itemgetter(*places), rows))
        return connection.exec_driver_sql(str(compiled), parameters).rowcount

    def _refuse_newer(self, connection: Connection, scripts: ScriptDirectory) -> None:
        known = {script.revision for script in scripts.walk_revisions()}
        current = MigrationContext.configure(connection).get_current_revision()
        connection.rollback()
        if current is not None and current not in known:
            raise SchemaTooNew(f"the database is at schema {current}, which this version of Menjin does not know")

    def _engine(self, url: str, size: int, begin: str, busy_timeout_s: float) -> Engine:
        if self.dialect != "sqlite":
            return create_engine(url, pool_size=size, max_overflow=0, pool_pre_ping=True)
        arguments = {"check_same_thread": False, "timeout": busy_timeout_s}
        engine = create_engine(url, poolclass=QueuePool, pool_size=size, max_overflow=0, connect_args=arguments)
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        return engine


def _prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
    """SQLite: transactions begin where we say (the driver's own would begin late), and commits reach the disk."""
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    mode, level = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous"))
    if (mode, level) != ("wal", 2):
        raise RuntimeError(f"SQLite refuses WAL with synchronous=FULL here (it says {mode}, {level})")

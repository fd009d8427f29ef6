import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from mgmt_api.database import Database, SchemaTooNew
from mgmt_api.tables import Base
from mgmt_api.tables.people import LoginFailure


def open_at(path: Path) -> Database:
    return Database(f"sqlite:///{path}")


def test_the_migrations_make_what_the_models_say(tmp_path: Path) -> None:
    database = open_at(tmp_path / "a.db")
    database.upgrade()
    database.upgrade()
    database.close()
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_a_database_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    database = open_at(tmp_path / "a.db")
    database.upgrade()
    connection = sqlite3.connect(tmp_path / "a.db")
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_later'")
    connection.close()
    with pytest.raises(SchemaTooNew, match="9999_later"):
        database.upgrade()
    database.close()


def test_what_is_acknowledged_is_on_the_disk(tmp_path: Path) -> None:
    database = open_at(tmp_path / "a.db")
    with database.read() as session:
        connection = session.connection()
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    database.close()


def test_a_failed_block_leaves_nothing_behind(tmp_path: Path) -> None:
    database = open_at(tmp_path / "a.db")
    database.upgrade()
    with suppress(ZeroDivisionError), database.write() as session:
        session.add(LoginFailure(subject="x", count=1, last_at=0.0))
        session.flush()
        raise ZeroDivisionError
    with database.read() as session:
        assert session.get(LoginFailure, "x") is None
    database.close()


def test_what_older_rows_are_given_for_bytes_is_bytes(tmp_path: Path) -> None:
    database = open_at(tmp_path / "a.db")
    database.upgrade()
    columns = (
        "SELECT dflt_value FROM sqlite_master JOIN pragma_table_info(sqlite_master.name) AS it WHERE it.type = 'BLOB'"
    )
    with database.read() as session:
        given = set(session.connection().exec_driver_sql(columns).scalars())
    assert given == {None, "x''"}
    database.close()

import sqlite3
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mgmt_api import audit
from mgmt_api.looks import Deed
from mgmt_api.plane import Plane
from tests.mgmt_api.conftest import V1


def fill(plane: Plane, rows: int) -> None:
    for i in range(rows):
        with plane.database.write() as session:
            audit.append(session, plane.keys, 1.5 + i, ("guard", "guard"), "door.unlock", f"d{i}", reason="快递")


def fault(plane: Plane) -> int | None:
    with plane.database.read() as session:
        return audit.first_fault(session, plane.keys)


def tamper(plane: Plane, statement: str) -> None:
    path: Path = plane.estate.data_dir / "api.db"
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("DROP TRIGGER audit_no_delete")
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "first"),
    [
        ("UPDATE audit SET target = 'd9' WHERE id = 5", 5),
        ("UPDATE audit SET detail = '{}' WHERE id = 7", 7),
        ("DELETE FROM audit WHERE id = 3", 3),
        ("UPDATE audit SET id = id + 100 WHERE id > 6", 7),
        ("UPDATE audit SET at = at + 1 WHERE id = 10", 10),
    ],
)
def test_a_changed_audit_is_noticed(client: TestClient, plane: Plane, statement: str, first: int) -> None:
    fill(plane, 10)
    assert fault(plane) is None
    tamper(plane, statement)
    assert fault(plane) == first


def test_the_database_itself_refuses_to_change_the_audit(client: TestClient, plane: Plane) -> None:
    fill(plane, 1)
    connection = sqlite3.connect(plane.estate.data_dir / "api.db")
    for statement in ("DELETE FROM audit", "UPDATE audit SET actor = 'x'"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    connection.close()


def test_the_audit_is_read_page_by_page(admin: TestClient, plane: Plane) -> None:
    fill(plane, 10)
    first = admin.get(f"{V1}/audit", params={"limit": 4}).json()
    assert [entry["target"] for entry in first["entries"]] == ["d9", "d8", "d7", "d6"]
    assert first["entries"][0]["detail"] == {"reason": "快递"}
    second = admin.get(f"{V1}/audit", params={"limit": 4, "before": first["next"]}).json()
    assert [entry["target"] for entry in second["entries"]] == ["d5", "d4", "d3", "d2"]


def test_the_register_is_read_from_its_end_whatever_lies_between(admin: TestClient, plane: Plane) -> None:
    for deed in (Deed.EXPORT, Deed.WATCH, Deed.EXPORT, Deed.LIFT):
        with plane.database.write() as session:
            audit.append(session, plane.keys, 1.0, ("guard", "guard"), deed, "lobby", reason="x")
        fill(plane, 3)
    first = admin.get(f"{V1}/register", params={"limit": 3}).json()
    assert [line["action"] for line in first["entries"]] == [Deed.LIFT, Deed.EXPORT, Deed.WATCH]
    second = admin.get(f"{V1}/register", params={"limit": 3, "before": first["next"]}).json()
    assert ([line["action"] for line in second["entries"]], second["next"]) == ([Deed.EXPORT], None)
    with plane.database.read() as session:
        asked = "EXPLAIN QUERY PLAN SELECT * FROM audit WHERE action = 'x' AND id < 9 ORDER BY id DESC LIMIT 3"
        (how,) = session.connection().exec_driver_sql(asked).all()
    assert "ix_audit_action_id (action=? AND" in how.detail


def test_a_changed_line_is_told_by_the_proof(admin: TestClient, plane: Plane) -> None:
    fill(plane, 3)
    assert admin.get(f"{V1}/audit/proof").json()["whole"] is True
    tamper(plane, "UPDATE audit SET target = 'd9' WHERE id = 3")
    assert admin.get(f"{V1}/audit/proof").json() == {"whole": False, "fault": 3}

"""Residents at the desk: found, shown with masked numbers, their credentials stopped and restored with a reason."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from mgmt_api.plane import Plane
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, V1, card, ground, staff

NUMBER = "11010519491231002X"


@pytest.fixture
def desk(client: TestClient, admin: TestClient) -> TestClient:
    ground(client)
    client.put(f"{V1}/credentials/c1", json=card(number=1337), headers=CENTRAL)
    static = {"resident": "r1", "profiles": ["p1"], "type": "static", "text": "gate-0001"}
    client.put(f"{V1}/credentials/v1", json=static, headers=CENTRAL)
    return admin


def state_at_the_doors(client: TestClient, id_: str = "c1") -> str:
    page = client.get(f"{V1}/gateways/gateway-1/table?form=2", headers=GATEWAY).json()
    return str({each["id"]: each["state"] for each in page["credentials"]}[id_])


def test_a_resident_is_shown_with_homes_credentials_and_masked_numbers(desk: TestClient) -> None:
    desk.put(f"{V1}/units/3-2-501", json={"zone": "z1", "standing": "overdue"}, headers=CENTRAL)
    body = {"name": "王小明", "unit": "3-2-501", "homes": ["3-2-501"], "phone": "138 0000 1234", "id_number": NUMBER}
    desk.put(f"{V1}/residents/r1", json=body, headers=CENTRAL)
    found = desk.get(f"{V1}/residents/r1").json()
    assert (found["phone"], found["id_number"]) == ("138****1234", "110***********002X")
    assert found["homes"] == [{"id": "3-2-501", "zone": "z1", "state": "occupied", "standing": "overdue"}]
    assert [(each["id"], each["state"], each["hold"]) for each in found["credentials"]] == [
        ("c1", "enabled", None),
        ("v1", "enabled", None),
    ]
    assert desk.get(f"{V1}/residents/nobody").status_code == 404


@pytest.mark.parametrize("query", ["王小", "3-2", "13800001234", "138 0000 1234", NUMBER, NUMBER.lower(), "r1", "c1"])
def test_a_resident_is_found_by_whatever_is_known(desk: TestClient, query: str) -> None:
    assert [each["id"] for each in desk.get(f"{V1}/residents", params={"query": query}).json()] == ["r1"]


def test_part_of_an_id_number_finds_nobody(desk: TestClient) -> None:
    assert desk.get(f"{V1}/residents", params={"query": NUMBER[:17]}).json() == []


def test_the_list_goes_on_behind_the_last_of_a_page(desk: TestClient) -> None:
    for n in range(5):
        desk.put(f"{V1}/residents/n{n}", json={"name": f"住户{n}", "unit": "9-9"}, headers=CENTRAL)
    seen: list[str] = []
    while page := desk.get(f"{V1}/residents", params={"limit": 2} | ({"after": seen[-1]} if seen else {})).json():
        seen += [each["id"] for each in page]
    assert seen == ["r1", *(f"n{n}" for n in range(5))]


def test_a_lost_card_is_stopped_here_and_restored_with_the_reason_in_the_audit(desk: TestClient) -> None:
    told = {"state": "lost", "reason": "丢在地铁上"}
    assert desk.post(f"{V1}/credentials/c1/stop", json=told).status_code == 204
    assert state_at_the_doors(desk) == "lost"
    [shown] = [each for each in desk.get(f"{V1}/residents/r1").json()["credentials"] if each["id"] == "c1"]
    assert (shown["state"], shown["office_state"], shown["hold"]["reason"]) == ("lost", "enabled", "丢在地铁上")
    assert shown["hold"]["by"] == "admin"
    assert desk.post(f"{V1}/credentials/c1/restore", json={"reason": "找到了"}).status_code == 204
    assert state_at_the_doors(desk) == "enabled"
    entries = desk.get(f"{V1}/audit").json()["entries"]
    assert [(each["action"], each["detail"]["reason"]) for each in entries[:2]] == [
        ("credential.restore", "找到了"),
        ("credential.stop", "丢在地铁上"),
    ]


def test_central_does_not_undo_what_was_stopped_here(desk: TestClient) -> None:
    desk.post(f"{V1}/credentials/c1/stop", json={"state": "stolen", "reason": "x"})
    desk.put(f"{V1}/credentials/c1", json=card(number=1337, valid_to="2030-01-01T00:00:00Z"), headers=CENTRAL)
    assert state_at_the_doors(desk) == "stolen"
    desk.put(f"{V1}/credentials/c1", json=card(number=1337, state="disabled"), headers=CENTRAL)
    desk.post(f"{V1}/credentials/c1/restore", json={"reason": "found"})
    assert state_at_the_doors(desk) == "disabled", "what central stopped, central restores"
    refused = desk.post(f"{V1}/credentials/c1/restore", json={"reason": "again"})
    assert refused.status_code == 404


def test_only_the_desk_stops_and_every_stop_has_a_reason(desk: TestClient) -> None:
    assert desk.post(f"{V1}/credentials/c1/stop", json={"state": "lost"}).status_code == 422
    assert desk.post(f"{V1}/credentials/c1/stop", json={"state": "lost", "reason": "  "}).status_code == 422
    assert desk.post(f"{V1}/credentials/none/stop", json={"state": "lost", "reason": "x"}).status_code == 404
    auditor, guard = staff(desk, "anna", "auditor"), staff(desk, "bao", "guard")
    client = TestClient(desk.app)
    told: dict[str, Any] = {"state": "suspended", "reason": "欠费核实"}
    assert client.post(f"{V1}/credentials/c1/stop", json=told, headers=auditor).status_code == 403
    assert client.post(f"{V1}/credentials/c1/stop", json=told, headers=guard).status_code == 204


def test_private_numbers_are_revealed_only_for_a_reason_that_is_kept(desk: TestClient) -> None:
    found = desk.post(f"{V1}/residents/r1/reveal", json={"reason": "快递联系"}).json()
    assert found == {"phone": "13800001234", "id_number": NUMBER}
    [entry] = [each for each in desk.get(f"{V1}/audit").json()["entries"] if each["action"] == "resident.reveal"]
    assert (entry["target"], entry["detail"]) == ("r1", {"reason": "快递联系"})
    assert desk.post(f"{V1}/residents/r1/reveal", json={}).status_code == 422


def test_no_private_number_stands_plain_on_the_disk(desk: TestClient, plane: Plane) -> None:
    desk.put(f"{V1}/credentials/i1", json={"resident": "r1", "profiles": [], "type": "idcard", "id_number": NUMBER},
             headers=CENTRAL)  # fmt: skip
    desk.post(f"{V1}/residents/r1/reveal", json={"reason": "x"})
    stored = b"".join(path.read_bytes() for path in plane.estate.data_dir.rglob("*") if path.is_file())
    for private in (NUMBER, NUMBER[:17], "13800001234", "138 0000 1234", "gate-0001"):
        assert private.encode() not in stored, private


def test_one_number_of_two_residents_finds_both_and_their_sealed_rows_differ(desk: TestClient, plane: Plane) -> None:
    from sqlalchemy import select

    from mgmt_api.tables.office import Resident

    desk.put(f"{V1}/residents/r2", json={"name": "李雷", "id_number": NUMBER}, headers=CENTRAL)
    assert {each["id"] for each in desk.get(f"{V1}/residents", params={"query": NUMBER}).json()} == {"r1", "r2"}
    with plane.database.read() as session:
        rows = session.execute(select(Resident.sealed, Resident.id_number_index)).all()
    assert len({row.sealed for row in rows}) == 2
    assert len({row.id_number_index for row in rows}) == 1

"""Orders other than an unlock: who may give them, to which gateways they go, and that each goes once."""

import json
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from mgmt_api import commands
from mgmt_api.plane import Plane
from mgmt_api.tables.doors import Command
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, V1, staff

OTHER = {"Authorization": "Bearer other-gateway-token"}
DOOR = {"number": 1, "label": {"zh": "门", "en": "Door"}, "mode": "Locked", "alarm": "Normal", "open": False}


def door(name: str, **more: Any) -> dict[str, Any]:
    return DOOR | {"name": name} | more


def point(door_name: str, zone_from: str, zone_to: str) -> dict[str, str]:
    return {"name": f"{door_name}-in", "door": door_name, "zone_from": zone_from, "zone_to": zone_to}


@pytest.fixture
def desk(admin: TestClient) -> TestClient:
    """Two gateways: the lobby of a building, and the street gate; the building lies in the estate."""
    for zone, parent in (("estate", None), ("building", "estate"), ("floor", "building")):
        body = {"parent": parent, "public": False, "name": {"zh": zone, "en": zone}}
        assert admin.put(f"{V1}/zones/{zone}", json=body, headers=CENTRAL).status_code == 201
    lobby = {"doors": [door("lobby", fire_zone="fz")], "access_points": [point("lobby", "hall", "floor")]}
    gate = {"doors": [door("gate")], "access_points": [point("gate", "street", "estate")]}
    admin.put(f"{V1}/gateways/gateway-1/inventory", json=lobby, headers=GATEWAY).raise_for_status()
    admin.put(f"{V1}/gateways/gateway-2/inventory", json=gate, headers=OTHER).raise_for_status()
    return admin


def give(client: TestClient, key: str = "k", headers: dict[str, str] | None = None, **order: Any) -> Any:
    body = {"reason": "演练", **order}
    return client.post(f"{V1}/orders", json=body, headers={"Idempotency-Key": key, **(headers or {})})


def gateways(answer: Any) -> list[str]:
    assert answer.status_code == 202, answer.text
    return [each["gateway"] for each in answer.json()["commands"]]


def test_a_mode_goes_to_its_doors_gateway_with_all_that_it_needs(desk: TestClient, plane: Plane) -> None:
    answer = give(desk, action="mode", door="lobby", mode="Unlocked", for_s=600)
    assert gateways(answer) == ["gateway-1"]
    with plane.database.write() as session:
        [command] = commands.hand_out(session, "gateway-1", plane.clock())
        assert commands.hand_out(session, "gateway-1", plane.clock()) == []
    assert command["id"] == answer.json()["commands"][0]["command_id"]
    told = {name: command[name] for name in ("action", "door", "mode", "for_s", "operator", "reason")}
    assert told == {
        "action": "mode", "door": "lobby", "mode": "Unlocked", "for_s": 600, "operator": "admin", "reason": "演练"
    }  # fmt: skip
    assert give(desk, action="mode", door="lobby", mode="Unlocked", for_s=600).json() == answer.json()


@pytest.mark.parametrize(
    ("zone", "found"),
    [("", ["gateway-1", "gateway-2"]), ("building", ["gateway-1"]), ("estate", ["gateway-1", "gateway-2"])],
)
def test_a_lockdown_goes_to_each_gateway_with_a_door_at_the_zone(desk: TestClient, zone: str, found: list[str]) -> None:
    assert gateways(give(desk, action="lockdown", zone=zone)) == found
    assert gateways(give(desk, key="p", action="pardon", zone=zone, person="r1")) == found


def test_the_end_of_a_lockdown_goes_to_where_it_stands(desk: TestClient) -> None:
    body = {"doors": [door("gate", locked_down_by=["zone gone"])], "access_points": []}
    desk.put(f"{V1}/gateways/gateway-2/inventory", json=body, headers=OTHER).raise_for_status()
    assert gateways(give(desk, action="lockdown_release", zone="gone")) == ["gateway-2"]


def test_a_fire_reset_goes_to_the_gateway_of_the_fire_zone(desk: TestClient) -> None:
    assert gateways(give(desk, action="fire_reset", zone="fz")) == ["gateway-1"]
    assert give(desk, key="2", action="fire_reset", zone="nowhere").status_code == 404


@pytest.mark.parametrize(
    ("order", "pointers"),
    [
        ({"action": "mode", "door": "lobby"}, ["/mode"]),
        ({"action": "mode", "mode": "Locked"}, ["/door"]),
        ({"action": "unlock", "door": "lobby", "mode": "Locked"}, ["/mode"]),
        ({"action": "lockdown", "door": "lobby", "zone": "building"}, ["/zone"]),
        ({"action": "fire_reset"}, ["/zone"]),
        ({"action": "mode", "door": "lobby", "mode": "Accessed"}, ["/mode"]),
        ({"action": "mode", "door": "lobby", "mode": "Locked", "for_s": 0}, ["/for_s"]),
        ({"action": "explode"}, ["/action"]),
        ({"action": "lockdown", "reason": " "}, ["/reason"]),
    ],
)
def test_an_order_says_what_its_action_needs_and_no_more(
    desk: TestClient, order: dict[str, Any], pointers: list[str]
) -> None:
    answer = give(desk, **order)
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == pointers


def test_nothing_is_ordered_without_a_key_or_of_no_door(desk: TestClient) -> None:
    assert desk.post(f"{V1}/orders", json={"action": "lockdown", "reason": "x"}).status_code == 400
    assert give(desk, action="mode", door="nowhere", mode="Locked").status_code == 404
    assert give(desk, key="3", action="lockdown", zone="moon").status_code == 404


def test_a_guard_orders_for_a_shift_and_an_auditor_nothing(desk: TestClient) -> None:
    guard, auditor = staff(desk, "guard", "guard"), staff(desk, "auditor", "auditor")
    other = TestClient(desk.app)
    timed = {"action": "mode", "door": "lobby", "mode": "Unlocked"}
    assert give(other, "1", guard, **timed, for_s=3600).status_code == 202
    assert give(other, "2", guard, **timed).status_code == 403
    assert give(other, "3", guard, **timed, for_s=86_400).status_code == 403
    assert give(other, "4", guard, action="lockdown").status_code == 202
    assert give(other, "5", auditor, action="lockdown").status_code == 403


def test_an_order_that_was_on_its_way_for_too_long_is_not_carried_out(desk: TestClient, plane: Plane) -> None:
    ttl_s, now = plane.estate.command_ttl_s, plane.clock()
    late, in_time = {"Given-At": f"{now - ttl_s - 1}"}, {"Given-At": f"{now - ttl_s + 1}"}
    refused = give(desk, key="late", headers=late, action="lockdown")
    assert (refused.status_code, refused.json()["type"]) == (409, "too-late")
    unlock = desk.post(f"{V1}/doors/lobby/unlock", json={"reason": "x"}, headers={"Idempotency-Key": "u", **late})
    assert unlock.json()["type"] == "too-late"
    assert not commands_of(plane)
    first = give(desk, headers=in_time, action="mode_release", door="lobby")
    assert gateways(first) == ["gateway-1"]
    assert give(desk, headers=late, action="mode_release", door="lobby").json() == first.json()  # it stands already
    assert give(desk, key="odd", headers={"Given-At": "nan"}, action="lockdown").status_code == 422


def commands_of(plane: Plane) -> list[str]:
    with plane.database.read() as session:
        return list(session.scalars(select(Command.id)))


def test_every_order_is_audited_with_its_commands(desk: TestClient) -> None:
    answer = give(desk, action="lockdown", zone="building")
    [entry] = [each for each in desk.get(f"{V1}/audit").json()["entries"] if each["action"] == "door.lockdown"]
    assert (entry["actor"], entry["target"]) == ("admin", "building")
    detail = entry["detail"] if isinstance(entry["detail"], dict) else json.loads(entry["detail"])
    assert detail["command"] == answer.json()["commands"][0]["command_id"]
    assert detail["reason"] == "演练"

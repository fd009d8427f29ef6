"""Who is where, from one gateway's events to the other gateways."""

from typing import Any

from starlette.testclient import TestClient

from tests.mgmt_api.conftest import CENTRAL, GATEWAY, V1, event

OTHER = {"Authorization": "Bearer other-gateway-token"}


def upload(client: TestClient, *events: dict[str, Any]) -> None:
    answer = client.post(f"{V1}/gateways/gateway-1/events", json={"events": list(events)}, headers=GATEWAY)
    assert answer.status_code == 200, answer.text


def heard(client: TestClient, after: int = 0) -> dict[str, Any]:
    answer = client.get(f"{V1}/gateways/gateway-2/whereabouts", params={"after": after}, headers=OTHER)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def move(person: str, at: float, entering: list[str], leaving: list[str]) -> dict[str, Any]:
    return {"moved": [{"person": person, "at": at, "entering": entering, "leaving": leaving}]}


def rows(client: TestClient, after: int = 0) -> set[tuple[str, str, bool]]:
    return {(row["zone"], row["person"], row["inside"]) for row in heard(client, after)["rows"]}


def test_a_passage_at_one_gateway_is_heard_at_the_other_and_only_once(client: TestClient) -> None:
    upload(client, event(1, "Taken", detail=move("r1", 100.0, ["garage"], [])))
    first = heard(client)
    assert first["rows"] == [{"zone": "garage", "person": "r1", "at": 100.0, "inside": True, "led": None}]
    assert heard(client, first["version"])["rows"] == []
    upload(client, event(2, "CommandOutcome", detail=move("r1", 110.0, ["pool"], ["garage"])))
    assert rows(client, first["version"]) == {("garage", "r1", False), ("pool", "r1", True)}


def test_when_a_lead_came_in_is_heard_although_he_left_again(client: TestClient) -> None:
    moved = move("r1", 100.0, ["garage"], [])
    moved["moved"][0]["lead"] = True
    upload(client, event(1, "Taken", detail=moved), event(2, "Taken", detail=move("r1", 110.0, [], ["garage"])))
    assert heard(client)["rows"] == [{"zone": "garage", "person": "r1", "at": 110.0, "inside": False, "led": 100.0}]


def test_what_is_told_late_does_not_undo_what_came_after(client: TestClient) -> None:
    upload(client, event(1, "Taken", detail=move("r1", 100.0, [], ["garage"])))
    upload(client, event(2, "Taken", detail=move("r1", 90.0, ["garage"], [])))
    assert rows(client) == {("garage", "r1", False)}


def test_a_pardon_is_of_all_who_came_before_it(client: TestClient) -> None:
    when = event(3)["occurred_at"]
    upload(client, event(1, "Taken", detail=move("r1", when - 5, ["garage"], [])))
    upload(client, event(2, "Taken", detail=move("r2", when + 5, ["garage"], [])))
    upload(client, event(3, "Pardoned", reason="ReaderOut", detail={"zone": "garage"}))
    assert rows(client) == {("garage", "r1", False), ("garage", "r2", True), ("garage", "", False)}
    upload(client, event(9, "Ordered", detail={"action": "pardon"}))
    assert ("garage", "r2", False) in rows(client)


def test_a_pardon_of_one_person_everywhere_leaves_the_others_where_they_are(client: TestClient) -> None:
    upload(client, event(1, "Taken", detail=move("r1", 100.0, ["garage", "pool"], [])))
    upload(client, event(2, "Taken", detail=move("r2", 100.0, ["garage"], [])))
    upload(client, event(3, "Ordered", detail={"action": "pardon", "person": "r1"}))
    assert rows(client) == {("garage", "r1", False), ("pool", "r1", False), ("garage", "r2", True)}


def test_a_detail_of_another_shape_tells_nothing(client: TestClient) -> None:
    upload(client, event(1, "Taken", detail={"moved": [{"person": "r1"}, 7]}), event(2, "Taken", detail={"moved": "x"}))
    assert rows(client) == set()


def test_the_zones_that_several_gateways_border_on_are_named(client: TestClient) -> None:
    for zone, parent in (("estate", None), ("garage", "estate"), ("pool", "estate")):
        body = {"parent": parent, "public": False, "name": {"zh": zone, "en": zone}}
        assert client.put(f"{V1}/zones/{zone}", json=body, headers=CENTRAL).status_code == 201

    def border(gateway: str, headers: dict[str, str], *zones: str) -> None:
        points = [{"name": f"{z}-in", "door": z, "zone_from": "estate", "zone_to": z} for z in zones]
        body = {"doors": [], "access_points": points}
        assert client.put(f"{V1}/gateways/{gateway}/inventory", json=body, headers=headers).status_code == 204

    border("gateway-1", GATEWAY, "garage", "pool")
    assert heard(client)["shared"] == []
    border("gateway-2", OTHER, "garage")
    assert heard(client)["shared"] == ["garage"]

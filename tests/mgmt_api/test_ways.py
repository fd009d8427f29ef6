"""A resident's own way home follows from the property tree; his visitors have the way to him, and public areas."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway import wire
from gateway.access.generation import build
from gateway.access.holders import where_can
from gateway.access.model import AccessPoint
from gateway.access.table import PermissionTable
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, V1

ZONES: dict[str, dict[str, Any]] = {
    "outside": {},
    "estate": {"public": True},
    "club": {"parent": "estate", "use": "amenity", "standing": True},
    "garden": {"parent": "estate", "use": "amenity"},
    "garage": {"parent": "estate", "use": "common"},
    "b1": {"parent": "estate"},
    "b1-lobby": {"parent": "b1", "use": "common"},
    "b1-f2": {"parent": "b1"},
    "b1-f3": {"parent": "b1"},
    "b2": {"parent": "estate"},
    "plant": {"parent": "b1"},
}
POINTS = [
    AccessPoint(f"{way[0]}-{way[1]}", f"{way[0]}-{way[1]}-door", number, *way)
    for number, way in enumerate(
        [("outside", "estate"), ("estate", "club"), ("estate", "garden"), ("outside", "garage"), ("estate", "b1"),
         ("b1", "b1-lobby"), ("b1", "b1-f2"), ("b1", "b1-f3"), ("estate", "b2"), ("b1", "plant"),
         ("garage", "b2"), ("garden", "b2"), ("b1", "b2")], 1
    )
]  # fmt: skip
AT = datetime(2027, 1, 15, 3, 0, tzinfo=UTC)


def put(client: TestClient, path: str, body: dict[str, Any]) -> None:
    answer = client.put(f"{V1}/{path}", json=body, headers=CENTRAL)
    assert answer.status_code in (200, 201), answer.text


@pytest.fixture
def estate(client: TestClient) -> TestClient:
    for id_, body in ZONES.items():
        put(client, f"zones/{id_}", body)
    put(client, "units/1-201", {"zone": "b1-f2"})
    put(client, "units/1-301", {"zone": "b1-f3"})
    put(client, "units/2-101", {"zone": "b2"})
    put(client, "residents/wang", {"name": "王小明", "unit": "1-201", "homes": ["1-201"]})
    put(
        client,
        "credentials/c-wang",
        {"resident": "wang", "type": "card", "format": "H10301", "card": 1, "profiles": []},
    )
    return client


def opened(client: TestClient, resident: str) -> set[str]:
    """The zones that he comes into, by the table that the gateway takes."""
    page = client.get(f"{V1}/gateways/gateway-1/table?form={wire.FORM}", headers=GATEWAY).json()
    rows = [wire.row(kind, body) for kind, body in wire.rows_of(page)]
    table = PermissionTable.load(build(rows, page["version"]), POINTS, UTC, site=7)
    return {found.point.zone_to for found in where_can(table, resident, AT)}


HOME = {"estate", "garden", "garage", "b1", "b1-lobby", "b1-f2"}


def test_nobody_lists_doors(estate: TestClient) -> None:
    assert opened(estate, "wang") == HOME | {"club"}


def test_an_overdue_account_closes_the_club_and_never_the_way_home(estate: TestClient) -> None:
    put(estate, "units/1-201", {"zone": "b1-f2", "standing": "overdue"})
    assert opened(estate, "wang") == HOME
    put(estate, "zones/b1", {"parent": "estate", "use": "amenity", "standing": True})
    assert opened(estate, "wang") == HOME, "a zone on the way home depends on nothing"


def test_a_change_of_the_units_state_grants_and_ends_rights_at_once(estate: TestClient) -> None:
    version = estate.get(f"{V1}/gateways/gateway-1/table", headers=GATEWAY).json()["version"]
    put(estate, "units/1-201", {"zone": "b1-f2", "state": "vacant"})
    changed = estate.get(f"{V1}/gateways/gateway-1/changes?after={version}&form=2", headers=GATEWAY).json()
    assert [(each["id"], each["profiles"]) for each in changed["credentials"]] == [("c-wang", [])]
    assert (changed["zones"], changed["profiles"]) == ([], [])
    assert opened(estate, "wang") == set()
    put(estate, "units/1-201", {"zone": "b1-f2", "state": "rented"})
    assert opened(estate, "wang") == HOME | {"club"}


def test_who_moves_has_another_way(estate: TestClient) -> None:
    put(estate, "residents/wang", {"name": "王小明", "unit": "2-101", "homes": ["2-101"]})
    assert opened(estate, "wang") == {"estate", "garden", "garage", "b2", "club"}
    put(estate, "residents/wang", {"name": "王小明", "homes": ["2-101", "1-301"]})
    assert opened(estate, "wang") == {"estate", "garden", "garage", "b2", "b1", "b1-lobby", "b1-f3", "club"}


def test_a_new_zone_in_the_tree_is_on_the_way(estate: TestClient) -> None:
    put(estate, "zones/plant", {"parent": "b1", "use": "common"})
    assert "plant" in opened(estate, "wang")


def test_a_visitor_has_public_areas_and_his_hosts_way_only(estate: TestClient) -> None:
    put(estate, "residents/guest", {"name": "李雷", "holder_class": "visitor", "homes": ["1-201"]})
    put(
        estate,
        "credentials/c-guest",
        {"resident": "guest", "type": "card", "format": "H10301", "card": 2, "profiles": []},
    )
    assert opened(estate, "guest") == {"estate", "b1", "b1-f2"}


def test_a_pass_without_a_profile_is_for_the_way_to_the_host(estate: TestClient) -> None:
    body = {"host": "wang", "valid_from": "2027-01-15T00:00:00Z", "valid_to": "2027-01-16T00:00:00Z"}
    answer = estate.post(f"{V1}/passes", json=body, headers=CENTRAL)
    assert answer.status_code == 201, answer.text
    put(estate, "residents/office", {"name": "物业"})
    refused = estate.post(f"{V1}/passes", json=body | {"host": "office"}, headers=CENTRAL)
    assert [each["code"] for each in refused.json()["errors"]] == ["no-home"]


def test_a_way_keeps_its_number_for_ever(estate: TestClient) -> None:
    def number() -> int:
        page = estate.get(f"{V1}/gateways/gateway-1/table?form=2", headers=GATEWAY).json()
        found = {each["id"]: each for each in page["profiles"]}["@visit:b1-f2"]
        assert found["visiting"]
        return int(found["number"])

    before = number()
    put(estate, "residents/wang", {"name": "王小明"})
    assert estate.delete(f"{V1}/units/1-201", headers=CENTRAL).status_code == 200
    assert number() == before
    taken = estate.put(f"{V1}/profiles/p9", json={"number": before, "policies": []}, headers=CENTRAL)
    assert [each["code"] for each in taken.json()["errors"]] == ["duplicate-number"]


def test_a_unit_that_somebody_lives_in_stays(estate: TestClient) -> None:
    assert estate.delete(f"{V1}/units/1-201", headers=CENTRAL).json()["type"] == "in-use"


def test_a_snapshot_leaves_ways_alone_and_makes_new_ones(estate: TestClient) -> None:
    lines = [{"kind": "zones", "id": id_, "body": body} for id_, body in ZONES.items()]
    lines += [{"kind": "units", "id": "1-301", "body": {"zone": "b1-f3"}}]
    lines += [{"kind": "residents", "id": "wang", "body": {"name": "王小明", "homes": ["1-301"]}}]
    card = {"resident": "wang", "type": "card", "format": "H10301", "card": 1, "profiles": []}
    lines += [{"kind": "credentials", "id": "c-wang", "body": card}]
    id_ = estate.post(f"{V1}/sync/snapshots", json={"epoch": 1, "seq": 1}, headers=CENTRAL).json()["id"]
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
    path = f"{V1}/sync/snapshots/{id_}"
    assert estate.put(f"{path}/parts/0", content=text, headers=CENTRAL).status_code == 200
    assert estate.post(f"{path}/commit", headers=CENTRAL).status_code == 200
    assert opened(estate, "wang") == {"estate", "garden", "garage", "b1", "b1-lobby", "b1-f3", "club"}

"""Which codes are spent, from one gateway's grants to the other gateways."""

from typing import Any

from starlette.testclient import TestClient

from mgmt_api.keeper import _sweep
from mgmt_api.plane import Plane
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, V1, Clock, event

OTHER = {"Authorization": "Bearer other-gateway-token"}
PHONE, PASS = "01" * 8, "02" * 8


def upload(client: TestClient, *events: dict[str, Any]) -> None:
    answer = client.post(f"{V1}/gateways/gateway-1/events", json={"events": list(events)}, headers=GATEWAY)
    assert answer.status_code == 200, answer.text


def heard(client: TestClient, after: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = (
        client.get(f"{V1}/gateways/gateway-2/spent", params={"after": after}, headers=OTHER).raise_for_status().json()
    )
    return found


def live(seq: int, iat: Any, kind: str = "Granted", raw: str = PHONE) -> dict[str, Any]:
    return event(seq, kind, credential_type="live", raw=raw, detail={"shown": {"iat": iat}})


def visit(seq: int, exp: int, raw: str = PASS) -> dict[str, Any]:
    return event(seq, "Granted", credential_type="pass", raw=raw, detail={"shown": {"exp": exp}})


def passed(seq: int, credential: str) -> dict[str, Any]:
    return event(seq, "Granted", credential_type="card", credential=credential, raw="26:0ca0a73")


def values(client: TestClient, after: int = 0) -> dict[str, int]:
    return {row["id"]: row["value"] for row in heard(client, after)["rows"]}


def test_the_newest_code_of_a_phone_is_heard_and_an_older_one_changes_nothing(client: TestClient) -> None:
    upload(client, live(1, 1000), live(2, 990), live(3, 2000, "Denied"))
    first = heard(client)
    assert first["rows"] == [{"id": PHONE, "value": 1000, "until": 4600}]
    upload(client, live(4, 1010))
    assert values(client, first["version"]) == {PHONE: 1010}
    assert heard(client, heard(client)["version"])["rows"] == []


def test_the_uses_of_a_pass_are_counted_over_all_gateways_and_each_grant_once(client: TestClient) -> None:
    upload(client, visit(1, 9000))
    upload(client, visit(1, 9000))
    body = {"events": [visit(1, 9000)]}
    assert client.post(f"{V1}/gateways/gateway-2/events", json=body, headers=OTHER).status_code == 200
    assert values(client) == {PASS: 2}


def test_the_uses_of_a_counted_card_are_counted_over_all_gateways(client: TestClient) -> None:
    client.put(f"{V1}/residents/wang", json={"name": "王芳"}, headers=CENTRAL).raise_for_status()
    card = {"resident": "wang", "type": "card", "format": "H10301", "facility": 7, "profiles": []}
    for id_, more in (("counted", {"card": 1, "max_uses": 2}), ("free", {"card": 2})):
        client.put(f"{V1}/credentials/{id_}", json=card | more, headers=CENTRAL).raise_for_status()
    upload(client, passed(1, "counted"), passed(2, "free"), passed(3, "gone"))
    body = {"events": [passed(1, "counted")]}
    assert client.post(f"{V1}/gateways/gateway-2/events", json=body, headers=OTHER).status_code == 200
    [told] = heard(client)["rows"]
    assert told["value"] == 2
    assert len(told["id"]) == 32


def test_what_is_over_is_forgotten_and_versions_rise_still(client: TestClient, plane: Plane, clock: Clock) -> None:
    upload(client, visit(1, int(clock.now) + 60))
    version = heard(client)["version"]
    clock.now += 61
    _sweep(plane)
    assert heard(client)["rows"] == []
    upload(client, live(2, int(clock.now)))
    assert values(client, version) == {PHONE: int(clock.now)}


def test_a_grant_of_another_shape_tells_nothing(client: TestClient) -> None:
    upload(
        client, live(1, "1000"), live(2, -1), live(3, 1 << 40), live(4, 1000, raw="x" * 16), visit(5, -5),
        event(6, "Granted", credential_type="card", raw="26:0ca0a73", detail={"shown": {"assurance": 1}}),
        event(7, "Granted", credential_type="live", raw=PHONE, detail={"shown": [1]}),
        event(8, "Granted", credential_type="live", raw=PHONE),
    )  # fmt: skip
    assert heard(client)["rows"] == []

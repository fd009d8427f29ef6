from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.testclient import TestClient

from gateway.access.mj1 import VisitorPass, parse
from mgmt_api.app import create_app, prepare
from mgmt_api.keeper import _sweep
from mgmt_api.pass_keys import public_of
from mgmt_api.plane import Estate, Plane
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, V1, Clock, ground

WANTED = {
    "profile": "p1",
    "valid_from": "2027-01-15T08:00:00Z",
    "valid_to": "2027-01-15T20:00:00+08:00",
    "max_uses": 2,
    "host": "r1",
}


def table(client: TestClient) -> dict[str, Any]:
    page: dict[str, Any] = client.get(f"{V1}/gateways/gateway-1/table", headers=GATEWAY).json()
    return page


def test_a_pass_verifies_with_what_the_gateway_was_told(client: TestClient) -> None:
    ground(client)
    answer = client.post(f"{V1}/passes", json=WANTED, headers=CENTRAL)
    assert answer.status_code == 201, answer.text
    code = parse(answer.json()["text"])
    assert isinstance(code, VisitorPass)
    assert (code.pass_id.hex(), code.site, code.profile, code.max_uses) == (answer.json()["id"], 7, 1, 2)
    assert code.exp - code.nbf == 4 * 3600
    [issuer] = table(client)["issuers"]
    assert issuer["kid"] == code.kid
    key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), bytes.fromhex(issuer["public_key"]))
    r, s = (int.from_bytes(code.signature[i : i + 32], "big") for i in (0, 32))
    key.verify(encode_dss_signature(r, s), code.signed, ECDSA(SHA256()))


def test_a_pass_called_back_is_denied_until_it_would_have_ended(client: TestClient, plane: Plane, clock: Clock) -> None:
    ground(client)
    id_ = client.post(f"{V1}/passes", json=WANTED, headers=CENTRAL).json()["id"]
    for _ in range(2):
        assert client.delete(f"{V1}/passes/{id_}", headers=CENTRAL).status_code == 204
    [denied] = table(client)["denied"]
    assert denied["pass_id"] == id_
    version = table(client)["version"]
    clock.now = denied["until"]
    assert _sweep(plane)
    told = client.get(f"{V1}/gateways/gateway-1/changes", params={"after": version}, headers=GATEWAY).json()
    assert told["deleted"] == [{"kind": "denied", "id": id_}]
    assert client.delete(f"{V1}/passes/{'0' * 16}", headers=CENTRAL).status_code == 404


def test_a_pass_needs_a_profile_a_host_and_a_time(client: TestClient) -> None:
    ground(client)
    for field, value in (
        ("profile", "p9"),
        ("host", "r9"),
        ("valid_to", WANTED["valid_from"]),
        ("valid_to", "2200-01-01T00:00:00Z"),
        ("valid_from", "2027-01-15T08:00:00"),
        ("max_uses", 0),
        ("max_uses", 256),
    ):
        answer = client.post(f"{V1}/passes", json=WANTED | {field: value}, headers=CENTRAL)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == f"/{field}"


def test_a_new_issuer_key_takes_the_next_number(client: TestClient, estate: Estate, clock: Clock) -> None:
    rotated = Plane(replace(estate, issuer_key=generate_private_key(SECP256R1())), clock)
    for _ in range(2):
        prepare(rotated)
    assert [issuer["kid"] for issuer in table(client)["issuers"]] == [0, 1]
    rotated.close()


def test_a_key_is_changed_without_losing_a_pass_and_retired_when_the_last_has_ended(
    client: TestClient, admin: TestClient, estate: Estate, clock: Clock
) -> None:
    ground(client)
    assert client.post(f"{V1}/passes", json=WANTED, headers=CENTRAL).status_code == 201
    rotated = Plane(replace(estate, issuer_key=generate_private_key(SECP256R1())), clock)
    prepare(rotated)
    rotated.close()
    told = [(each["kid"], each["own"], each["passes_until"]) for each in client.get(f"{V1}/issuers").json()["issuers"]]
    assert told == [(0, True, "2027-01-15T12:00:00.000Z"), (1, False, None)]  # this plane was not started anew
    assert client.delete(f"{V1}/issuers/0").json()["type"] == "in-use"
    version = table(client)["version"]
    for _ in range(2):
        assert client.delete(f"{V1}/issuers/1").status_code == 204
    changed = client.get(f"{V1}/gateways/gateway-1/changes", params={"after": version}, headers=GATEWAY).json()
    assert changed["deleted"] == [{"kind": "issuer", "id": "1"}]
    assert [issuer["kid"] for issuer in table(client)["issuers"]] == [0]
    actions = [each["action"] for each in client.get(f"{V1}/audit").json()["entries"]]
    assert actions.count("issuer.retire") == 1


def test_central_signs_passes_with_a_key_of_its_own(client: TestClient) -> None:
    [own] = table(client)["issuers"]
    put = {"json": {"public_key": public_of(generate_private_key(SECP256R1())).hex()}, "headers": CENTRAL}
    assert client.put(f"{V1}/issuers/0", **put).json()["type"] == "exists"
    assert [client.put(f"{V1}/issuers/7", **put).status_code for _ in range(2)] == [201, 200]
    assert [(row["kid"], row["public_key"]) for row in table(client)["issuers"]] == [
        (0, own["public_key"]), (7, put["json"]["public_key"])
    ]  # fmt: skip
    for kid, key in ((16, put["json"]["public_key"]), (8, "02" + "ff" * 32), (8, "")):
        assert client.put(f"{V1}/issuers/{kid}", json={"public_key": key}, headers=CENTRAL).status_code == 422
    version = table(client)["version"]
    assert client.delete(f"{V1}/issuers/7", headers=CENTRAL).status_code == 204
    assert client.put(f"{V1}/issuers/7", **put).status_code == 201
    changed = client.get(f"{V1}/gateways/gateway-1/changes", params={"after": version}, headers=GATEWAY).json()
    assert (changed["deleted"], [row["kid"] for row in changed["issuers"]]) == ([], [7])


def test_a_pass_that_others_signed_is_called_back_for_good(client: TestClient, plane: Plane) -> None:
    id_ = "0123456789abcdef"
    assert client.delete(f"{V1}/passes/{id_}", headers=CENTRAL).status_code == 404, "nobody else signs"
    key = public_of(generate_private_key(SECP256R1())).hex()
    client.put(f"{V1}/issuers/7", json={"public_key": key}, headers=CENTRAL).raise_for_status()
    for _ in range(2):
        assert client.delete(f"{V1}/passes/{id_}", headers=CENTRAL).status_code == 204
    _sweep(plane)
    assert table(client)["denied"] == [{"pass_id": id_, "until": (1 << 32) - 1}]


def test_a_plane_whose_key_finds_no_number_starts_and_takes_the_next_that_is_free(
    client: TestClient, estate: Estate, clock: Clock
) -> None:
    ground(client)
    for kid in range(1, 16):
        key = public_of(generate_private_key(SECP256R1())).hex()
        client.put(f"{V1}/issuers/{kid}", json={"public_key": key}, headers=CENTRAL).raise_for_status()
    own = generate_private_key(SECP256R1())
    with TestClient(create_app(Plane(replace(estate, issuer_key=own), clock))) as rotated:
        assert rotated.get(f"{V1}/events", headers=CENTRAL).status_code == 200
        refused = rotated.post(f"{V1}/passes", json=WANTED, headers=CENTRAL)
        assert (refused.status_code, refused.json()["type"]) == (409, "no-issuer-key")
        assert "retire one first" in refused.json()["detail"]
        assert rotated.delete(f"{V1}/issuers/5", headers=CENTRAL).status_code == 204
        assert table(rotated)["issuers"][5] == {"kid": 5, "public_key": public_of(own).hex()}
        assert rotated.post(f"{V1}/passes", json=WANTED, headers=CENTRAL).status_code == 201


def test_without_an_issuer_key_no_pass_is_signed(estate: Estate, clock: Clock) -> None:
    with TestClient(create_app(Plane(replace(estate, issuer_key=None), clock))) as client:
        ground(client)
        assert client.post(f"{V1}/passes", json=WANTED, headers=CENTRAL).json()["type"] == "no-issuer-key"

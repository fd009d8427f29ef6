from starlette.testclient import TestClient

from controllers import wiegand
from mgmt_api.office import position
from mgmt_api.office.formats import ALIASES, FORMATS, canonical
from mgmt_api.plane import Plane
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, V1, Clock, card, ground


def test_what_central_puts_is_what_the_gateway_takes(client: TestClient) -> None:
    ground(client)
    answer = client.put(f"{V1}/credentials/c1", json=card(number=1337), headers=CENTRAL)
    assert answer.status_code == 201
    page = client.get(f"{V1}/gateways/gateway-1/table", headers=GATEWAY).json()
    assert page["version"] == answer.json()["version"]
    assert page["next"] is None
    assert page["zones"] == [{"id": "z1", "parent": None, "public": True}]
    windows = [{"weekday": 1, "start": 1320, "end": 1440}, {"weekday": 2, "start": 0, "end": 360}]
    assert page["schedules"] == [{"id": "s1", "windows": windows}]
    assert page["profiles"] == [{"id": "p1", "number": 1, "policies": [{"schedule": "s1", "zone": "z1"}]}]
    [credential] = page["credentials"]
    assert credential["holder"] == "r1"
    assert "1337" not in str(credential)
    assert len(page["issuers"]) == 1


def test_a_record_is_guarded_by_its_etag(client: TestClient) -> None:
    url, body = f"{V1}/zones/z1", {"public": True}
    first = client.put(url, json=body, headers=CENTRAL | {"If-None-Match": "*"})
    assert first.status_code == 201
    assert client.put(url, json=body, headers=CENTRAL | {"If-None-Match": "*"}).status_code == 412
    again = client.put(url, json=body, headers=CENTRAL | {"If-Match": first.headers["etag"]})
    assert (again.status_code, again.json()) == (200, first.json())
    changed = client.put(url, json={"public": False}, headers=CENTRAL | {"If-Match": first.headers["etag"]})
    assert changed.json()["version"] == first.json()["version"] + 1
    stale = client.put(url, json=body, headers=CENTRAL | {"If-Match": first.headers["etag"]})
    assert stale.json()["type"] == "precondition-failed"
    assert client.delete(url, headers=CENTRAL | {"If-Match": '"0"'}).status_code == 412
    assert client.delete(url, headers=CENTRAL).status_code == 200


def test_what_a_record_names_must_exist(client: TestClient) -> None:
    ground(client)
    for path, body, pointer in (
        ("zones/z2", {"parent": "nowhere"}, "/parent"),
        ("profiles/p2", {"number": 2, "policies": [{"schedule": "s9", "zone": "z1"}]}, "/policies/0/schedule"),
        ("profiles/p2", {"number": 2, "policies": [{"schedule": "s1", "zone": "z9"}]}, "/policies/0/zone"),
        ("profiles/p2", {"number": 1, "policies": []}, "/number"),
        ("credentials/c1", card("nobody"), "/resident"),
        ("credentials/c1", card(profiles=["p1", "p9"]), "/profiles"),
    ):
        answer = client.put(f"{V1}/{path}", json=body, headers=CENTRAL)
        assert answer.status_code == 422, body
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    for path in ("zones/z1", "schedules/s1"):
        assert client.delete(f"{V1}/{path}", headers=CENTRAL).json()["type"] == "in-use"


def test_zones_form_a_tree(client: TestClient) -> None:
    for id_, parent in (("a", None), ("b", "a"), ("c", "b")):
        assert client.put(f"{V1}/zones/{id_}", json={"parent": parent}, headers=CENTRAL).status_code == 201
    looped = client.put(f"{V1}/zones/a", json={"parent": "c"}, headers=CENTRAL)
    assert {each["code"] for each in looped.json()["errors"]} == {"zone-loop"}


def test_a_wrong_field_is_named(client: TestClient) -> None:
    ground(client)
    for path, body, pointer in (
        ("zones/z2", {"public": "yes"}, "/public"),
        ("zones/z2", {"publik": True}, "/publik"),
        ("schedules/s2", {"windows": [{"weekday": 8, "start": "08:00", "end": "09:00"}]}, "/windows/0/weekday"),
        ("schedules/s2", {"windows": [{"weekday": 1, "start": "8:00", "end": "09:00"}]}, "/windows/0/start"),
        ("schedules/s2", {"windows": [{"weekday": 1, "start": "08:00", "end": "08:00"}]}, "/windows/0"),
        ("profiles/p2", {"number": 2, "policies": [{"schedule": "s1"}]}, "/policies/0"),
        ("profiles/p2", {"number": 0, "policies": []}, "/number"),
        ("residents/r2", {"name": "李雷", "id_number": "110105194912310021"}, "/id_number"),
        ("residents/r2", {}, "/name"),
        ("credentials/c1", card(format="WG99"), ""),
        ("credentials/c1", card(valid_from="2026-01-01T00:00:00"), "/valid_from"),
        ("credentials/c1", card(valid_from="2026-01-02T00:00:00Z", valid_to="2026-01-02T00:00:00Z"), ""),
    ):
        answer = client.put(f"{V1}/{path}", json=body, headers=CENTRAL)
        assert answer.status_code == 422, body
        assert answer.json()["errors"][0]["pointer"] == pointer


def test_the_same_card_is_given_once_whatever_its_format_is_called(client: TestClient) -> None:
    ground(client)
    assert client.put(f"{V1}/credentials/c1", json=card(number=5), headers=CENTRAL).status_code == 201
    twin = client.put(f"{V1}/credentials/c2", json=card(number=5, format="WG26"), headers=CENTRAL)
    assert twin.json()["errors"][0]["code"] == "duplicate-identifier"
    other = client.put(f"{V1}/credentials/c2", json=card(number=5, format="WG34"), headers=CENTRAL)
    assert other.status_code == 201


def test_formats_are_those_that_readers_report() -> None:
    assert set(wiegand.FORMATS) - set(ALIASES) == FORMATS
    assert wiegand.ALIASES == ALIASES
    for name in ALIASES:
        assert canonical(name) in FORMATS


def test_a_resident_who_leaves_takes_the_rights_along(client: TestClient) -> None:
    ground(client)
    version = client.put(f"{V1}/credentials/c1", json=card(), headers=CENTRAL).json()["version"]
    assert client.delete(f"{V1}/residents/r1", headers=CENTRAL).status_code == 200
    told = client.get(f"{V1}/gateways/gateway-1/changes", params={"after": version}, headers=GATEWAY).json()
    assert [(each["kind"], each["id"]) for each in told["deleted"]] == [("credential", "c1")]
    assert len(told["deleted"][0]["key"]) == 32


def test_a_change_of_class_reaches_the_credentials(client: TestClient) -> None:
    ground(client)
    version = client.put(f"{V1}/credentials/c1", json=card(), headers=CENTRAL).json()["version"]
    client.put(f"{V1}/residents/r1", json={"name": "王小明", "holder_class": "staff"}, headers=CENTRAL)
    told = client.get(f"{V1}/gateways/gateway-1/changes", params={"after": version}, headers=GATEWAY).json()
    assert [(each["id"], each["holder_class"]) for each in told["credentials"]] == [("c1", "staff")]


def test_private_numbers_are_shown_masked_and_stand_nowhere_in_the_clear(admin: TestClient, plane: Plane) -> None:
    ground(admin)
    admin.put(f"{V1}/credentials/c1", json=card(number=54321), headers=CENTRAL)
    for query in ("小明", "3-2", "13800001234", "138 0000 1234", "11010519491231002x", "r1"):
        [found] = admin.get(f"{V1}/residents", params={"query": query}).json()
        assert found["phone"] == "138****1234"
        assert found["id_number"] == "110***********002X"
        assert found["credentials"][0]["tail"] == "4321"
    assert admin.get(f"{V1}/residents", params={"query": "1380000"}).json() == []
    assert admin.get(f"{V1}/residents", params={"query": "%"}).json() == []
    stored = b"".join(file.read_bytes() for file in plane.estate.data_dir.glob("api.db*"))
    for secret in (b"11010519491231002", b"13800001234", b"138 0000 1234", b"54321"):
        assert secret not in stored


def test_central_stands_by_its_rights_while_it_is_there(client: TestClient, plane: Plane, clock: Clock) -> None:
    ground(client)
    client.put(f"{V1}/credentials/c1", json=card(), headers=CENTRAL)
    first = client.get(f"{V1}/gateways/gateway-1/table", headers=GATEWAY).json()["credentials"][0]["refreshed_at"]
    clock.now += 8 * 86_400
    with plane.database.write() as session:
        assert position.renew(session) == 0  # central was not heard of since
    client.put(f"{V1}/zones/z1", json={"public": True, "name": {"zh": "大堂", "en": "Lobby"}}, headers=CENTRAL)
    with plane.database.write() as session:
        assert position.renew(session) == 1
    again = client.get(f"{V1}/gateways/gateway-1/table", headers=GATEWAY).json()["credentials"][0]["refreshed_at"]
    assert again == first + 8 * 86_400

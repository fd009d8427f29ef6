"""ID cards and PINs from central: checked, kept as keyed hashes under which readers' finds are looked up."""

import pytest
from starlette.testclient import TestClient

from gateway.access.identifier import identifier_key
from mgmt_api.keys import Keys
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, V1, ground

NUMBER = "11010519491231002X"


def body(**identifier: str) -> dict[str, object]:
    return {"resident": "r1", "profiles": ["p1"], **identifier}


def test_an_id_card_and_a_pin_reach_the_gateway_as_keys_alone(client: TestClient) -> None:
    ground(client)
    idcard, pin = body(type="idcard", id_number=NUMBER.lower()), body(type="pin", pin="246810")
    assert client.put(f"{V1}/credentials/i1", json=idcard, headers=CENTRAL).status_code == 201
    assert client.put(f"{V1}/credentials/k1", json=pin, headers=CENTRAL).status_code == 201
    page = client.get(f"{V1}/gateways/gateway-1/table", headers=GATEWAY).json()
    assert {each["id"]: each["type"] for each in page["credentials"]} == {"i1": "idcard", "k1": "pin"}
    assert not any(secret in str(page) for secret in (NUMBER, "246810", "110105"))


def test_the_keys_are_those_that_drivers_and_keypads_look_up() -> None:
    site_key = bytes(range(32))
    assert Keys(site_key).idcard(NUMBER) == identifier_key(site_key, "idcard", "GB11643", NUMBER)
    assert Keys(site_key).pin("2468") == identifier_key(site_key, "pin", "PIN", "2468")


@pytest.mark.parametrize(
    "identifier",
    [
        {"type": "idcard", "id_number": "110105194912310021"},  # wrong check character
        {"type": "idcard", "id_number": "11010519491331002X"},  # no such birth date
        {"type": "idcard", "id_number": "11010519"},
        {"type": "idcard", "pin": "2468"},
        {"type": "pin", "pin": "123"},
        {"type": "pin", "pin": "1234567890123"},
        {"type": "pin", "pin": "12a4"},
        {"type": "pin", "pin": "2468\n"},
        {"type": "pin", "pin": "２４６８"},
    ],
)
def test_what_is_no_id_number_or_pin_is_refused_without_repeating_it(
    client: TestClient, identifier: dict[str, str]
) -> None:
    ground(client)
    answer = client.put(f"{V1}/credentials/i1", json=body(**identifier), headers=CENTRAL)
    assert answer.status_code == 422
    assert not any(value in answer.text for key, value in identifier.items() if key != "type" and len(value) > 4)


def test_two_holders_cannot_have_one_pin(client: TestClient) -> None:
    ground(client)
    assert client.put(f"{V1}/credentials/k1", json=body(type="pin", pin="2468"), headers=CENTRAL).status_code == 201
    assert client.put(f"{V1}/credentials/k2", json=body(type="pin", pin="2468"), headers=CENTRAL).status_code == 422


def test_the_console_is_shown_the_end_of_an_id_number_and_nothing_of_a_pin(
    client: TestClient, admin: TestClient
) -> None:
    ground(client)
    client.put(f"{V1}/credentials/i1", json=body(type="idcard", id_number=NUMBER), headers=CENTRAL)
    client.put(f"{V1}/credentials/k1", json=body(type="pin", pin="246810"), headers=CENTRAL)
    found = admin.get(f"{V1}/residents?query=王").json()
    assert NUMBER not in str(found)
    assert "246810" not in str(found)

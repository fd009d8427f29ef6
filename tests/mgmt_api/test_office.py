from starlette.testclient import TestClient

from tests.mgmt_api.conftest import CENTRAL, GATEWAY, V1, card, ground


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

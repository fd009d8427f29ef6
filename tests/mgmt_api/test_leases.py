"""Leases end by class when central is silent for long: visitors' first, residents' last, pinned and emergency never."""

from collections.abc import Mapping
from datetime import UTC

from starlette.testclient import TestClient

from gateway import wire
from gateway.access.case import Passage
from gateway.access.decision import Denied, decide
from gateway.access.generation import build
from gateway.access.model import AccessPoint, Credential
from gateway.access.presented import Card
from gateway.access.table import PermissionTable
from mgmt_api.office import position
from mgmt_api.plane import Plane
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, V1, Clock

DAY_S = 86_400
POINT = AccessPoint("in", "door", 1, "out", "z1")
CLASSES = ("visitor", "staff", "resident", "emergency")


class Nothing(Passage):
    """No passage before."""

    def last_iat(self, handle: bytes) -> int | None:
        return None

    def uses(self, id_: bytes) -> int:
        return 0


def filled(client: TestClient) -> None:
    always = [{"weekday": day, "start": "00:00", "end": "24:00"} for day in range(1, 8)]
    ops = [("zones", "z1", {"public": True}), ("schedules", "s", {"windows": always})]
    ops += [("profiles", "p", {"number": 1, "policies": [{"schedule": "s", "zone": "z1"}]})]
    for number, class_ in enumerate((*CLASSES, "pinned"), 1):
        marks = ["pinned"] if class_ == "pinned" else []
        held = "staff" if class_ == "pinned" else class_
        ops += [("residents", class_, {"name": class_, "holder_class": held})]
        card = {"resident": class_, "type": "card", "format": "H10301", "card": number, "profiles": ["p"]}
        ops += [("credentials", class_, card | {"marks": marks})]
    batch = [{"op": "put", "kind": kind, "id": id_, "body": body} for kind, id_, body in ops]
    body = {"epoch": 1, "base_seq": 0, "to_seq": 5, "ops": batch}
    assert client.post(f"{V1}/sync/changes", json=body, headers=CENTRAL).status_code == 200


def refused(client: TestClient, at: float) -> set[str]:
    """Whose leases have ended, by the table that the gateway takes."""
    page = client.get(f"{V1}/gateways/gateway-1/table?form={wire.FORM}", headers=GATEWAY).json()
    rows = [wire.row(kind, body) for kind, body in wire.rows_of(page)]
    table = PermissionTable.load(build(rows, page["version"]), [POINT], UTC, site=7)
    answers: Mapping[str, object] = {
        row.id: decide(table, Nothing(), POINT, Card(row.key, 1), at) for row in rows if isinstance(row, Credential)
    }
    return {id_ for id_, answer in answers.items() if isinstance(answer, Denied) and answer.reason == "LeaseExpired"}


def test_when_central_is_silent_visitors_lapse_first(client: TestClient, clock: Clock) -> None:
    filled(client)
    start = clock.now
    assert refused(client, start + DAY_S - 60) == set()
    assert refused(client, start + DAY_S + 60) == {"visitor"}
    assert refused(client, start + 8 * DAY_S) == {"visitor", "staff"}
    assert refused(client, start + 31 * DAY_S) == {"visitor", "staff", "resident"}


def test_a_heartbeat_keeps_every_lease_alive(client: TestClient, plane: Plane, clock: Clock) -> None:
    filled(client)
    for _ in range(40):
        clock.now += 12 * 3600
        beat = client.post(f"{V1}/sync/heartbeat", json={"epoch": 1, "seq": 5}, headers=CENTRAL)
        assert beat.status_code == 200
        with plane.database.write() as session:
            position.renew(session)
    assert refused(client, clock.now + 3600) == set()


def test_a_heartbeat_of_another_position_confirms_nothing(client: TestClient, clock: Clock) -> None:
    filled(client)
    before = client.get(f"{V1}/sync/state", headers=CENTRAL).json()["confirmed_at"]
    clock.now += 3600
    answer = client.post(f"{V1}/sync/heartbeat", json={"epoch": 1, "seq": 4}, headers=CENTRAL)
    assert (answer.status_code, answer.json()["current"]) == (409, {"epoch": 1, "seq": 5})
    assert client.get(f"{V1}/sync/state", headers=CENTRAL).json()["confirmed_at"] == before

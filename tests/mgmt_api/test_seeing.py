"""Cameras from the plane: drawings handed to a real recorder, alarms joined to doors, people who take note."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from config.settings import Camera
from mgmt_api import camera_alarms
from mgmt_api.camera_alarms import Page, Told
from mgmt_api.plane import Estate, Plane
from mgmt_api.recorders import RecorderAddress
from tests.camera.site import TOKEN, CameraSite, RecorderProcess, eventually, wired
from tests.mgmt_api.conftest import GATEWAY, INVENTORY, V1, Clock, Served, event, staff

LANE = {"name": "lane", "polygon": [[0, 0.28], [1, 0.28], [1, 0.52], [0, 0.52]], "door": "lobby-door"}
START = 1_800_000_000.0


def told(number: int, from_s: float, **more: Any) -> Told:
    moment = camera_alarms.iso(from_s)
    return Told(id=number, changed=number, camera="lobby", kind="motion", from_=moment, zone="lane", **more)


@pytest.fixture
def wake(client: TestClient, clock: Clock) -> None:
    """The gateway is there, its door locked."""
    assert client.put(f"{V1}/gateways/gateway-1/inventory", json=INVENTORY, headers=GATEWAY).status_code < 300


def verdict(plane: Plane, clock: Clock) -> str:
    with plane.database.write() as session:
        camera_alarms.judge(session, plane.presence, clock())
        return str(camera_alarms.before(session, None, 1, None, None)[0]["passage"])


def take(plane: Plane, *alarms: Told, log: str = "one") -> None:
    with plane.database.write() as session:
        camera_alarms.take(session, "http://recorder", Page(log=log, alarms=list(alarms)))


@pytest.mark.usefixtures("wake")
def test_motion_behind_a_door_that_nobody_passed_is_a_candidate_for_tail_gating(plane: Plane, clock: Clock) -> None:
    take(plane, told(1, clock(), door="lobby-door"))
    clock.now += 5
    assert verdict(plane, clock) == "pending"  # the gateway's events may still be on their way
    clock.now += 15
    assert verdict(plane, clock) == "tailgating"


@pytest.mark.usefixtures("wake")
@pytest.mark.parametrize(("kind", "after_s", "expected"), [
    ("Granted", -10, "passed"), ("RequestToExit", -3, "passed"), ("RemoteUnlock", 2, "passed"),
    ("Granted", -60, "tailgating"), ("Denied", -3, "tailgating"),
])  # fmt: skip
def test_a_passage_explains_motion_that_follows_it(
    client: TestClient, plane: Plane, clock: Clock, kind: str, after_s: float, expected: str
) -> None:
    body = {"events": [event(1, kind, occurred_at=clock() + after_s)]}
    assert client.post(f"{V1}/gateways/gateway-1/events", json=body, headers=GATEWAY).status_code == 200
    take(plane, told(1, clock(), door="lobby-door"))
    clock.now += 20
    assert verdict(plane, clock) == expected


def test_a_door_that_stands_open_to_all_makes_nobody_a_tail_gater(
    client: TestClient, plane: Plane, clock: Clock
) -> None:
    inventory = {**INVENTORY, "doors": [INVENTORY["doors"][0] | {"mode": "Unlocked"}]}
    client.put(f"{V1}/gateways/gateway-1/inventory", json=inventory, headers=GATEWAY)
    take(plane, told(1, clock(), door="lobby-door"))
    clock.now += 20
    assert verdict(plane, clock) == "free"


@pytest.mark.usefixtures("client")
def test_while_the_gateway_is_away_nobody_is_accused(plane: Plane, clock: Clock) -> None:
    take(plane, told(1, clock(), door="lobby-door"))
    clock.now += 60
    assert verdict(plane, clock) == "pending"
    clock.now += 900
    assert verdict(plane, clock) == "unknown"


def test_motion_without_a_door_waits_for_no_verdict(plane: Plane, client: TestClient, clock: Clock) -> None:
    take(plane, told(1, clock()))
    assert verdict(plane, clock) == ""


def test_a_change_is_taken_once_and_another_log_begins_anew(plane: Plane, client: TestClient, clock: Clock) -> None:
    first = told(1, clock())
    take(plane, first)
    take(plane, Told(**{**_fields(first), "changed": 2, "to": camera_alarms.iso(clock() + 9), "still": True}))
    take(plane, first, log="two")

    def read(session: Session) -> tuple[list[dict[str, Any]], tuple[str, int]]:
        found = camera_alarms.before(session, None, 10, None, None)
        return found, camera_alarms.position(session, "http://recorder")

    with plane.database.read() as session:
        (other, known), position = read(session)
    assert (known["still"], known["to"], other["to"]) == (True, camera_alarms.iso(clock() + 9), None)
    assert position == ("two", 1)


def _fields(alarm: Told) -> dict[str, Any]:
    return {name: getattr(alarm, name) for name in alarm.__struct_fields__}


def test_a_guard_takes_note_once_and_an_auditor_only_looks(admin: TestClient, plane: Plane, clock: Clock) -> None:
    take(plane, told(1, clock()))
    guard, auditor = staff(admin, "guard", "guard"), staff(admin, "auditor", "auditor")
    other = TestClient(admin.app)
    path = f"{V1}/camera-alarms/1/ack"
    assert other.post(path, json={}, headers=auditor).status_code == 403
    assert other.post(path, json={"note": "猫"}, headers=guard).json()["acked_by"] == "guard"
    assert admin.post(path, json={"note": "again"}).json()["note"] == "猫"
    assert other.post(f"{V1}/camera-alarms/7/ack", json={}, headers=guard).status_code == 404
    with plane.database.read() as session:
        assert camera_alarms.current(session, clock()) == []
    assert [each["id"] for each in other.get(f"{V1}/camera-alarms", headers=auditor).json()["alarms"]] == [1]


def test_only_an_admin_draws(admin: TestClient) -> None:
    guard = staff(admin, "guard", "guard")
    assert TestClient(admin.app).put(f"{V1}/cameras/lobby/drawing", json={}, headers=guard).status_code == 403


class World:
    """A plane with a recorder that watches one camera, all of them real."""

    def __init__(self, site: CameraSite, recorder: RecorderProcess, client: httpx2.Client) -> None:
        self.site, self.recorder, self.client = site, recorder, client

    def drawing(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"{V1}/cameras/lobby/drawing").json()
        return found


def _camera(site: CameraSite) -> Camera:
    quick = {"stream": "main", "fault_s": 2, "frozen_s": 4, "learn_s": 3, "lost_s": 3}
    return wired("lobby", site.url("/gate"), analytics=quick, doors=("lobby-door",))


@pytest.fixture
def world(estate: Estate, tmp_path: Any) -> Iterator[World]:
    site = CameraSite("/gate")
    recorder = RecorderProcess(tmp_path, [_camera(site)])
    address = RecorderAddress(f"http://127.0.0.1:{recorder.port}", TOKEN)
    with Served(Plane(replace(estate, recorders=[address]))) as served, served.sign_in() as client:
        yield World(site, recorder, client)
    recorder.close()
    site.kill()


def test_what_is_drawn_in_the_console_is_watched_and_its_alarm_comes_back(world: World) -> None:
    world.client.put(f"{V1}/gateways/gateway-1/inventory", json=INVENTORY, headers=GATEWAY).raise_for_status()
    assert world.drawing()["drawing"] == {"revision": 0, "zones": [], "masks": []}
    put = world.client.put(f"{V1}/cameras/lobby/drawing", json={"revision": 0, "zones": [LANE]})
    assert (put.status_code, put.json()["revision"]) == (200, 1)
    eventually(lambda: world.drawing()["held"] == 1 and world.drawing()["watched"] == "recording")
    stale = world.client.put(f"{V1}/cameras/lobby/drawing", json={"revision": 0})
    assert stale.status_code == 412
    elsewhere = {"revision": 1, "zones": [{**LANE, "door": "back-door"}]}
    refused = world.client.put(f"{V1}/cameras/lobby/drawing", json=elsewhere)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/zones/0/door")

    time.sleep(4)  # the worker is new: it learns the empty lane
    world.site.tell("walk /gate on")

    def candidates() -> list[dict[str, Any]]:
        found = world.client.get(f"{V1}/camera-alarms", params={"passage": "tailgating"}).json()["alarms"]
        return [each for each in found if each["still"]]

    alarm = eventually(candidates, 40)[0]
    assert (alarm["camera"], alarm["zone"], alarm["door"]) == ("lobby", "lane", "lobby-door")
    still = world.client.get(f"{V1}/camera-alarms/{alarm['id']}/still.jpg")
    assert (still.status_code, still.content[:2]) == (200, b"\xff\xd8")


def test_a_recorder_that_was_away_gets_the_drawing_when_it_is_back(world: World) -> None:
    world.recorder.crash()
    mask = {"name": "window", "polygon": [[0, 0], [0.2, 0], [0.2, 0.2]]}
    away = world.client.put(f"{V1}/cameras/lobby/drawing", json={"revision": 0, "masks": [mask]})
    assert away.status_code == 502  # nobody knows what is drawn there
    world.recorder.start()
    world.client.put(f"{V1}/cameras/lobby/drawing", json={"revision": 0}).raise_for_status()
    world.recorder.crash()
    put = world.client.put(f"{V1}/cameras/lobby/drawing", json={"revision": 1, "masks": [mask]})
    assert (put.status_code, world.drawing()["held"]) == (200, None)
    world.recorder.start()
    eventually(lambda: world.recorder.get("/cameras/lobby/drawing")["revision"] == 2, 30)

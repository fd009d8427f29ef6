"""Footage through the plane, before a real recorder: watched, taken, kept, and all of it written down."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from camera.clip import verify
from mgmt_api import audit, looks
from mgmt_api.app import create_app
from mgmt_api.looks import AGAIN_S, BLOCK_S, Deed, Looks
from mgmt_api.plane import Estate, Plane
from mgmt_api.recorders import RecorderAddress
from tests.camera.site import TOKEN, CameraSite, RecorderProcess, clocks, eventually, wired
from tests.mgmt_api.conftest import GATEWAY, V1, Clock, event, staff


class House:
    """A recorder with one camera, and what was recorded."""

    def __init__(self, folder: Path) -> None:
        self.rtsp = CameraSite("/gate")
        self.recorder = RecorderProcess(folder, [wired("lobby", self.rtsp.url("/gate"), doors=("lobby-door",))])
        eventually(lambda: self.recorder.recorded("lobby", 3))
        (folder / "other").mkdir()
        self.other = RecorderProcess(folder / "other", [wired("pool", self.rtsp.url("/gate"), doors=("pool-door",))])
        eventually(lambda: self.other.recorded("pool", 2))
        self.rtsp.kill()  # what is recorded now stays as it is
        eventually(lambda: self.recorder.state("lobby") != "recording")
        stretches = self.recorder.timeline("lobby")["recorded"]
        self.begin, self.end = (datetime.fromisoformat(each) for each in (stretches[0]["start"], stretches[-1]["end"]))

    @property
    def span(self) -> dict[str, str]:
        return {"from": self.begin.isoformat(), "to": self.end.isoformat()}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("house"))
    yield made
    made.recorder.close()
    made.other.close()


@pytest.fixture
def plane(estate: Estate, house: House) -> Plane:
    ports = (house.recorder.port, house.other.port)
    return Plane(replace(estate, recorders=[RecorderAddress(f"http://127.0.0.1:{port}", TOKEN) for port in ports]))


@pytest.fixture
def guard(admin: TestClient) -> dict[str, str]:
    return staff(admin, "zhang", "guard")


def lines(admin: TestClient) -> list[dict[str, Any]]:
    assert admin.get(f"{V1}/audit/proof").json() == {"whole": True, "fault": None}
    entries: list[dict[str, Any]] = admin.get(f"{V1}/register").json()["entries"]
    return entries


def test_what_is_watched_is_written_down_once_with_its_reason(
    admin: TestClient, guard: dict[str, str], house: House
) -> None:
    query = house.span | {"reason": "a lost parcel"}
    for _ in range(3):
        answer = admin.get(f"{V1}/cameras/lobby/clip", params=query, headers=guard)
        assert answer.status_code == 200, answer.text
        assert clocks(answer.content)
        assert datetime.fromisoformat(answer.headers["x-clip-start"]) <= house.begin
    (line,) = lines(admin)
    assert (line["actor"], line["role"], line["action"], line["target"]) == ("zhang", "guard", Deed.WATCH, "lobby")
    assert line["detail"]["reason"] == "a lost parcel"
    assert datetime.fromisoformat(line["detail"]["from"]) <= house.begin
    assert datetime.fromisoformat(line["detail"]["to"]) >= house.end
    assert admin.get(f"{V1}/cameras/lobby/clip", params=house.span, headers=guard).status_code == 422
    strip = admin.get(f"{V1}/cameras/lobby/strip", params=query | {"count": 4}, headers=guard).json()
    assert len(strip) >= 2
    assert len(lines(admin)) == 2


def test_an_export_carries_the_doors_events_and_verifies(
    admin: TestClient, guard: dict[str, str], house: House, tmp_path: Path
) -> None:
    at = (house.begin.timestamp() + house.end.timestamp()) / 2
    told = [
        event(1, "Denied", reason="CredentialExpired", raw="26:1a2b3c4", occurred_at=at),
        event(2, "Granted", door="elsewhere", occurred_at=at),
        event(3, "Granted", occurred_at=at - 3600),
    ]
    admin.post(f"{V1}/gateways/gateway-1/events", json={"events": told}, headers=GATEWAY).raise_for_status()
    made = taken(admin, guard, cameras=["lobby"], **house.span, reason="police, case 12")
    file = admin.get(made["file"], headers=guard)
    assert "attachment" in file.headers["content-disposition"]
    (tmp_path / "x.zip").write_bytes(file.content)
    assert verify(tmp_path / "x.zip", house.recorder.get("/signing-key")["public_key"]) == []
    (shown,) = json.loads(_member(tmp_path / "x.zip", "events.json"))
    assert (shown["kind"], shown["door"], shown["reason"]) == ("Denied", "lobby-door", "CredentialExpired")
    assert (shown["words"], shown["why"]["zh"]) == ({"zh": "拒绝", "en": "Refused"}, "此凭证已过期。")
    assert "raw" not in shown  # a credential leaves with nobody
    manifest = json.loads(_member(tmp_path / "x.zip", "manifest.json"))
    assert (manifest["by"], manifest["reason"]) == ("zhang", "police, case 12")
    fetched, exported = lines(admin)
    assert (fetched["action"], exported["action"]) == ("footage.fetch", "footage.export")
    assert fetched["detail"]["manifest"] == made["manifest"]
    assert exported["detail"]["reason"] == "police, case 12"


def taken(admin: TestClient, guard: dict[str, str], **body: Any) -> dict[str, Any]:
    """An export, once it is made."""
    answer = admin.post(f"{V1}/clips", json=body, headers=guard)
    assert answer.status_code == 202, answer.text
    url = f"{V1}/clips/{answer.json()['id']}"
    made: dict[str, Any] = eventually(
        lambda: (told := admin.get(url, headers=guard).json())["stage"] != "working" and told
    )
    return made


def test_cameras_of_two_recorders_are_one_export_that_verifies_as_one(
    admin: TestClient, guard: dict[str, str], house: House, tmp_path: Path
) -> None:
    made = taken(admin, guard, cameras=["lobby", "pool"], **house.span, reason="police, case 13")
    assert (made["stage"], made["name"][-17:]) == ("ready", "Z-2-recorders.zip")
    path = tmp_path / "x.zip"
    path.write_bytes(admin.get(made["file"], headers=guard).content)
    assert len(made["keys"]) == 2
    assert verify(path, *made["keys"]) == []
    assert "another key" in str(verify(path, made["keys"][0])[0])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert list(parts) == ["recorder-0.zip", "recorder-1.zip"]
    (tmp_path / "recorder-0.zip").write_bytes(parts["recorder-0.zip"])
    assert [str(each) for each in verify(tmp_path / "recorder-0.zip")] == ["pool: this camera is missing"]
    later = taken(admin, guard, cameras=["lobby", "pool"], **house.span, reason="police, case 13")
    with zipfile.ZipFile(io.BytesIO(admin.get(later["file"], headers=guard).content)) as archive:
        other = archive.read("recorder-1.zip")
    for second, fault in ((other, "not of one whole"), (parts["recorder-0.zip"], "there twice")):
        with zipfile.ZipFile(path, "w") as forged:
            forged.writestr("recorder-0.zip", parts["recorder-0.zip"])
            forged.writestr("recorder-1.zip", second)
        assert fault in str(verify(path)[0])
    fetched = [line["detail"]["manifest"] for line in lines(admin) if line["action"] == "footage.fetch"]
    assert fetched == [later["manifest"], made["manifest"]]


def _member(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def test_footage_is_kept_by_a_guard_and_given_up_by_the_office(
    admin: TestClient, guard: dict[str, str], house: House
) -> None:
    body = {"cameras": ["lobby"], **house.span, "reason": "door forced"}
    (hold,) = admin.post(f"{V1}/holds", json=body, headers=guard).json()
    assert hold["id"] in [each["id"] for each in admin.get(f"{V1}/holds").json()]
    assert [each["by"] for each in admin.get(f"{V1}/timeline", params=house.span).json()["lobby"]["holds"]] == ["zhang"]
    path = f"{V1}/holds/{hold['id']}"
    assert admin.delete(path, headers=guard, params={"reason": "done"}).status_code == 403
    assert admin.delete(path).status_code == 422
    assert admin.delete(path, params={"reason": "case closed"}).status_code == 204
    assert admin.delete(path, params={"reason": "case closed"}).status_code == 404
    lifted, kept = lines(admin)
    assert (lifted["action"], lifted["detail"]["reason"]) == ("footage.lift", "case closed")
    assert (kept["action"], kept["actor"]) == ("footage.hold", "zhang")


def test_an_event_has_its_picture(admin: TestClient, house: House) -> None:
    at = house.begin.timestamp() + 2
    told = [event(1, occurred_at=at), event(2, door="none", occurred_at=at), event(3, occurred_at=at - 3600)]
    admin.post(f"{V1}/gateways/gateway-1/events", json={"events": told}, headers=GATEWAY).raise_for_status()
    jpeg = admin.get(f"{V1}/events/1/still.jpg")
    assert (jpeg.status_code, jpeg.headers["content-type"]) == (200, "image/jpeg")
    assert abs(clocks(jpeg.content)[0] / 1000 - at) < 1
    assert [admin.get(f"{V1}/events/{n}/still.jpg").status_code for n in (2, 3, 4)] == [404, 404, 404]
    asked = {"width": 160, "camera": "lobby"}

    def kept() -> list[bytes]:
        return [path.read_bytes() for path in house.recorder.dir.glob("snapshots/lobby/*/*.jpg")]

    eventually(lambda: admin.get(f"{V1}/events/1/still.jpg", params=asked).content in kept())
    assert admin.get(f"{V1}/events/1/still.jpg", params={"camera": "other"}).status_code == 404
    assert admin.get(f"{V1}/events/3/still.jpg").json()["detail"].endswith("no picture was kept of it")


def test_events_are_found_by_their_time(admin: TestClient) -> None:
    told = [event(n, occurred_at=1_800_000_000 + n) for n in range(1, 6)]
    admin.post(f"{V1}/gateways/gateway-1/events", json={"events": told}, headers=GATEWAY).raise_for_status()
    span = {"from": "2027-01-15T08:00:02Z", "to": "2027-01-15T08:00:04Z"}
    assert [each["seq"] for each in admin.get(f"{V1}/events", params=span).json()["events"]] == [3, 2]


def test_an_auditor_reads_the_register_and_takes_nothing(
    admin: TestClient, guard: dict[str, str], house: House
) -> None:
    auditor = staff(admin, "li", "auditor")
    assert admin.get(f"{V1}/register", headers=auditor).status_code == 200
    assert admin.get(f"{V1}/register", headers=guard).status_code == 403
    body = {"cameras": ["lobby"], **house.span, "reason": "x"}
    assert admin.post(f"{V1}/clips", json=body, headers=auditor).status_code == 403
    assert admin.post(f"{V1}/holds", json=body, headers=auditor).status_code == 403


def test_what_is_not_there_is_neither_taken_nor_kept(admin: TestClient) -> None:
    old = {"from": "2020-01-01T00:00:00Z", "to": "2020-01-01T00:01:00Z"}
    refused = admin.post(f"{V1}/clips", json={"cameras": ["lobby"], **old, "reason": "x"})
    assert (refused.status_code, refused.json()["type"]) == (404, "no-footage")
    refused = admin.post(f"{V1}/holds", json={"cameras": ["lobby", "pool"], **old, "reason": "x"})
    assert refused.json()["type"] == "no-footage"
    assert admin.get(f"{V1}/holds").json() == []
    assert admin.get(f"{V1}/clips/0-{'0' * 16}").status_code == 404
    assert admin.get(f"{V1}/clips/9-{'0' * 16}/file").status_code == 404
    assert lines(admin) == []


def test_a_look_that_goes_on_is_one_line_and_a_later_one_another(estate: Estate, clock: Clock, tmp_path: Path) -> None:
    plane = Plane(estate, clock)
    with TestClient(create_app(plane)):
        for start in range(0, 3 * BLOCK_S, 10):
            looks.looked(plane, ("zhang", "guard"), Deed.WATCH, "lobby", (start, start + 10), "x")
        looks.looked(plane, ("zhang", "guard"), Deed.STILL, "lobby", (5, 5), "x")
        assert len(_actions(plane)) == 3 + 1 + 1  # three blocks, the border of a fourth, a still
        clock.now += AGAIN_S
        looks.looked(plane, ("zhang", "guard"), Deed.WATCH, "lobby", (0, 3 * BLOCK_S - 1), "x")
        assert len(_actions(plane)) == 6


def _actions(plane: Plane) -> list[str]:
    with plane.database.read() as session:
        return [row["action"] for row in audit.page(session, None, 100, tuple(Deed))]


def test_the_looks_that_are_remembered_are_bounded() -> None:
    known = Looks()
    assert all(known.fresh(n, 0.0) for n in range(60_000))
    assert len(known._told) == looks.MOST
    assert not known.fresh(59_999, 1.0)
    assert known.fresh(0, 1.0)

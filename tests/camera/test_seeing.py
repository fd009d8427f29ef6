"""A recorder that watches a real stream: zones drawn over HTTP, alarms with stills, blind cameras, dying decoders."""

import subprocess
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from camera.clip import verify
from config.settings import Camera
from tests.camera.site import CameraSite, RecorderProcess, alive, eventually, wired, words

LANE = {"name": "lane", "polygon": [[0, 0.28], [1, 0.28], [1, 0.52], [0, 0.52]], "door": "main"}
BEHIND = {"name": "behind", "polygon": [[0, 0.54], [1, 0.54], [1, 0.71], [0, 0.71]]}
SKY = {"name": "sky", "polygon": [[0, 0], [0.4, 0], [0.4, 0.2], [0, 0.2]]}
QUICK = {"stream": "main", "fault_s": 2, "frozen_s": 4, "learn_s": 3, "lost_s": 3}


def seen(name: str, url: str, **more: Any) -> Camera:
    return wired(name, url, analytics=QUICK, doors=("main",), **more)


@pytest.fixture(scope="module")
def site() -> Iterator[CameraSite]:
    site = CameraSite("/gate", "/garage")
    yield site
    site.kill()


@pytest.fixture(scope="module")
def running(site: CameraSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecorderProcess]:
    cameras = [seen("gate", site.url("/gate")), seen("garage", site.url("/garage")),
               wired("unwatched", site.url("/garage"))]  # fmt: skip
    recorder = RecorderProcess(tmp_path_factory.mktemp("seeing"), cameras)
    eventually(lambda: watching(recorder, "gate") and watching(recorder, "garage"))
    yield recorder
    recorder.close()


def watching(recorder: RecorderProcess, camera: str) -> bool:
    told = recorder.get("/drawings")[camera]
    return told["watched"] == "recording" and told["learnt"]


def draw(recorder: RecorderProcess, camera: str, revision: int, **drawing: Any) -> None:
    answer = recorder.http.put(f"/cameras/{camera}/drawing", json={"revision": revision, **drawing})
    assert answer.status_code == 200, answer.text


def alarms(recorder: RecorderProcess, **wanted: object) -> list[dict[str, Any]]:
    found = recorder.get("/alarms")["alarms"]
    return [each for each in found if all(each[key] == value for key, value in wanted.items())]


def worker(recorder: RecorderProcess) -> psutil.Process:
    children = psutil.Process(recorder.process.pid).children()
    return next(child for child in children if "camera.motion_worker" in words(child))


def test_somebody_in_a_zone_is_an_alarm_with_a_still_and_marks_the_footage(
    site: CameraSite, running: RecorderProcess, tmp_path: Path
) -> None:
    wall = {"name": "wall", "polygon": [[0, 0.75], [0.5, 0.75], [0.5, 1]]}
    window = {"name": "window", "polygon": BEHIND["polygon"]}
    draw(running, "gate", 1, zones=[LANE, SKY, BEHIND], masks=[wall, window])
    time.sleep(5)  # the worker is new: it learns the empty lane
    site.tell("walk /gate on")
    came = time.time()
    alarm = eventually(lambda: alarms(running, camera="gate", kind="motion"))[0]
    site.tell("walk /gate off")
    assert (alarm["zone"], alarm["door"]) == ("lane", "main")
    assert alarm["words"] == {"zh": "有人或物移动（lane）", "en": "Motion (lane)"}
    ended = eventually(lambda: [each for each in alarms(running, id=alarm["id"]) if each["to"] and each["still"]])[0]
    assert ended["from"] < ended["to"]
    still = running.http.get(f"/alarms/{alarm['id']}/still.jpg")
    assert still.headers["content-type"] == "image/jpeg"
    assert luma(still.content, 0.4, 0.95) < 20  # under the mask
    assert max(luma(still.content, x, 0.4) for x in (0.83, 0.9)) > 40  # at one of them the dark figure may stand
    span = {"from": "2020-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"}
    marks = running.get("/marks", camera="gate", **span)
    assert {(each["class"], each["reason"]) for each in marks} >= {("motion", "lane")}
    assert not alarms(running, camera="gate", zone="sky")
    assert not alarms(running, camera="gate", zone="behind"), "something moves there all the time, but under a mask"
    body = {"from": told(came - 2), "to": told(came), "by": "guard", "reason": "a parcel"}
    path = running.export(tmp_path / "x.zip", cameras=["gate"], **body)
    assert verify(path) == []
    with zipfile.ZipFile(path) as archive:
        film = archive.read("gate-1.mp4")
    for x in (0.02, 0.3, 0.6, 0.98):
        assert luma(film, x, 0.6) < 24
    assert luma(film, 0.4, 0.95) < 24
    assert luma(film, 0.9, 0.4) > 40


def told(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()


def luma(picture: bytes, x: float, y: float) -> int:
    """Brightness of one point of a picture, or of a film's first; x and y are shares."""
    argv = ["ffmpeg", "-v", "error", "-i", "pipe:0", "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"]
    raw = subprocess.run(argv, input=picture, capture_output=True, check=True).stdout
    width, height = 640, 360
    assert len(raw) == width * height
    return raw[int(y * height) * width + int(x * width)]


@pytest.mark.parametrize("sight", ["black", "moved"])
def test_a_camera_that_sees_badly_is_an_alarm_until_it_sees_well(
    site: CameraSite, running: RecorderProcess, sight: str
) -> None:
    eventually(lambda: watching(running, "garage"))
    site.tell(f"see /garage {sight}")
    alarm = eventually(lambda: alarms(running, camera="garage", kind=sight), 40)[0]
    assert alarm["to"] is None
    site.tell("see /garage well")
    eventually(lambda: not [each for each in alarms(running, camera="garage") if each["to"] is None], 40)
    assert running.state("garage") == "recording"


def test_what_a_camera_was_put_up_for_can_be_learnt_anew(running: RecorderProcess) -> None:
    reference = running.dir / "references" / "gate.png"
    assert reference.exists()
    before = reference.stat().st_ino
    assert running.http.delete("/cameras/gate/reference").status_code == 204
    eventually(lambda: reference.exists() and reference.stat().st_ino != before)
    assert running.http.delete("/cameras/unwatched/reference").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"revision": 1, "zones": [{"name": "x", "polygon": [[0, 0], [2, 0], [1, 1]]}]},
        {"revision": 1, "zones": [{"name": "x", "polygon": [[0, 0], [1, 0]]}]},
        {"revision": -1},
        {"colour": "red"},
        [],
    ],
)
def test_a_drawing_that_is_none_is_refused_and_the_old_one_holds(running: RecorderProcess, body: object) -> None:
    before = running.get("/cameras/garage/drawing")
    answer = running.http.put("/cameras/garage/drawing", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert running.get("/cameras/garage/drawing") == before
    assert running.http.put("/cameras/nowhere/drawing", json={}).status_code == 404


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_decoder_that_dies_or_hangs_takes_only_its_own_worker_with_it(running: RecorderProcess, end: str) -> None:
    recording, child = set(running.ffmpegs()), worker(running)
    decoder = child.children()[0]
    if end == "kill":
        decoder.kill()
    else:
        child.suspend()
    eventually(lambda: not alive(child.pid))
    eventually(lambda: watching(running, "gate") and watching(running, "garage"))
    assert not alive(decoder.pid)
    assert set(running.ffmpegs()) == recording
    assert running.state("gate") == running.state("garage") == "recording"


def test_a_drawing_survives_the_recorder_and_its_alarms_are_told_after_a_number(
    site: CameraSite, running: RecorderProcess
) -> None:
    draw(running, "gate", 7, zones=[LANE])
    eventually(lambda: watching(running, "garage"))
    site.tell("see /garage black")
    eventually(lambda: alarms(running, camera="garage", kind="black"))
    site.tell("see /garage well")
    known = running.get("/alarms")
    running.crash()
    running.start()
    assert running.get("/cameras/gate/drawing")["revision"] == 7
    after = max(each["changed"] for each in known["alarms"])
    told = running.get("/alarms", after=after)
    assert told["log"] == known["log"]
    assert all(each["changed"] > after for each in told["alarms"])


def test_who_waits_for_alarms_does_not_hold_the_recorder_up(running: RecorderProcess) -> None:
    after = max((each["changed"] for each in running.get("/alarms")["alarms"]), default=0)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(running.get, "/alarms", after=after + 1000, wait_s=9)
        time.sleep(0.5)
        assert running.end() == 0
        assert waiting.result()["alarms"] == []
    assert "Traceback" not in running.log_path.read_text()
    running.start()


def test_a_camera_that_goes_away_is_an_alarm_and_its_return_ends_it(
    site: CameraSite, running: RecorderProcess, tmp_path: Path
) -> None:
    site.kill()
    alarm = eventually(lambda: alarms(running, camera="gate", kind="lost", to=None), 30)[0]
    assert alarm["detail"] in ("refused", "ended", "stalled")
    site.start()
    eventually(lambda: [each for each in alarms(running, id=alarm["id"]) if each["to"]], 40)

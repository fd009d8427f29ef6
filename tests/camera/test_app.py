"""The recorder over HTTP and WebSocket, as the management plane uses it."""

import asyncio
import base64
import hashlib
import json
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect

from camera.clip import verify
from camera.encode import Slots
from camera.live import Live, Message, Viewer
from camera.source import parse_source
from tests.camera.site import TOKEN, CameraSite, RecorderProcess, clocks, eventually, wired, words


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecorderProcess]:
    site = CameraSite("/gate")
    cameras = [
        wired("gate", site.url("/gate"), doors=("main",)),
        wired("absent", "rtsp://127.0.0.1:1/x"),
        wired("wrong", "rtsp://127.0.0.1:99999/x"),
    ]
    recorder = RecorderProcess(tmp_path_factory.mktemp("running"), cameras)
    eventually(lambda: recorder.recorded("gate", 2))
    yield recorder
    recorder.close()
    site.kill()


def minute() -> dict[str, str]:
    now = datetime.now(UTC)
    return {"from": (now - timedelta(seconds=60)).isoformat(), "to": now.isoformat()}


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}])
def test_nothing_is_told_without_the_token(running: RecorderProcess, header: dict[str, str]) -> None:
    for path in ("/cameras", "/status", "/holds", "/cameras/gate/playlist.m3u8"):
        bare = running.http.build_request("GET", path)
        del bare.headers["authorization"]
        bare.headers.update(header)
        answer = running.http.send(bare)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"


def test_cameras_are_listed_with_their_states(running: RecorderProcess) -> None:
    gate, absent, wrong = running.get("/cameras")
    assert (gate["name"], gate["doors"], gate["state"]) == ("gate", ["main"], "recording")
    assert gate["label"] == {"zh": "摄像机", "en": "Camera"}
    assert (absent["state"], wrong["state"]) == ("refused", "misconfigured")
    assert absent["words"]["zh"]
    assert absent["since"].endswith("Z")


def test_the_timeline_reaches_to_the_last_second(running: RecorderProcess) -> None:
    eventually(lambda: age_s(running.get("/cameras/gate/timeline", **minute())["segments"][-1]["end"]) < 2)


def age_s(text: str) -> float:
    return time.time() - datetime.fromisoformat(text).timestamp()


def test_the_playlist_plays_with_all_frames_up_to_the_last_second(running: RecorderProcess, tmp_path: Path) -> None:
    query = minute()
    wanted = f"http://127.0.0.1:{running.port}/cameras/gate/playlist.m3u8?from={quoted(query['from'])}&to={quoted(query['to'])}"
    out = tmp_path / "clip.mkv"
    header = f"Authorization: Bearer {TOKEN}\r\n"
    argv = ["ffmpeg", "-v", "error", "-headers", header, "-i", wanted, "-c", "copy", str(out)]
    asked = time.time()
    subprocess.run(argv, check=True)
    seen = clocks(out)
    assert len(seen) > 24
    assert sorted(set(seen)) == seen
    assert asked - seen[-1] / 1000 < 10


def quoted(moment: str) -> str:
    return moment.replace("+", "%2B")


def test_media_are_served_by_range_and_by_nothing_but_their_id(running: RecorderProcess) -> None:
    first = running.timeline("gate")["segments"][0]["id"]
    whole = running.http.get(f"/cameras/gate/media/{first}")
    part = running.http.get(f"/cameras/gate/media/{first}", headers={"Range": "bytes=100-199"})
    assert (whole.status_code, part.status_code) == (200, 206)
    assert part.content == whole.content[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
    beyond = running.http.get(f"/cameras/gate/media/{first}", headers={"Range": "bytes=99999999-"})
    assert beyond.status_code == 416
    for name in ("..%2f..%2findex.db", "20260101T000000Z-aaaaaa-000000", "index.db"):
        assert running.http.get(f"/cameras/gate/media/{name}").status_code == 404
    assert running.http.get(f"/cameras/absent/media/{first}").status_code == 404


def test_bad_questions_get_a_problem(running: RecorderProcess) -> None:
    def status(path: str, **query: str) -> int:
        answer = running.http.get(path, params=query)
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code

    noon, one = "2026-01-01T12:00:00Z", "2026-01-01T13:00:00Z"
    assert status("/cameras/none/timeline", **{"from": noon, "to": one}) == 404
    assert status("/cameras/gate/timeline", **{"from": one, "to": noon}) == 422
    assert status("/cameras/gate/timeline", **{"from": "2026-01-01T12:00:00", "to": one}) == 422
    assert status("/cameras/gate/timeline") == 422
    assert status("/cameras/gate/playlist.m3u8", **{"from": noon, "to": one}) == 404
    assert status("/cameras/gate/playlist.m3u8", **{"from": noon, "to": "2026-02-01T00:00:00Z"}) == 422
    assert status("/cameras/absent/still.jpg") == 404


def test_a_still_shows_the_moment_asked_for(running: RecorderProcess) -> None:
    at = datetime.now(UTC) - timedelta(seconds=3)
    jpeg = running.http.get("/cameras/gate/still.jpg", params={"at": at.isoformat()})
    assert jpeg.headers["content-type"] == "image/jpeg"
    assert abs(clocks(jpeg.content)[0] / 1000 - at.timestamp()) < 1
    asked = time.time()
    newest = running.http.get("/cameras/gate/still.jpg")
    assert asked - clocks(newest.content)[0] / 1000 < 10


def test_an_event_at_a_door_marks_the_cameras_that_see_it(running: RecorderProcess) -> None:
    moment = datetime.now(UTC).isoformat()
    body = {"door": "main", "from": moment, "reason": "access event 7"}
    made = running.http.post("/marks", json=body)
    assert made.status_code == 201
    assert [(each["camera"], each["class"], each["reason"]) for each in made.json()] == [
        ("gate", "event", "access event 7")
    ]
    (seen,) = running.get("/marks", camera="gate", **minute())
    assert seen == made.json()[0]
    assert seen in running.get("/cameras/gate/timeline", **minute())["marks"]
    for wrong in ({"camera": "gate"}, {"class": "boring"}, {"to": "2020-01-01T00:00:00Z"}, {"reason": ""}):
        assert running.http.post("/marks", json=body | wrong).status_code == 422
    assert running.http.post("/marks", json=body | {"door": "none"}).json() == []
    for absurd in ({"to": "9998-01-01T00:00:00Z"}, {"from": "1970-01-01T00:00:00Z", "to": moment}):
        refused = running.http.post("/marks", json=body | absurd)
        assert refused.status_code == 422
        assert "a mark is no longer than" in refused.json()["title"]


def test_holds_are_made_listed_and_lifted(running: RecorderProcess) -> None:
    body = {"camera": "gate", "reason": "door forced", "by": "guard", **minute()}
    made = running.http.post("/holds", json=body)
    assert made.status_code == 201
    hold = made.json()["id"]
    assert [each["id"] for each in running.get("/holds", camera="gate")] == [hold]
    assert running.http.delete(f"/holds/{hold}").status_code == 204
    assert running.http.delete(f"/holds/{hold}").status_code == 404
    assert running.http.post("/holds", json={**body, "camera": "none"}).status_code == 404
    assert running.http.post("/holds", json={**body, "by": ""}).status_code == 422
    over = running.http.post("/holds", json={**body, "until": body["to"]})
    assert (over.status_code, over.json()["title"]) == (422, "the hold would be over already: until is past")


def watch(recorder: RecorderProcess, camera: str = "gate", token: str = TOKEN, query: str = "") -> "connect":
    url = f"ws://127.0.0.1:{recorder.port}/cameras/{camera}/live{query}"
    return connect(url, additional_headers={"Authorization": f"Bearer {token}"}, max_size=None)


async def receive(link: ClientConnection, parts: int) -> list[bytes]:
    """The init message and its bytes, then more."""
    hello = json.loads(await asyncio.wait_for(link.recv(), 10))
    assert hello["type"] == "init", hello
    assert hello["mime"].startswith('video/mp4; codecs="avc1.')
    found: list[bytes] = []
    while len(found) < parts:
        message = await asyncio.wait_for(link.recv(), 30)
        assert isinstance(message, bytes)
        found.append(message)
    return found


async def test_the_live_picture_is_young(running: RecorderProcess) -> None:
    async with watch(running) as link:
        film = b"".join(await receive(link, 30))
        now_ms = time.time() * 1000
        assert now_ms - clocks(film)[-1] < 5000


async def test_viewers_share_one_stream_and_it_ends_when_they_leave(running: RecorderProcess) -> None:
    def live() -> int:
        children = psutil.Process(running.process.pid).children()
        return sum("-flush_packets" in words(each) for each in children)

    async with watch(running) as one, watch(running) as two:
        await asyncio.gather(receive(one, 5), receive(two, 5))
        async with watch(running) as late:
            first = await receive(late, 1)
            assert clocks(first[0]), "the first message alone is a film"
        assert live() == 1
    await asyncio.to_thread(eventually, lambda: live() == 0, 12)


async def test_a_browser_without_h265_gets_h264_while_there_is_room(running: RecorderProcess, rtsp: CameraSite) -> None:
    async with watch(running, "gate", query="?codec=h264") as link:
        assert clocks(b"".join(await receive(link, 12)))
    live = Live(parse_source("gate", rtsp.url("/gate")), slots=Slots(0))
    viewer = live.join()
    assert (await viewer.next()).json == {"type": "camera_down", "reason": "encoders_busy"}
    await live.close()


async def test_a_viewer_of_a_lost_camera_is_told_why(running: RecorderProcess) -> None:
    async with watch(running, "absent") as link:
        assert json.loads(await asyncio.wait_for(link.recv(), 10)) == {"type": "camera_down", "reason": "refused"}


async def test_live_asks_for_the_token_and_a_known_camera(running: RecorderProcess) -> None:
    for camera, token, status in (("gate", "wrong", 401), ("none", TOKEN, 404)):
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with watch(running, camera, token):
                pass
        assert refused.value.response.status_code == status


async def test_a_slow_viewer_is_told_of_a_drop_and_skips_to_the_newest_key_frame() -> None:
    viewer = Viewer(limit=5)
    viewer.restart("video/mp4", b"init")
    for n in range(4):
        viewer.show(b"%d" % n, False, b"key0123"[: n + 4])
    viewer.show(b"next", False, b"key0123next")
    seen = [await viewer.next() for _ in range(3)]
    assert seen == [Message({"type": "drop"}), Message(data=b"key0123"), Message(data=b"next")]


async def test_a_slow_viewer_of_a_long_group_waits_for_its_next_key_frame() -> None:
    viewer = Viewer(limit=5)
    viewer.restart("video/mp4", b"init")
    for n in range(9):
        viewer.show(b"%d" % n, key=False)
    viewer.show(b"key", key=True)
    seen = [await viewer.next() for _ in range(2)]
    assert seen == [Message({"type": "drop"}), Message(data=b"key")]


async def test_a_viewer_who_reads_nothing_holds_up_nobody_and_comes_back_to_the_newest_picture(
    running: RecorderProcess,
) -> None:
    async with watch(running) as lazy, watch(running) as keen:
        await receive(lazy, 1)
        lazy.transport.pause_reading()  # type: ignore[attr-defined] # a stalled browser: the socket fills up
        await receive(keen, 12 * 4)
        asked = time.time()
        assert asked - clocks(running.http.get("/cameras/gate/still.jpg").content)[0] / 1000 < 10


def test_the_recorder_ends_within_seconds_while_watched(
    rtsp: CameraSite, record: Callable[..., RecorderProcess]
) -> None:
    recorder = record(wired("gate", rtsp.url("/gate")))
    eventually(lambda: recorder.state("gate") == "recording")

    async def end() -> tuple[int, float]:
        async with watch(recorder) as link:
            await receive(link, 3)
            began = time.monotonic()
            return await asyncio.to_thread(recorder.end), time.monotonic() - began

    code, took_s = asyncio.run(end())
    assert code == 0
    assert took_s < 15


def test_a_month_of_all_cameras_is_told_without_files(running: RecorderProcess) -> None:
    now = datetime.now(UTC)
    month = {"from": (now - timedelta(days=30)).isoformat(), "to": (now + timedelta(seconds=5)).isoformat()}
    told = running.get("/timeline", **month)
    assert set(told) == {"gate", "absent", "wrong"}
    assert "segments" not in told["gate"]
    (stretch,) = told["gate"]["recorded"]
    assert stretch["files"] >= 2
    assert (now - datetime.fromisoformat(stretch["end"])).total_seconds() < 10
    assert told["absent"]["recorded"] == []


def test_the_status_forecasts_how_long_the_disk_lasts(running: RecorderProcess) -> None:
    forecast = running.get("/status")["forecast"]
    assert forecast["wanted_days"] == 30
    assert forecast["keeps_days"] is None
    assert forecast["words"]["zh"]


def last_s(seconds: float) -> dict[str, str]:
    """Seconds of footage up to now."""
    now = datetime.now(UTC)
    return {"from": (now - timedelta(seconds=seconds)).isoformat(), "to": now.isoformat()}


def test_a_clip_says_its_wall_time_and_plays(running: RecorderProcess) -> None:
    span = last_s(3)
    answer = running.http.get("/cameras/gate/clip", params=span)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith('video/mp4; codecs="avc1')
    seen, begun, end = clocks(answer.content), *(
        datetime.fromisoformat(answer.headers[name]).timestamp() for name in ("x-clip-start", "x-clip-end")
    )  # fmt: skip
    assert begun <= datetime.fromisoformat(span["from"]).timestamp()
    assert abs(seen[0] / 1000 - begun) < 1
    assert abs(end - begun - len(seen) / 12) < 0.2


def test_a_signed_export_is_noted_and_verifies(running: RecorderProcess, tmp_path: Path) -> None:
    body = {"cameras": ["gate", "absent"], **last_s(2), "by": "guard-1", "reason": "theft", "events": [{"door": "x"}]}
    path = running.export(tmp_path / "x.zip", **body)
    assert verify(path, running.get("/signing-key")["public_key"]) == []
    taken = running.get("/exports")[0]
    assert (taken["by"], taken["reason"], taken["cameras"]) == ("guard-1", "theft", ["gate", "absent"])
    assert taken["manifest"] == hashlib.sha256(zipfile.ZipFile(path).read("manifest.json")).hexdigest()


def test_an_export_with_a_watermark_is_encoded_anew_and_says_so(running: RecorderProcess, tmp_path: Path) -> None:
    mark = "保安 guard-1: 50%, [case] 'A;7'\\"
    span, now = last_s(2), time.time()
    eventually(
        lambda: now < time.time() - age_s(running.get("/cameras/gate/timeline", **minute())["segments"][-1]["end"])
    )
    body = {"cameras": ["gate"], **span, "by": "guard-1", "reason": "theft"}
    plain, marked = (running.export(tmp_path / f"{n}.zip", **body, watermark=text) for n, text in enumerate(("", mark)))
    assert verify(marked, running.get("/signing-key")["public_key"]) == []
    with zipfile.ZipFile(plain) as one, zipfile.ZipFile(marked) as two:
        assert json.loads(two.read("manifest.json"))["watermark"] == mark
        assert json.loads(one.read("manifest.json"))["watermark"] is None
        assert clocks(one.read("gate-1.mp4")) == clocks(two.read("gate-1.mp4"))
        pictures = [first_picture(each.read("gate-1.mp4")) for each in (one, two)]
    corner = [picture[16 * 640 + 400 : 16 * 640 + 620] for picture in pictures]
    assert corner[0] != corner[1]


def first_picture(film: bytes) -> bytes:
    """The luma of a film's first picture."""
    argv = ["ffmpeg", "-v", "error", "-i", "pipe:0", "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"]
    return subprocess.run(argv, input=film, capture_output=True, check=True).stdout


def test_a_strip_shows_small_stills_of_what_is_recorded(running: RecorderProcess) -> None:
    recorded = running.timeline("gate")["recorded"]
    begin, end = (datetime.fromisoformat(recorded[n][key]) for n, key in ((0, "start"), (-1, "end")))
    span = {"from": (begin - (end - begin)).isoformat(), "to": end.isoformat()}  # the first half is not recorded
    told = running.get("/cameras/gate/strip", **span, count=8, width=320)
    assert 2 <= len(told) <= 4
    for each in told:
        jpeg, at = base64.b64decode(each["jpeg"]), datetime.fromisoformat(each["at"])
        assert begin <= at < end
        assert abs(clocks(resized(jpeg))[0] / 1000 - at.timestamp()) < 1


def resized(jpeg: bytes) -> bytes:
    argv = ["ffmpeg", "-v", "error", "-i", "pipe:0", "-vf", "scale=640:360", "-f", "mjpeg", "-q:v", "2", "pipe:1"]
    return subprocess.run(argv, input=jpeg, capture_output=True, check=True).stdout


def test_what_cannot_be_taken_is_refused_with_its_reason(running: RecorderProcess) -> None:
    old = {"from": "2020-01-01T00:00:00Z", "to": "2020-01-01T00:01:00Z"}
    assert running.http.get("/cameras/gate/clip", params=old).status_code == 404
    assert running.http.get("/cameras/gate/clip", params={**old, "to": "2020-01-02T00:00:00Z"}).status_code == 422
    body = {"cameras": ["nobody"], **old, "by": "x", "reason": "y"}
    assert running.http.post("/clips", json=body).status_code == 404
    assert running.http.post("/clips", json={**body, "cameras": ["gate"]}).status_code == 404
    assert running.http.post("/clips", json={**body, "reason": ""}).status_code == 422
    assert running.http.get("/clips/none").status_code == 404
    assert running.http.get("/clips/none/file").status_code == 404


def test_the_length_of_a_file_is_told_without_the_file(running: RecorderProcess) -> None:
    path = f"/cameras/gate/media/{running.timeline('gate')['segments'][0]['id']}.mp4"
    head, whole = running.http.head(path), running.http.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert running.http.get(path, headers={"Range": "bytes=0-" + "9" * 5000}).content == whole.content

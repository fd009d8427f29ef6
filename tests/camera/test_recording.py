"""What the recorder records of a real RTSP camera."""

import sqlite3
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from camera.check import check
from tests.camera.site import CameraSite, RecorderProcess, clocks, eventually, packets, wired

Record = Callable[..., RecorderProcess]


def reference(url: str, path: Path) -> "subprocess.Popen[bytes]":
    """Bare ffmpeg beside the recorder: the same packets, for comparison."""
    argv = ["ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-i", url, "-c", "copy", "-y", str(path)]
    return subprocess.Popen(argv)


def test_two_cameras_are_recorded_without_a_lost_frame_and_play(
    rtsp: CameraSite, record: Record, tmp_path: Path
) -> None:
    recorder = record(wired("gate", rtsp.url("/gate")), wired("garage", rtsp.url("/garage")))
    eventually(lambda: [each["state"] for each in recorder.get("/cameras")] == ["recording", "recording"])
    beside = reference(rtsp.url("/gate"), tmp_path / "reference.mkv")
    eventually(lambda: recorder.recorded("gate", 4) and recorder.recorded("garage", 4))
    beside.terminate()
    beside.wait()
    assert recorder.end() == 0
    assert check(recorder.dir) == []
    for camera in ("gate", "garage"):
        files = sorted(recorder.dir.glob(f"{camera}/*/*/*.mp4"))
        seen = [clocks(path) for path in files]
        assert [len(packets(path)) for path in files] == [len(each) for each in seen], "a packet does not decode"
        if camera == "gate":
            sent = clocks(tmp_path / "reference.mkv")
            kept = [ms for each in seen for ms in each]
            assert set(sent) <= set(kept), "a frame is missing"
            assert len(sent) > 48
            assert len(kept) == len(set(kept)), "a frame is there twice"


def test_a_segment_starts_when_the_camera_says_it_did(rtsp: CameraSite, record: Record) -> None:
    recorder = record(wired("gate", rtsp.url("/gate")))
    eventually(lambda: recorder.recorded("gate", 3))
    errors_ms = []
    for row in recorder.timeline("gate")["segments"]:
        answer = recorder.http.get(f"/cameras/gate/media/{row['id']}")
        errors_ms.append(abs(clocks(answer.content)[0] - unix_ms(row["start"])))
    assert min(errors_ms) < 100
    assert max(errors_ms) < 500


def test_hevc_is_recorded_with_the_tag_that_browsers_ask_for(record: Record) -> None:
    site = CameraSite("/gate", codec="h265")
    recorder = record(wired("gate", site.url("/gate")))
    try:
        eventually(lambda: recorder.recorded("gate", 2), 25)
        files = sorted(recorder.dir.glob("gate/*/*/*.mp4"))
        assert all(b"hvc1" in path.read_bytes()[:1000] for path in files), "from the first file on"
        assert len({path.stem[:23] for path in files}) == 1, "of one connection"
        assert len(clocks(files[-1])) > 5
    finally:
        recorder.close()
        site.kill()


@pytest.mark.parametrize("sound", ["aac", "alaw"])
def test_sound_is_recorded_beside_the_pictures_copied_or_coded_as_mp4_can_hold(
    record: Record, sound: str, tmp_path: Path
) -> None:
    site = CameraSite("/gate", sound=sound)
    recorder = record(wired("gate", site.url("/gate"), audio=True))
    try:
        began = datetime.now(UTC)
        eventually(lambda: recorder.recorded("gate", 3), 30)
        (*_, newest) = recorder.timeline("gate")["segments"][:-1]
        path = tmp_path / "newest.mp4"
        path.write_bytes(recorder.http.get(f"/cameras/gate/media/{newest['id']}").content)
        heard_s = sum(float(each["duration_time"]) for each in packets(path, "a:0"))
        seen_s = sum(float(each["duration_time"]) for each in packets(path))
        assert abs(heard_s - seen_s) < 0.8
        span = {"from": began.isoformat(), "to": datetime.now(UTC).isoformat()}
        clip = tmp_path / "clip.mp4"
        clip.write_bytes(recorder.http.get("/cameras/gate/clip", params=span).content)
        assert len(clocks(clip)) == len(packets(clip))
        times = [float(each["pts_time"]) for each in packets(clip, "a:0")]
        assert times == sorted(times)
        assert abs(times[-1] - float(packets(clip)[-1]["pts_time"])) < 0.5, "sound keeps step with the pictures"
        assert recorder.end() == 0
        assert check(recorder.dir) == []
        inits = sqlite3.connect(recorder.dir / "index.db").execute("select mime from init").fetchall()
        assert [mime for (mime,) in inits if "mp4a.40.2" in mime]
    finally:
        site.kill()


def test_sound_is_not_recorded_unless_asked_for(record: Record) -> None:
    site = CameraSite("/gate", sound="aac")
    recorder = record(wired("gate", site.url("/gate")))
    try:
        eventually(lambda: recorder.recorded("gate", 1))
        assert packets(next(iter(recorder.dir.glob("gate/*/*/*.mp4"))), "a:0") == []
    finally:
        recorder.close()
        site.kill()


def unix_ms(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp() * 1000

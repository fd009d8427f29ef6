"""What the recorder records of a real RTSP camera."""

from collections.abc import Callable
from itertools import pairwise

from camera.check import check
from tests.camera.site import CameraSite, RecorderProcess, clocks, eventually, packets, wired

Record = Callable[..., RecorderProcess]


def test_two_cameras_are_recorded_without_a_lost_frame_and_play(rtsp: CameraSite, record: Record) -> None:
    recorder = record(wired("gate", rtsp.url("/gate")), wired("garage", rtsp.url("/garage")))
    eventually(lambda: recorder.recorded("gate", 4) and recorder.recorded("garage", 4))
    assert [each["state"] for each in recorder.get("/cameras")] == ["recording", "recording"]
    assert recorder.end() == 0
    for camera in ("gate", "garage"):
        files = sorted(recorder.dir.glob(f"{camera}/*/*/*.mp4"))
        seen = [clocks(path) for path in files]
        assert [len(packets(path)) for path in files] == [len(each) for each in seen]
        steps = [b - a for a, b in pairwise(ms for each in seen for ms in each)]
        assert max(steps) < 2 * 1000 / 12, "a frame is missing"
    assert check(recorder.dir) == []

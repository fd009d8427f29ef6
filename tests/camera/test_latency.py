"""The recorder's answers do not lie about in the machine's buffers."""

import statistics
import time
from collections.abc import Callable

from tests.camera.site import RecorderProcess, wired

DELAYED_ACK_S = 0.04  # what Linux waits with an acknowledgement, and Nagle's algorithm with the rest of an answer


def test_an_answer_waits_for_no_acknowledgement(record: Callable[..., RecorderProcess]) -> None:
    recorder = record(wired("gate", "rtsp://127.0.0.1:1/gate"))
    took = []
    for _ in range(21):
        started = time.monotonic()
        recorder.get("/status")
        took.append(time.monotonic() - started)
    assert statistics.median(took) < DELAYED_ACK_S / 2

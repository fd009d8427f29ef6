"""The clocks behind a recording's times: a camera's drift and offset, this machine's slew, and where they stand."""

import random
import sqlite3
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from camera.anchor import Anchor
from camera.clocks import CameraClock, HostClock
from camera.segment import US
from tests.camera.site import CameraSite, RecorderProcess, eventually, wired

DAY_US = 86_400 * US


@given(st.floats(-200, 200), st.integers())
def test_the_drift_of_a_cameras_clock_is_seen_through_late_arrivals(ppm: float, seed: int) -> None:
    chance = random.Random(seed)
    clock = CameraClock()
    for second in range(0, 3600, 2):
        late_us = 0 if second % 60 < 4 else chance.randrange(0, 300_000)
        stream_us = round(second * US * (1 + ppm / 1e6))
        clock.arrived(second * US + 40_000 + late_us, stream_us)
    assert clock.ppm is not None
    assert abs(clock.ppm - ppm) < 2


def test_five_minutes_must_pass_before_a_drift_is_told() -> None:
    clock = CameraClock()
    for second in range(299):
        clock.arrived(second * US, second * US)
    assert clock.ppm is None


def test_a_clock_that_the_camera_tells_is_told_from_our_own_that_stands_in() -> None:
    anchor = Anchor()
    anchor.observe(1000 * US, 0)
    told, jittering, silent = CameraClock(), CameraClock(), CameraClock()
    for n in range(8):
        told.told(1003 * US + n * 250_000, n * 250_000)
        jittering.told(1000 * US + n * 250_000 + n % 3 * 4000, n * 250_000)
    assert told.offset_us(anchor.at_us) == 3 * US
    assert jittering.offset_us(anchor.at_us) is None
    assert silent.offset_us(anchor.at_us) is None
    assert told.offset_us(None) is None


def test_a_camera_that_lives_in_1970_is_told_by_its_offset() -> None:
    anchor, clock = Anchor(), CameraClock()
    anchor.observe(1_795_000_000 * US, 0)
    for n in range(8):
        clock.told(n * 250_000, n * 250_000)
    assert clock.offset_us(anchor.at_us) == -1_795_000_000 * US


def test_this_machines_clock_is_near_its_own_oscillator_and_says_how_sure_it_is() -> None:
    clock = HostClock()
    eventually(lambda: clock.slewed_ppm(least_s=0.2) is not None, 5)
    assert abs(clock.slewed_ppm(least_s=0.2) or 0) < 5000
    error_us = clock.error_us()
    assert error_us is None or 0 <= error_us < DAY_US
    assert clock.stepped_s() < 0.5


def test_the_clock_that_a_camera_tells_by_rtcp_is_recorded_with_its_run(
    rtsp: CameraSite, record: Callable[..., RecorderProcess]
) -> None:
    recorder = record(wired("gate", rtsp.url("/gate")))

    def offsets() -> list[int]:
        rows = sqlite3.connect(recorder.dir / "index.db")
        try:
            return [
                row[0] for row in rows.execute("select camera_offset_us from run where camera_offset_us is not null")
            ]
        finally:
            rows.close()

    eventually(offsets, 40)
    assert abs(offsets()[-1]) < US, "simulator and recorder share one clock"
    assert recorder.get("/cameras")[0]["clocks"]["camera_offset_ms"] is not None

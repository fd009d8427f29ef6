"""The clocks behind a recording's times: this machine's, and the camera's beside it."""

import ctypes
import struct
import time
from collections import deque
from dataclasses import dataclass
from statistics import linear_regression

from camera.segment import DAY_US, US

MINUTE_US = 60 * US
CLOCK_RIGHT_US = 1_704_067_200 * US  # 2024: a clock that says less was never set, as of a machine without a battery
LEAST_MINUTES = 5  # of floors; fewer say nothing of a drift
TOLD, TOLD_WITHIN_US = 8, 1000  # a clock that the camera tells runs with its stream; ours, as a stand-in, jitters
TIME_ERROR = 5  # ntp_adjtime(3): the clock is not synchronised

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Clocks:
    """What was measured of a run's clocks; None where it is not known.

    `camera_ppm`: how much faster than this machine's the camera's stream clock ran. `camera_offset_us`: how far ahead
    of this machine's the wall clock was that the camera tells by RTCP; it holds the way of the pictures, some 50 ms.
    `host_ppm`: how much this machine's clock was slewed. `host_error_us`: how wrong it was at most, says its kernel.
    """

    camera_ppm: float | None = None
    camera_offset_us: int | None = None
    host_ppm: float | None = None
    host_error_us: int | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of a run by now: the wall time of its stream time zero, and its clocks."""

    anchor_us: int | None
    clocks: Clocks = Clocks()


class HostClock:
    """Wall time that never steps: read once, then carried on by the monotonic clock."""

    def __init__(self) -> None:
        self._zero_s = time.time() - time.monotonic()
        self._began = _raw_and_monotonic_ns()

    def now_us(self) -> int:
        """Return Unix microseconds."""
        return int((self._zero_s + time.monotonic()) * US)

    def at_us(self, wall_ns: int) -> int:
        """Return the time of a moment that the system's clock told as `wall_ns` a little ago."""
        return self.now_us() - max(0, time.time_ns() - wall_ns) // 1000

    def stepped_s(self) -> float:
        """Return how far the host's clock was moved since, in s."""
        return abs(time.time() - time.monotonic() - self._zero_s)

    def slewed_ppm(self, least_s: float = 60.0) -> float | None:
        """Return how much the monotonic clock was slewed against the bare oscillator; None before `least_s`."""
        (raw, monotonic), (raw_before, monotonic_before) = _raw_and_monotonic_ns(), self._began
        elapsed = raw - raw_before
        if elapsed < least_s * 1e9:
            return None
        return round((monotonic - monotonic_before - elapsed) / elapsed * 1e6, 2)

    @staticmethod
    def error_us() -> int | None:
        """Return how wrong the clock is at most, says its kernel; None when it is not synchronised."""
        timex = ctypes.create_string_buffer(512)  # struct timex has 208 bytes; all zero means "change nothing"
        if not 0 <= _libc.ntp_adjtime(timex) < TIME_ERROR:
            return None
        return int(struct.unpack_from("@Illl", timex)[3])  # modes, offset, freq, maxerror


class Almanac:
    """What time it is for what goes by age. A clock that leaps ahead by more than a day is believed after a day.

    Until then time goes on from what was believed before, by the monotonic clock; a step back is believed at once.
    """

    def __init__(self) -> None:
        self.doubts = False
        self._zero_us: int | None = None  # wall time of the monotonic clock's zero, as believed
        self._leapt: tuple[int, int] = 0, 0  # what the clock says instead, and since when by the monotonic one

    def known(self, past_us: int, monotonic_us: int) -> None:
        """Learn of a moment that it has been."""
        self._zero_us = past_us - monotonic_us

    def now_us(self, wall_us: int, monotonic_us: int) -> int:
        """Return the time that may be believed."""
        zero_us = wall_us - monotonic_us
        if wall_us >= CLOCK_RIGHT_US and self._right(zero_us, monotonic_us):
            self._zero_us, self.doubts = zero_us, False
        return wall_us if self._zero_us is None else self._zero_us + monotonic_us

    def _right(self, zero_us: int, monotonic_us: int) -> bool:
        if self._zero_us is None or zero_us - self._zero_us <= DAY_US:
            return True
        leapt_us, since_us = self._leapt
        if self.doubts and abs(zero_us - leapt_us) < MINUTE_US:
            return monotonic_us - since_us >= DAY_US
        self.doubts, self._leapt = True, (zero_us, monotonic_us)
        return False


class CameraClock:
    """The camera's clock against this machine's, from arrivals and from what the camera tells."""

    def __init__(self) -> None:
        self._floors: deque[tuple[int, int]] = deque(
            maxlen=1440
        )  # a day: (minute of the stream, least arrival - stream)
        self._told: deque[int] = deque(maxlen=TOLD)

    def arrived(self, arrived_us: int, stream_us: int) -> None:
        """Learn that what ends at `stream_us` was here at `arrived_us`; only the least delayed of a minute counts."""
        minute, floor = stream_us // MINUTE_US, arrived_us - stream_us
        if self._floors and self._floors[-1][0] == minute:
            floor = min(floor, self._floors.pop()[1])
        self._floors.append((minute, floor))

    def told(self, wall_us: int, stream_us: int) -> None:
        """Learn the sender's wall time of a moment of the stream."""
        self._told.append(wall_us - stream_us)

    @property
    def ppm(self) -> float | None:
        """Return how much faster than this machine's the stream's clock runs: its arrivals come earlier and earlier."""
        whole = list(self._floors)[:-1]  # the last minute is not over
        if len(whole) < LEAST_MINUTES:
            return None
        slope = linear_regression([minute for minute, _ in whole], [floor for _, floor in whole]).slope
        return round(-slope / 60, 2)

    def offset_us(self, anchor_us: int | None) -> int | None:
        """Return how far ahead the camera's wall clock is; None when it tells none."""
        if anchor_us is None or len(self._told) < TOLD or max(self._told) - min(self._told) > TOLD_WITHIN_US:
            return None
        return self._told[-1] - anchor_us


def measured(host: HostClock, camera: CameraClock, anchor_us: int | None) -> Measured:
    """Return what is known by now."""
    return Measured(anchor_us, Clocks(camera.ppm, camera.offset_us(anchor_us), host.slewed_ppm(), host.error_us()))


def _raw_and_monotonic_ns() -> tuple[int, int]:
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW), time.monotonic_ns()

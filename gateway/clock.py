"""The time that doors are decided by: the machine's clock, as long as it can be believed.

A clock that was set back would make old codes fresh again. So time never runs below the highest time that was ever
recorded (the high-water time): while it would, and the kernel does not call its clock synchronised, decisions use the
high-water time, carried on by the monotonic clock.
"""

import ctypes
import time
from collections.abc import Callable

TOLERANCE_S = 1.0
LEAP_S = 7 * 86_400.0  # a gateway may have been off for as long; what is forgotten a week early does no harm
RECHECK_S = 10.0
TIME_ERROR = 5  # ntp_adjtime(3): the clock is not synchronised

_libc = ctypes.CDLL(None, use_errno=True)


def kernel_synced() -> bool:
    """Whether the kernel calls its clock synchronised (ntp_adjtime(3), reading alone)."""
    timex = ctypes.create_string_buffer(512)  # struct timex has 208 bytes; all zero means "change nothing"
    state = _libc.ntp_adjtime(timex)
    return bool(0 <= state < TIME_ERROR)


class Clock:
    """Trusted time. `wall`, `mono` and `synced` are given for tests."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        mono: Callable[[], float] = time.monotonic,
        synced: Callable[[], bool] = kernel_synced,
    ) -> None:
        self.mono = mono
        self._wall, self._synced = wall, synced
        self._anchor = (0.0, mono())  # the least time at a monotonic moment
        self._stepped = self._leapt = False
        self._checked = (-RECHECK_S, False)

    def floor(self, high_water: float) -> None:
        """Time is never below this from now on."""
        self._anchor = (max(high_water, self._anchor[0]), self.mono())

    def now(self) -> float:
        """Unix seconds."""
        wall, mono = self._wall(), self.mono()
        least = self._anchor[0] + mono - self._anchor[1]
        self._stepped = wall < least - TOLERANCE_S and not self._synced()
        if self._stepped:
            return least
        self._leapt |= self._anchor[0] > 0 and wall > least + LEAP_S
        self._anchor = (wall, mono)
        return wall

    def at(self, mono_s: float) -> float:
        """The trusted time of a monotonic moment, Unix seconds."""
        return self.now() - (self.mono() - mono_s)

    def quality(self) -> str:
        """What it is worth.

        "synced", "free" (no time source), "stepped" (set back: the high-water time stands in) or "leapt" (set ahead,
        with no time source to say that this is right).
        """
        if self._stepped:
            return "stepped"
        mono = self.mono()
        if mono - self._checked[0] >= RECHECK_S:
            self._checked = (mono, self._synced())
        self._leapt &= not self._checked[1]
        return "synced" if self._checked[1] else "leapt" if self._leapt else "free"

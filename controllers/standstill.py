"""A process that stood still (frozen, suspended, starved): what lies in its buffers when it wakes is old.

The kernel keeps what came meanwhile, and nobody can tell it from what comes now. So a driver whose loop missed its
turns gives up its link; it is started again, and treats what waited as after any break: stale or gone, never granted.
"""

import time
from collections.abc import Callable

from controllers.errors import LinkLost

LONGEST_S = 2.0  # from read to lock (GB 50396-2007 5.1.2): what is older opens nothing anyhow


def _awake() -> float:
    """Seconds that go on while the machine sleeps, unlike `time.monotonic`."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Standstill:
    """Watches the turns of one driver's loop."""

    def __init__(self, longest_s: float = LONGEST_S, now: Callable[[], float] = _awake) -> None:
        self._longest_s, self._now = longest_s, now
        self._at = now()

    def turn(self) -> None:
        """Call after each wait, before anything is read. Raises `LinkLost` when the last turn is too long ago."""
        now = self._now()
        gap_s, self._at = now - self._at, now
        if gap_s > self._longest_s:
            raise LinkLost(f"stood still for {gap_s:.1f} s")

"""How long the recorder waits for what, in seconds; and when it tries again."""

from collections.abc import Callable
from dataclasses import dataclass

from camera.states import SLOW, State

AT_ONCE = frozenset({State.CLOCK_STEPPED, State.CODEC_CHANGED, State.DISK_CHANGED, State.NOT_SCHEDULED})


@dataclass(frozen=True, slots=True)
class Patience:
    """The recorder's waiting times."""

    connect_s: float = 10.0  # from the start of ffmpeg to its first byte on disk
    silent_s: float = 4.0  # without a byte, while recording
    poll_s: float = 1.0  # between two looks at the growing file; ffmpeg's end is heard at once,
    calm_s: float = 3.0  # and while it has recorded steadily: a look costs half a millisecond
    stop_s: float = 1.5  # between SIGINT and SIGKILL
    steady_s: float = 10.0  # of footage, after which the next fault counts as the first
    shortest_s: float = 0.5
    longest_s: float = 30.0
    slow_s: float = 60.0  # after a refused password: a fast loop locks the camera's account
    clock_step_s: float = 1.0  # a larger step of the host's clock begins a new run

    def retry_s(self, failures: int, fault: State, chance: Callable[[], float]) -> float:
        """Return the wait before attempt `failures` + 1; `chance` in [0, 1) spreads cameras that failed together."""
        if fault in SLOW:
            return self.slow_s * (0.75 + chance() / 4)
        if fault in AT_ONCE or failures <= 1:  # after steady footage each lost tenth of a second counts
            return 0.0
        full_s = min(self.longest_s, self.shortest_s * (1 << min(failures - 2, 16)))
        return full_s * (0.5 + chance() / 2)

"""How good the line to one OSDP device is: what was sent, what came back, what had to be said again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Counts since the driver was made, or since they were copied (`since`)."""

    sent: int = 0  # frames to the device, repeats among them
    answered: int = 0  # sound answers that fitted
    repeated: int = 0  # frames sent again
    silent: int = 0  # frames without a sound answer in time
    refused: int = 0  # NAK
    busy: int = 0  # BUSY
    sessions: int = 0  # secure channels opened
    noise_bytes: int = 0  # bytes in its turns that belonged to no sound answer
    slowest_s: float = 0.0  # from our last bit to its first byte, the worst

    @property
    def error_rate(self) -> float:
        """The share of frames that got no sound answer, 0 to 1."""
        return self.silent / self.sent if self.sent else 0.0

    @property
    def verdict(self) -> str:
        """The line's quality in a word, for a technician."""
        if not self.answered:
            return "dead"
        if self.error_rate == 0:
            return "good"
        return "fair" if self.error_rate < FAIR else "bad"

    def since(self, earlier: "Counters") -> "Counters":
        """What was counted after `earlier` was copied. The worst answer time stays the worst of all."""
        return Counters(
            self.sent - earlier.sent,
            self.answered - earlier.answered,
            self.repeated - earlier.repeated,
            self.silent - earlier.silent,
            self.refused - earlier.refused,
            self.busy - earlier.busy,
            self.sessions - earlier.sessions,
            self.noise_bytes - earlier.noise_bytes,
            self.slowest_s,
        )


FAIR = 0.01  # up to one frame in a hundred is said again


def measure(
    counters: Callable[[], Mapping[str, Counters]],
    pause: Callable[[float], object],
    seconds: float = 10.0,
) -> dict[str, Counters]:
    """A line-quality test: what the traffic of so many seconds tells of each device. The driver runs meanwhile.

    `counters` is the driver's method; `pause` waits (`time.sleep`, or an event's `wait`). A busy line sends some
    hundreds of frames a second, so that ten seconds tell of one lost frame in a thousand.
    """
    earlier = counters()
    pause(seconds)
    return {name: now.since(earlier[name]) for name, now in counters().items()}

"""When stream time zero was: anchored by the least delayed arrival in the run."""

from dataclasses import dataclass

SLEW = 500e-6  # the fastest that a camera's slow clock may pull the anchor later; crystals are within 100e-6


@dataclass(slots=True)
class Anchor:
    """Wall time of stream time zero, in Unix microseconds.

    Nothing arrives early, so of all observations (arrival - stream time) the smallest is the best: delays of the
    network, of the disk and of this process only ever add. A camera whose clock runs slow makes the true value rise;
    the anchor follows, but never faster than `SLEW`, so that a delayed arrival moves it by microseconds.
    """

    at_us: int | None = None
    seen_us: int = 0

    def observe(self, arrived_us: int, stream_us: int) -> None:
        """Learn that what ends at `stream_us` was here at `arrived_us`."""
        candidate = arrived_us - stream_us
        if self.at_us is None:
            self.at_us, self.seen_us = candidate, stream_us
            return
        risen = self.at_us + int(max(0, stream_us - self.seen_us) * SLEW)
        self.at_us, self.seen_us = min(risen, candidate), max(self.seen_us, stream_us)

    def wall_us(self, stream_us: int) -> int | None:
        """Return the wall time of a stream time, or None before the first arrival."""
        return None if self.at_us is None else self.at_us + stream_us

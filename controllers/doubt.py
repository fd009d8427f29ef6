"""A wire that broke a frame before our eyes breaks others unseen: one byte's sum misses some faults, digits have none.

So after a broken piece a read counts only when the next whole frame says the same; the person holds the card there once
more. On a quiet wire nobody notices.
"""

DOUBT_S = 10.0  # after the last broken piece
AGAIN_S = 3.0  # the two frames are not further apart


class Doubt:
    """Whether a read on this wire counts."""

    def __init__(self, doubt_s: float = DOUBT_S, again_s: float = AGAIN_S) -> None:
        self.withheld = 0  # reads that did not count
        self._doubt_s, self._again_s = doubt_s, again_s
        self._broken_s = float("-inf")
        self._last: object = None
        self._last_s = float("-inf")

    def broken(self, now_s: float) -> None:
        """A broken piece came at monotonic `now_s`."""
        self._broken_s = now_s

    def counts(self, read: object, now_s: float) -> bool:
        """Whether to believe a read that came at monotonic `now_s`."""
        if now_s - self._broken_s > self._doubt_s:
            return True
        again = self._last == read and now_s - self._last_s <= self._again_s
        self._last, self._last_s = None if again else read, now_s
        self.withheld += not again
        return again

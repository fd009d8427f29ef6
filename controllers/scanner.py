"""The line protocol of serial scanners, sans-IO: printable ASCII ended by CR and/or LF, 9600 8N1 unless set otherwise.

A line that is torn (a pause inside it), too long or not printable is dropped whole, up to its end.
"""

from collections.abc import Iterator

MAX_CHARS = 512
GAP_S = 0.2
_PRINTABLE = range(0x20, 0x7F)
_ENDS = b"\r\n"


class LineDecoder:
    """Bytes to lines. Holds at most `max_chars`; `dropped` counts the lines that were not sound."""

    def __init__(self, max_chars: int = MAX_CHARS, gap_s: float = GAP_S) -> None:
        self.dropped = 0
        self._max, self._gap_s = max_chars, gap_s
        self._line = bytearray()
        self._bad = False
        self._last_at = 0.0

    def feed(self, data: bytes, now: float) -> Iterator[str]:
        """Take bytes that came at `now` (monotonic seconds), give the whole lines in them."""
        if (self._line or self._bad) and now - self._last_at > self._gap_s:
            self._drop()
        self._last_at = now
        for byte in data:
            if byte in _ENDS:
                if self._bad:
                    self._drop()
                elif self._line:
                    yield self._line.decode("ascii")
                self._line.clear()
            elif self._bad or byte not in _PRINTABLE or len(self._line) >= self._max:
                self._bad = True
                self._line.clear()
            else:
                self._line.append(byte)

    def _drop(self) -> None:
        self.dropped += 1
        self._bad = False
        self._line.clear()

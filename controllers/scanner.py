"""The line protocol of serial scanners, sans-IO: printable ASCII ended by CR and/or LF, 9600 8N1 unless set otherwise.

A line that is torn (a pause inside it), too long or not printable is dropped whole, up to its end. Readers of number
plates begin theirs with a Chinese letter, in UTF-8 or GB 18030 as their makers please.
"""

import re
from collections.abc import Iterator

MAX_CHARS = 512
GAP_S = 0.2
_PRINTABLE = range(0x20, 0x7F)
_ENDS = b"\r\n"
_PLATE_TEXT = re.compile(r"[ -~·•\u4e00-\u9fff\uff01-\uff5e]+")


class LineDecoder:
    """Bytes to lines. Holds at most `max_chars` bytes; `dropped` counts the lines that were not sound."""

    def __init__(self, max_chars: int = MAX_CHARS, gap_s: float = GAP_S, *, plates: bool = False) -> None:
        self.dropped = 0
        self._plates = plates
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
                    yield from self._text()
                self._line.clear()
            elif self._bad or not self._sound(byte) or len(self._line) >= self._max:
                self._bad = True
                self._line.clear()
            else:
                self._line.append(byte)

    def _sound(self, byte: int) -> bool:
        return byte in _PRINTABLE or (self._plates and byte >= 0x80)

    def _text(self) -> Iterator[str]:
        """The line's text in the first coding that makes sense of it: two bytes of GB 18030 may be UTF-8 by chance."""
        for coding in ("utf-8", "gb18030") if self._plates else ("ascii",):
            text = self._line.decode(coding, "replace")
            if not self._plates or _PLATE_TEXT.fullmatch(text):
                yield text
                return
        self._drop()

    def _drop(self) -> None:
        self.dropped += 1
        self._bad = False
        self._line.clear()

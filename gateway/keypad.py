"""PINs at keypads: keys come one by one or together, and '#' ends an entry.

Whether an entry stands alone, or is the second factor of a card that waits for it, is decided in `reads.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from controllers.driver import KeyRead, Seen

LONGEST = 16  # more keys than any PIN has: such an entry is in no table
PAUSE_S = 10.0  # who waits longer between two keys has gone


@dataclass(frozen=True, slots=True)
class PinEntry:
    """Digits that somebody typed. They are a secret: kept out of logs and events."""

    reader: str
    digits: str = field(repr=False)
    seen: Seen


@dataclass(slots=True)
class _Typed:
    digits: str = ""
    last_s: float = 0.0


class Keypads:
    """What is being typed, by reader. One thread."""

    def __init__(self, pause_s: float = PAUSE_S) -> None:
        self._pause_s = pause_s
        self._typed: dict[str, _Typed] = {}

    def entries(self, read: KeyRead) -> Iterator[PinEntry]:
        """The entries that these keys complete. '*' begins anew; what waited in a device never joins what is new."""
        typed = self._typed.setdefault(read.reader, _Typed())
        if read.seen.stale or read.seen.mono_s - typed.last_s > self._pause_s:
            typed.digits = ""
        typed.last_s = read.seen.mono_s
        for key in read.keys:
            if key == "#" and typed.digits:
                yield PinEntry(read.reader, typed.digits, read.seen)
            typed.digits = (typed.digits + key)[:LONGEST] if key in "0123456789" else ""
        if read.seen.stale:
            typed.digits = ""

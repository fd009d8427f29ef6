"""What a reader did lately: repeats, refusals in a row, and how fast it may go on."""

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum

REMEMBERED = 32  # presentations that a reader remembers
STILL_S = 1.5  # a text that is seen again within this was never taken away; a card is read once, and shown again


class Admission(Enum):
    """What to do with a read."""

    DECIDE = "decide"
    REPEAT = "repeat"  # the same presentation still: nothing happens
    THROTTLED = "throttled"  # refused unseen


@dataclass(frozen=True, slots=True)
class ReaderLimits:
    """How readers are held back. GB 50396-2007 5.1.5: an alarm after at most five wrong tries in a row."""

    repeat_text_s: float = 5.0  # a scanner reads a code ten times a second
    repeat_card_s: float = 1.0
    per_s: float = 20.0  # reads that are decided
    alarm_after: int = 5
    slow_s: float = 2.0  # least time between two decided reads of an alarmed reader
    calm_s: float = 60.0  # without a refusal for so long, the reader is as before


@dataclass(slots=True)
class ReaderWatch:
    """One reader. Times are monotonic seconds."""

    limits: ReaderLimits = ReaderLimits()
    refused_in_row: int = 0
    suppressed: int = 0  # throttled reads since the last one that was written down
    _seen: OrderedDict[object, tuple[float, float]] = field(default_factory=OrderedDict)  # decided, last there
    _refused_at: float = 0.0
    _decided_at: float = float("-inf")
    _told_at: float = float("-inf")
    _tokens: float = 0.0
    _filled_at: float = float("-inf")

    @property
    def slowed(self) -> bool:
        """Whether so many reads in a row were refused that the reader is held back."""
        return self.refused_in_row >= self.limits.alarm_after

    def admit(self, identity: object, repeat_s: float, at: float, *, awaited: bool = False) -> Admission:
        """What to do with a read of this identity; `awaited` is what the reader asked for: the second half of a try."""
        decided_at, there_at = self._seen.get(identity, (float("-inf"),) * 2)
        if at - decided_at < repeat_s or (repeat_s > STILL_S and at - there_at < STILL_S):
            self._seen[identity] = decided_at, at
            return Admission.REPEAT
        if self.slowed and at - self._refused_at >= self.limits.calm_s:
            self.refused_in_row = 0
        slow = self.slowed and not awaited and at - self._decided_at < self.limits.slow_s
        if not self._has_token(at) or slow:
            self.suppressed += 1
            return Admission.THROTTLED
        self._decided_at = at
        self._seen[identity] = at, at
        self._seen.move_to_end(identity)
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return Admission.DECIDE

    def granted(self) -> None:
        """A read was granted: the row of refusals ends."""
        self.refused_in_row = 0

    def refused(self, at: float) -> bool:
        """A read was refused. True when that is an alarm: at the fifth in a row, and each fifth after it."""
        self.refused_in_row += 1
        self._refused_at = at
        return self.refused_in_row % self.limits.alarm_after == 0

    def tell_throttled(self, at: float) -> int:
        """How many throttled reads to write down now, in one event; 0 for not yet."""
        if at - self._told_at < 1.0:
            return 0
        self._told_at = at
        count, self.suppressed = self.suppressed, 0
        return count

    def _has_token(self, at: float) -> bool:
        """A bucket of one second's reads."""
        self._tokens = min(self.limits.per_s, self._tokens + (at - self._filled_at) * self.limits.per_s)
        self._filled_at = at
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

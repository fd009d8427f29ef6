"""What a device saw and did, in order: the witness that the checks ask."""

import threading
import time
from collections import deque
from typing import Any

Entry = dict[str, Any]


class Diary:
    """A bounded list of entries {"n", "at", "what", ...}; the oldest go first when it is full."""

    def __init__(self, limit: int = 20_000) -> None:
        self._entries: deque[Entry] = deque(maxlen=limit)
        self._changed = threading.Condition()
        self._last = 0

    def write(self, what: str, **facts: Any) -> None:
        """Add an entry; `at` is Unix seconds."""
        with self._changed:
            self._last += 1
            self._entries.append({"n": self._last, "at": time.time(), "what": what, **facts})
            self._changed.notify_all()

    def since(self, after: int, wait_s: float = 0) -> list[Entry]:
        """Entries with n > after; waits up to `wait_s` for the first."""
        with self._changed:
            self._changed.wait_for(lambda: self._last > after, timeout=wait_s)
            return [entry for entry in self._entries if entry["n"] > after]

    @property
    def last(self) -> int:
        """The number of the newest entry."""
        return self._last

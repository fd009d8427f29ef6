"""A strike, its door and the person who walks through: the mechanics behind a reader or a door controller."""

import threading
import time
from collections.abc import Callable

from simulators.diary import Diary

OPENS_AFTER_S = 0.15  # a hand reaches the door
STANDS_OPEN_S = 0.5  # one person walks through


class Strike:
    """One output that releases a lock, and the contact that sees the door leaf.

    `moved` is called (from a timer's thread) whenever the contact changes. A door opens only while its strike is
    released and somebody waits to walk through; `force` opens it all the same.
    """

    def __init__(self, name: str, diary: Diary, moved: Callable[[], None]) -> None:
        self.released = False
        self.open = False
        self._name = name
        self._diary = diary
        self._moved = moved
        self._walkers = 0
        self._secure_timer: threading.Timer | None = None
        self._lock = threading.RLock()

    def expect(self) -> None:
        """Somebody will walk through at the next release."""
        with self._lock:
            self._walkers = 1

    def forget(self) -> None:
        """Whoever waited has left."""
        with self._lock:
            self._walkers = 0

    def release(self, for_s: float | None) -> None:
        """Energise the output, for a time or until `secure`."""
        with self._lock:
            self._cancel()
            self.released = True
            self._diary.write("output", device=self._name, on=True, for_s=for_s)
            if for_s is not None:
                self._secure_timer = _later(for_s, self.secure)
            if self._walkers:
                self._walkers -= 1
                _later(OPENS_AFTER_S, self._walk)

    def secure(self) -> None:
        """Drop the output."""
        with self._lock:
            self._cancel()
            if self.released:
                self.released = False
                self._diary.write("output", device=self._name, on=False, for_s=None)

    def force(self, is_open: bool) -> None:
        """Move the leaf whatever the strike says."""
        with self._lock:
            self.open = is_open
            self._diary.write("contact", device=self._name, open=is_open)
        self._moved()

    def _walk(self) -> None:
        if self.released:
            self.force(True)
            time.sleep(STANDS_OPEN_S)
            self.force(False)

    def _cancel(self) -> None:
        if self._secure_timer is not None:
            self._secure_timer.cancel()
            self._secure_timer = None


def _later(delay_s: float, action: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(delay_s, action)
    timer.daemon = True
    timer.start()
    return timer

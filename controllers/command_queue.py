"""Commands on their way from any thread to a driver's own: bounded, and each ended exactly once."""

import threading
from collections import deque
from collections.abc import Callable

from controllers.driver import Command, Result, Sink
from controllers.session import Moment, outcome


class CommandQueue:
    """Holds commands until the driver's thread takes them. A closed or full queue expires them at once."""

    def __init__(self, sink: Sink, limit: int = 256) -> None:
        self._sink = sink
        self._limit = limit
        self._lock = threading.Lock()
        self._waiting: deque[Command] = deque()
        self._wake: Callable[[], None] | None = None
        self._epoch = 0

    def open(self, epoch: int, wake: Callable[[], None]) -> None:
        """Take commands from now on; `wake` tells the driver's thread, from any thread, without blocking."""
        with self._lock:
            self._epoch, self._wake = epoch, wake

    def close(self, detail: str = "link lost") -> None:
        """Take no more, and expire what waits."""
        with self._lock:
            self._wake = None
            left = list(self._waiting)
            self._waiting.clear()
        for command in left:
            self._expire(command, detail)

    def put(self, command: Command) -> None:
        """Take a command from any thread."""
        with self._lock:
            wake, full = self._wake, len(self._waiting) >= self._limit
            if wake is not None and not full:
                self._waiting.append(command)
                wake()
                return
        self._expire(command, "too many commands wait" if wake else "link down")

    def take(self) -> Command | None:
        """The next command that is still in time."""
        while True:
            with self._lock:
                if not self._waiting:
                    return None
                command = self._waiting.popleft()
            if Moment.now(self._epoch).mono_s < command.deadline_mono_s:
                return command
            self._expire(command, "past its deadline before it could be sent")

    def _expire(self, command: Command, detail: str) -> None:
        self._sink(outcome(command, Result.EXPIRED, detail, Moment.now(self._epoch)))

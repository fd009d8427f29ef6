"""The way of a command from any thread to the one that serves a link."""

import contextlib
import os
import threading
from collections import deque

from controllers.driver import Command

INBOX_COMMANDS = 256
_READ_BYTES = 4096


class Inbox:
    """Commands from any thread to the one that serves the port; it wakes that thread."""

    def __init__(self, limit: int = INBOX_COMMANDS) -> None:
        self._lock = threading.Lock()
        self._commands: deque[Command] = deque()
        self._limit = limit
        self._open = False
        self.wake_fd, self._wake_end = os.pipe()
        os.set_blocking(self.wake_fd, False)
        os.set_blocking(self._wake_end, False)

    def open(self) -> None:
        """Commands are taken from now on."""
        with self._lock:
            self._open = True

    def put(self, command: Command) -> bool:
        """Take a command; false when nobody serves the port or too many wait."""
        with self._lock:
            if not self._open or len(self._commands) >= self._limit:
                return False
            self._commands.append(command)
        self.wake()
        return True

    def wake(self) -> None:
        """Wake the thread that serves the port."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_end, b"\0")

    def take(self) -> list[Command]:
        """All that waits."""
        if not self._commands:
            return []
        with self._lock:
            taken = list(self._commands)
            self._commands.clear()
        self.rest()
        return taken

    def rest(self) -> None:
        """Sleep again: the wakings until now were heard."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.wake_fd, _READ_BYTES)

    def close(self) -> list[Command]:
        """No command is taken any more; gives what still waits."""
        with self._lock:
            self._open = False
            left = list(self._commands)
            self._commands.clear()
        return left

    def __del__(self) -> None:
        os.close(self.wake_fd)
        os.close(self._wake_end)

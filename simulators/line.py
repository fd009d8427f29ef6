"""A serial line as a pseudo-terminal: Menjin opens the path, the device holds the other end."""

import os
import select
import tty
from pathlib import Path


class Line:
    """One pseudo-terminal whose far end is linked at `path`.

    The far end is also held open here, so that a peer may come and go without an error on this side.
    """

    def __init__(self, path: Path) -> None:
        self._near, self._far = os.openpty()
        tty.setraw(self._near)
        tty.setraw(self._far)
        os.set_blocking(self._near, False)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(os.ttyname(self._far))
        self.path = path

    def read(self, wait_s: float) -> bytes:
        """What the peer sent, or nothing after `wait_s`."""
        readable, _, _ = select.select([self._near], [], [], wait_s)
        return os.read(self._near, 4096) if readable else b""

    def write(self, data: bytes) -> None:
        """Send; bytes that nobody reads are lost when the line is full, as on a wire."""
        try:
            os.write(self._near, data)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Let go of the terminal and its path."""
        self.path.unlink(missing_ok=True)
        os.close(self._near)
        os.close(self._far)

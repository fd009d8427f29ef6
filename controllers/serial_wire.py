"""An open serial port that another thread can wake."""

import contextlib
import os
import select
import socket

import serial

from controllers.errors import BadSetup, LinkLost


class Wire:
    """A port, 8N1 unless told otherwise. What waited in it before is thrown away: nobody knows how old it is."""

    def __init__(self, port: str, baud: int, write_timeout_s: float = 1.0) -> None:
        try:
            self._serial = serial.Serial(port, baud, timeout=0, write_timeout=write_timeout_s, exclusive=True)
            self._serial.reset_input_buffer()
        except ValueError as error:
            raise BadSetup(f"{port}: {error}") from error
        except OSError as error:
            raise LinkLost(f"cannot open {port}: {error}") from error
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)

    def wake(self) -> None:
        """Make `read` return at once, from any thread."""
        with contextlib.suppress(OSError):  # full: it is awake already; closed: nobody reads
            self._waker.send(b"\0")

    def read(self, wait_s: float) -> bytes:
        """What has come, or nothing after `wait_s` or when woken. Raises `LinkLost`."""
        try:
            port, woken = self._serial.fileno(), self._woken.fileno()
            ready, _, _ = select.select([port, woken], [], [], max(0.0, wait_s))
            if woken in ready:
                self._woken.recv(4096)
            if port not in ready:
                return b""
            data = os.read(port, 4096)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise LinkLost(f"{self._serial.port}: {error}") from error
        if not data:
            raise LinkLost(f"{self._serial.port} was unplugged")
        return data

    def write(self, data: bytes) -> None:
        """Send all of it. Raises `LinkLost` when the port does not take it."""
        try:
            self._serial.write(data)
        except OSError as error:
            raise LinkLost(f"{self._serial.port}: {error}") from error

    def close(self) -> None:
        """Let go of the port."""
        for each in (self._serial, self._waker, self._woken):
            with contextlib.suppress(OSError):
                each.close()

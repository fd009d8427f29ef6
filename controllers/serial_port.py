"""Serial ports: opened, read and written without waiting; and the driver of a line scanner."""

import contextlib
import errno
import os
import select
import termios
import threading
import time
from collections.abc import Iterator

import serial

from controllers.driver import (
    Capabilities,
    Command,
    LinkState,
    Outcome,
    Result,
    Seen,
    Sink,
    TextRead,
)  # fmt: skip
from controllers.errors import LinkLost
from controllers.scanner import GAP_S, MAX_CHARS, LineDecoder
from controllers.standstill import Standstill

READ_BYTES = 4096
STOP_LOOK_S = 0.25  # how often a quiet thread looks whether it shall stop
WRITE_S = 1.0  # a port that takes no byte for this long is broken


@contextlib.contextmanager
def open_port(port: str, baud: int) -> Iterator[int]:
    """A port's descriptor, non-blocking and ours alone. Raises `LinkLost` when it cannot be opened.

    What had waited in the port is thrown away (pyserial flushes it): nobody knows how old it is.
    """
    try:
        opened = serial.Serial(port, baud, timeout=0, write_timeout=0, exclusive=True)
    except (serial.SerialException, OSError, ValueError) as error:
        raise LinkLost(f"cannot open {port}: {error}") from error
    try:
        # An FTDI adapter else holds bytes back for 16 ms. Ports that know no such mode refuse it.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            opened.set_low_latency_mode(True)
        yield opened.fileno()
    finally:
        # What is still queued must not go out later, when the cable is back.
        with contextlib.suppress(OSError, termios.error, serial.SerialException):
            opened.reset_output_buffer()
        with contextlib.suppress(OSError, serial.SerialException):
            opened.close()


def read_some(descriptor: int) -> bytes:
    """What has arrived; empty when nothing has. Raises `LinkLost` when the port is gone."""
    try:
        data = os.read(descriptor, READ_BYTES)
    except BlockingIOError:
        return b""
    except OSError as error:
        raise LinkLost(f"port lost: {errno.errorcode.get(error.errno or 0, 'unknown')}") from error
    if not data:
        raise LinkLost("port lost: closed")
    return data


def wait_readable(descriptor: int, seconds: float) -> bool:
    """Whether bytes come within this time."""
    return bool(select.select([descriptor], [], [], max(seconds, 0.0))[0])


def write_all(descriptor: int, data: bytes) -> None:
    """Hand all bytes to the port. Raises `LinkLost` when it takes none for a second."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            if not select.select([], [descriptor], [], WRITE_S)[1]:
                raise LinkLost("port takes no bytes") from None
        except OSError as error:
            raise LinkLost(f"port lost: {errno.errorcode.get(error.errno or 0, 'unknown')}") from error


class ScannerDriver:
    """A serial scanner that ends each text with CR and/or LF; with `plates`, what it reads are number plates."""

    def __init__(
        self,
        name: str,
        port: str,
        baud: int,
        sink: Sink,
        max_chars: int = MAX_CHARS,
        gap_s: float = GAP_S,
        *,
        plates: bool = False,
    ) -> None:
        self.name = name
        self._port, self._baud = port, baud
        self._sink = sink
        self._max_chars, self._gap_s, self._plates = max_chars, gap_s, plates
        self._epoch = 0
        self._link: tuple[bool, str] | None = None

    def devices(self) -> dict[str, Capabilities]:
        """The scanner itself."""
        return {self.name: Capabilities(text=True)}

    def run(self, stop: threading.Event) -> None:
        """Serve the port until `stop` is set. Raises `LinkLost` when it breaks."""
        reason = "driver stopped"
        try:
            with open_port(self._port, self._baud) as descriptor:
                self._epoch += 1
                self._tell(True, "port open")
                self._serve(descriptor, stop)
        except LinkLost as error:
            reason = str(error)
            raise
        finally:
            self._tell(False, reason)

    def submit(self, command: Command) -> None:
        """A scanner takes no commands: each is refused."""
        self._sink(_not_taken(command, Result.REFUSED, "a scanner takes no commands"))

    def _serve(self, descriptor: int, stop: threading.Event) -> None:
        lines, standstill = LineDecoder(self._max_chars, self._gap_s, plates=self._plates), Standstill()
        while not stop.is_set():
            readable = select.select([descriptor], [], [], STOP_LOOK_S)[0]
            standstill.turn()
            if readable:
                for text in lines.feed(read_some(descriptor), time.monotonic()):
                    self._sink(TextRead(self.name, text, self._seen()))

    def _seen(self) -> Seen:
        return Seen(time.monotonic(), time.time(), self._epoch)

    def _tell(self, up: bool, reason: str) -> None:
        if self._link != (up, reason):
            self._link = (up, reason)
            self._sink(LinkState(self.name, up, False, reason, self._seen()))


def _not_taken(command: Command, result: Result, detail: str) -> Outcome:
    return Outcome(command.command_id, command.device, result, detail, Seen(time.monotonic(), time.time(), 0))

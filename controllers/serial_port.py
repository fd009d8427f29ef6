"""The serial drivers' threads: an OSDP bus and a line scanner, each waiting in one `select` for bytes and commands."""

import contextlib
import errno
import os
import queue
import select
import termios
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path

import serial
import structlog

from controllers.driver import (
    Capabilities,
    Command,
    DeviceEvent,
    FeedbackCommand,
    KeyChanged,
    LinkState,
    LockCommand,
    Outcome,
    Result,
    Seen,
    Sink,
    TextRead,
)  # fmt: skip
from controllers.errors import BadSetup, LinkLost
from controllers.inbox import Inbox
from controllers.osdp_bus import OsdpBus, OsdpReader
from controllers.osdp_capture import Tap
from controllers.osdp_command import KeyCommand, OsdpCommand
from controllers.osdp_limits import Limits
from controllers.osdp_quality import Counters
from controllers.scanner import GAP_S, MAX_CHARS, LineDecoder
from controllers.standstill import Standstill
from controllers.vault import confirm_key, load_next_keys, prepare_key

__all__ = ["OsdpBusDriver", "OsdpReader", "ScannerDriver"]

log = structlog.get_logger()

READ_BYTES = 4096
STOP_LOOK_S = 0.25  # how often a quiet thread looks whether it shall stop
WAITING_CALLS = 64
KEY_S = 30.0  # a reader that is off line for so long gets its new key when it is back
LONGEST_INSTALLATION_S = 3600.0
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


class OsdpBusDriver:
    """One RS-485 line of OSDP readers, always over the secure channel.

    `vault` is the file of keys, needed where keys change; `tap` is given all bytes on the line.
    """

    def __init__(
        self,
        name: str,
        port: str,
        baud: int,
        readers: Sequence[OsdpReader],
        sink: Sink,
        limits: Limits | None = None,
        vault: Path | None = None,
        tap: Tap | None = None,
    ) -> None:
        self.name = name
        self._port, self._baud = port, baud
        self._sink, self._vault, self._tap = sink, vault, tap
        changing = load_next_keys(vault) if vault else {}
        self._readers = tuple(replace(reader, next_scbk=changing.get(reader.name)) for reader in readers)
        self._bus = OsdpBus(baud, self._readers, self._tell, limits)
        self._inbox = Inbox()
        self._calls: queue.Queue[Callable[[float], None]] = queue.Queue(WAITING_CALLS)

    def devices(self) -> dict[str, Capabilities]:
        """The readers on the line, by name, with what they told of themselves when they last came on line."""
        return {reader.name: self._bus.device(reader.name).report.capabilities() for reader in self._readers}

    def counters(self) -> dict[str, Counters]:
        """How good the line to each reader is; a copy."""
        return {reader.name: copy(self._bus.device(reader.name).counters) for reader in self._readers}

    def capture(self, tap: Tap | None) -> None:
        """Give all bytes on the line to `tap` from now on, or to nobody. Nothing is given while a window is open."""
        self._tap = tap

    def open_installation(self, reader: str, seconds: float) -> None:
        """For so long a blank reader may be given our key over the published default key. 0 closes the window.

        Whoever listens at the wire in these minutes has the key: install at a bench, or on a line that nobody reaches.
        Raises `BadSetup` for an unknown reader and for more than an hour.
        """
        self._need(reader)
        if not 0 <= seconds <= LONGEST_INSTALLATION_S:
            raise BadSetup(f"a window is open for {LONGEST_INSTALLATION_S:.0f} s at most")
        log.warning("osdp_installation_window", bus=self.name, reader=reader, seconds=seconds)
        until = time.monotonic() + seconds if seconds else 0.0
        if not self._call(lambda _now: self._bus.open_installation(reader, until)):
            raise BadSetup("too many orders wait at this line")

    def rotate_key(self, reader: str, command_id: str, within_s: float = KEY_S) -> None:
        """Give a reader a new key; its `Outcome` tells of this attempt, `KeyChanged` that the old key is gone.

        The new key is in the vault before it is sent; where an attempt fails it is tried again at each session.
        Raises `BadSetup` for an unknown reader or without a vault.
        """
        self._need(reader)
        if self._vault is None:
            raise BadSetup("no vault to keep a new key in")
        key = prepare_key(self._vault, reader)
        self.submit(KeyCommand(command_id, reader, key, time.monotonic() + within_s))

    def run(self, stop: threading.Event) -> None:
        """Serve the line until `stop` is set. Raises `LinkLost` when the port breaks."""
        reason = "driver stopped"
        try:
            with open_port(self._port, self._baud) as descriptor:
                self._inbox.open()
                log.info("osdp_line_open", bus=self.name, port=self._port, baud=self._baud)
                self._serve(descriptor, stop)
        except LinkLost as error:
            reason = str(error)
            raise
        finally:
            left = self._inbox.close()
            now = time.monotonic()
            self._take_calls()
            for command in left:
                self._bus.submit(command, now)
            self._bus.close(reason, now)

    def submit(self, command: OsdpCommand) -> None:
        """Take a command from any thread."""
        if isinstance(command, LockCommand | FeedbackCommand):
            taken = self._inbox.put(command)
        else:
            taken = self._call(lambda now: self._bus.submit(command, now))
        if not taken:
            self._sink(_not_taken(command, Result.EXPIRED, "line is down or too many commands wait"))

    def _need(self, reader: str) -> None:
        if reader not in (known.name for known in self._readers):
            raise BadSetup(f"no reader {reader!r} on {self.name}")

    def _call(self, act: Callable[[float], None]) -> bool:
        """Have it done by the thread that owns the bus."""
        try:
            self._calls.put_nowait(act)
        except queue.Full:
            return False
        self._inbox.wake()
        return True

    def _take_calls(self) -> None:
        self._inbox.rest()
        while not self._calls.empty():
            self._calls.get_nowait()(time.monotonic())

    def _tell(self, event: DeviceEvent) -> None:
        """To the sink; a reader that has its new key needs the old one no more."""
        if isinstance(event, KeyChanged) and self._vault:
            try:
                confirm_key(self._vault, event.device)
            except (BadSetup, OSError) as error:  # both keys stay, and the next start finds the right one
                log.error("vault_not_written", reader=event.device, error=str(error))
        self._sink(event)

    def _serve(self, descriptor: int, stop: threading.Event) -> None:
        bus, wake, standstill = self._bus, self._inbox.wake_fd, Standstill()
        while not stop.is_set():
            if not self._calls.empty():
                self._take_calls()
            for command in self._inbox.take():
                bus.submit(command, time.monotonic())
            frame = bus.next_send(time.monotonic())
            if frame is not None:
                write_all(descriptor, frame)
                self._show("output", frame)
            now = time.monotonic()
            wait_s = min(max(bus.deadline(now) - now, 0.0), STOP_LOOK_S)
            readable = select.select([descriptor, wake], [], [], wait_s)[0]
            standstill.turn()
            if descriptor in readable:
                data = read_some(descriptor)
                bus.receive(data, time.monotonic())
                self._show("input", data)

    def _show(self, direction: str, data: bytes) -> None:
        if self._tap and data and not self._bus.installing(time.monotonic()):
            self._tap(direction, data)


class ScannerDriver:
    """A serial scanner that ends each text with CR and/or LF."""

    def __init__(
        self,
        name: str,
        port: str,
        baud: int,
        sink: Sink,
        max_chars: int = MAX_CHARS,
        gap_s: float = GAP_S,
    ) -> None:
        self.name = name
        self._port, self._baud = port, baud
        self._sink = sink
        self._max_chars, self._gap_s = max_chars, gap_s
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
        lines, standstill = LineDecoder(self._max_chars, self._gap_s), Standstill()
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


def _not_taken(command: OsdpCommand, result: Result, detail: str) -> Outcome:
    return Outcome(command.command_id, command.device, result, detail, Seen(time.monotonic(), time.time(), 0))

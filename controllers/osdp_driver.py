"""The thread of one RS-485 line of OSDP readers: it waits in one `select` for bytes and commands."""

import queue
import select
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from controllers.driver import (
    Capabilities,
    DeviceEvent,
    FeedbackCommand,
    KeyChanged,
    LockCommand,
    Outcome,
    Result,
    Seen,
    Sink,
)
from controllers.errors import BadSetup, LinkLost
from controllers.inbox import Inbox
from controllers.osdp_bus import OsdpBus, OsdpReader
from controllers.osdp_capture import Tap
from controllers.osdp_command import KeyCommand, OsdpCommand
from controllers.osdp_discovery import Found, Probe, discover
from controllers.osdp_job import Functions
from controllers.osdp_limits import Limits
from controllers.osdp_message import DeviceId
from controllers.osdp_quality import Counters
from controllers.serial_port import STOP_LOOK_S, open_port, read_some, write_all
from controllers.standstill import Standstill
from controllers.vault import confirm_key, load_next_keys, prepare_key

__all__ = ["OsdpBusDriver", "OsdpReader", "ReaderState"]

log = structlog.get_logger()

WAITING_CALLS = 64
KEY_S = 30.0  # a reader that is off line for so long gets its new key when it is back
LONGEST_INSTALLATION_S = 3600.0
Progress = Callable[[int, int, Found | None], None]  # asked, of so many, and who answered


@dataclass(frozen=True, slots=True)
class ReaderState:
    """What a technician asks of a reader first."""

    address: int
    baud: int
    online: bool
    identity: DeviceId | None  # None until it told
    functions: Functions  # PDCAP; empty until it told
    counters: Counters
    window_s: float  # how long it may still be given our key over the default key; 0: not


@dataclass(frozen=True, slots=True)
class _Search:
    probes: Sequence[Probe]
    progress: Progress
    enough: Callable[[], bool]
    found: "Future[list[Found]]"


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
        self._search: _Search | None = None

    def devices(self) -> dict[str, Capabilities]:
        """The readers on the line, by name, with what they told of themselves when they last came on line."""
        return {reader.name: self._bus.device(reader.name).report.capabilities() for reader in self._readers}

    def states(self) -> dict[str, ReaderState]:
        """The readers on the line, by name, for a technician."""
        now = time.monotonic()
        return {reader.name: self._state(reader, now) for reader in self._readers}

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
        Raises `BadSetup` for an unknown reader or without a vault, `OSError` where the vault cannot be written.
        """
        self._need(reader)
        if self._vault is None:
            raise BadSetup("no vault to keep a new key in")
        key = prepare_key(self._vault, reader)
        self.submit(KeyCommand(command_id, reader, key, time.monotonic() + within_s))

    def search(
        self, probes: Sequence[Probe], progress: Progress, enough: Callable[[], bool] = lambda: False
    ) -> "Future[list[Found]]":
        """Who is on the line, at any address and rate? The line's thread asks, tells `progress` and asks `enough`.

        Its readers are off line meanwhile, and all commands expire. The future fails with `LinkLost`; one that is
        cancelled before the line is open is forgotten. Raises `BadSetup` while another search goes on.
        """
        if self._search is not None:
            raise BadSetup("this line is being searched already")
        self._search = _Search(probes, progress, enough, Future())
        self._inbox.wake()
        return self._search.found

    def run(self, stop: threading.Event) -> None:
        """Serve the line until `stop` is set. Raises `LinkLost` when the port breaks."""
        reason = "driver stopped"
        try:
            while not stop.is_set():
                with open_port(self._port, self._baud) as descriptor:
                    self._inbox.open()
                    log.info("osdp_line_open", bus=self.name, port=self._port, baud=self._baud)
                    self._serve(descriptor, stop)
                if self._search:
                    self._close("line is searched for readers")
                    self._look_around(self._search, stop)
        except LinkLost as error:
            reason = str(error)
            raise
        finally:
            self._close(reason)

    def submit(self, command: OsdpCommand) -> None:
        """Take a command from any thread."""
        if isinstance(command, LockCommand | FeedbackCommand):
            taken = self._inbox.put(command)
        else:
            taken = self._call(lambda now: self._bus.submit(command, now))
        if not taken:
            self._sink(_not_taken(command, Result.EXPIRED, "line is down or too many commands wait"))

    def _state(self, reader: OsdpReader, now: float) -> ReaderState:
        device = self._bus.device(reader.name)
        report, window_s = device.report, device.keys.window_s(now)
        functions = dict(report.functions or {})
        counters = copy(device.counters)
        return ReaderState(reader.address, self._baud, device.online, report.identity, functions, counters, window_s)

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
        while not stop.is_set() and self._search is None:
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

    def _look_around(self, search: _Search, stop: threading.Event) -> None:
        """Ask all questions of a search on the port, which is closed now."""
        try:
            if search.found.set_running_or_notify_cancel():
                found = discover(self._port, search.probes, search.progress, lambda: stop.is_set() or search.enough())
                search.found.set_result(found)
        except LinkLost as error:
            search.found.set_exception(error)
            raise
        finally:
            self._search = None

    def _close(self, reason: str) -> None:
        """What was in flight is unknown, what waited has expired; nothing is taken until the line is open again."""
        left = self._inbox.close()
        now = time.monotonic()
        self._take_calls()
        for command in left:
            self._bus.submit(command, now)
        self._bus.close(reason, now)

    def _show(self, direction: str, data: bytes) -> None:
        if self._tap and data and not self._bus.installing(time.monotonic()):
            self._tap(direction, data)


def _not_taken(command: OsdpCommand, result: Result, detail: str) -> Outcome:
    return Outcome(command.command_id, command.device, result, detail, Seen(time.monotonic(), time.time(), 0))

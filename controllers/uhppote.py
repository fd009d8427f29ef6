"""The driver of UHPPOTE / Weigeng (微耕) short-packet boards: the host decides through PC control.

The board asks the host at each swipe as long as it hears from it at least every 30 s; the driver asks for the time
every 10 s. A silent host leaves the board to its own list, which `uhppote_cards.py` keeps, outside of this driver.
The wire has no authentication: give the boards a network of their own. Packets from other addresses than the listed
ones are dropped.
"""

import asyncio
import contextlib
import functools
import socket
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from ipaddress import IPv4Address
from typing import Any

import structlog
from uhppoted import decode  # type: ignore[import-untyped] # the library has no types

from controllers.driver import Capabilities, Command, DeviceEvent, LinkState, LockCommand, Result, Sink
from controllers.errors import BadSetup, LinkLost
from controllers.inbox import Inbox
from controllers.session import Moment, outcome
from controllers.uhppote_doors import BoardDoors
from controllers.uhppote_events import LEVELS, BoardEvent, EventLog, EventReader
from controllers.uhppote_link import DOORS, BoardLimits, BoardLink, BoardReader, NoAnswer, UhppoteBoard
from controllers.wiegand import find

__all__ = ["BoardLimits", "BoardReader", "UhppoteBoard", "UhppoteDriver"]

log = structlog.get_logger()
Task = asyncio.Task[Any]
STOP_LOOK_S = 0.1
BELLS = 64  # more at once are no people
NOT_FOUND, OVERWRITTEN = 0x00, 0xFF  # types of event that are none


class UhppoteDriver:
    """All boards of a site. `host` is the IPv4 address that they reach us at; empty: the one that leads to each."""

    def __init__(
        self,
        name: str,
        boards: Sequence[UhppoteBoard],
        sink: Sink,
        listen: tuple[str, int] = ("0.0.0.0", 60001),  # noqa: S104 - packets of unlisted addresses are dropped
        host: str = "",
        timezone: tzinfo = UTC,
        limits: BoardLimits | None = None,
    ) -> None:
        for board in boards:
            find(board.format)
        if len({board.host for board in boards}) < len(boards) or len({board.serial for board in boards}) < len(boards):
            raise BadSetup("two boards with one address or serial number")
        self.name = name
        self._boards = tuple(boards)
        self._sink = sink
        self._listen = listen
        self._host = host
        self._timezone = timezone
        self._limits = limits or BoardLimits()
        self._inbox = Inbox()
        self._epochs = {board.name: 0 for board in boards}

    def devices(self) -> dict[str, Capabilities]:
        """The boards, and their readers."""
        board = Capabilities("host_or_device", inputs=len(LEVELS), outputs=len(DOORS))
        reader = Capabilities("host_or_device", cards=True)
        names = {each.name: reader for wired in self._boards for each in wired.readers}
        return {**names, **{each.name: board for each in self._boards}}

    def submit(self, command: Command) -> None:
        """Take a command from any thread."""
        if not self._inbox.put(command):
            self._sink(outcome(command, Result.EXPIRED, "driver stopped or too many commands wait", Moment.now(0)))

    def run(self, stop: threading.Event) -> None:
        """Serve the boards until `stop` is set; one may be dead. Raises `LinkLost` when it cannot listen."""
        try:
            asyncio.run(self._serve(stop))
        except OSError as error:
            raise LinkLost(f"cannot listen on {self._listen}: {error}") from error
        finally:
            for command in self._inbox.close():
                self._sink(outcome(command, Result.EXPIRED, "driver stopped", Moment.now(0)))

    async def _serve(self, stop: threading.Event) -> None:
        loop = asyncio.get_running_loop()
        # The library's sockets do not expect "connection refused" and complain; the question times out anyhow.
        loop.set_exception_handler(lambda _loop, context: log.debug("udp", why=str(context.get("exception"))))
        contacts = {board.host: self._contact(board) for board in self._boards}
        transport, _ = await loop.create_datagram_endpoint(lambda: _Listener(contacts), self._listen)
        port = transport.get_extra_info("sockname")[1]
        jobs = [loop.create_task(each.stay(self._host, port)) for each in contacts.values()]
        tasks: set[Task] = set(jobs)
        by_name = {contact.board.name: contact for contact in contacts.values()}
        loop.add_reader(self._inbox.wake_fd, self._take, by_name, tasks)
        self._inbox.open()
        try:
            while not stop.is_set():
                await asyncio.sleep(STOP_LOOK_S)
                for job in jobs:
                    if job.done():
                        raise LinkLost(f"a board's watch ended: {job.exception()!r}")
        finally:
            loop.remove_reader(self._inbox.wake_fd)
            transport.close()
            await _cancelled({*tasks, *(bell for each in contacts.values() for bell in each.bells)})
            for contact in contacts.values():
                contact.leave("driver stopped")
                self._epochs[contact.board.name] = contact.epoch

    def _contact(self, board: UhppoteBoard) -> "Contact":
        epoch = self._epochs[board.name]
        return Contact(board, self._sink, self._timezone, self._limits, epoch)

    def _take(self, contacts: Mapping[str, "Contact"], tasks: set[Task]) -> None:
        for command in self._inbox.take():
            contact = contacts.get(command.device)
            if contact is None or not isinstance(command, LockCommand):
                why = "the board shows its own signals" if contact else "no such board"
                self._sink(outcome(command, Result.REFUSED, why, Moment.now(0)))
                continue
            task: Task = asyncio.get_running_loop().create_task(contact.lock(command))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            task.add_done_callback(functools.partial(self._ended, command, contact))

    def _ended(self, command: Command, contact: "Contact", task: Task) -> None:
        """Each command that became a task ends here, once."""
        failed = task.cancelled() or task.exception() is not None
        result, detail = (Result.UNKNOWN, "driver stopped") if failed else task.result()
        self._sink(outcome(command, result, detail, Moment.now(contact.epoch)))


class _Listener(asyncio.DatagramProtocol):
    """Hears the boards' events."""

    def __init__(self, contacts: Mapping[str, "Contact"]) -> None:
        self._contacts = contacts

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        contact = self._contacts.get(addr[0])
        with contextlib.suppress(ValueError):
            event = decode.event(data)
            if contact is not None and event.controller == contact.board.serial:
                contact.event(event)


class Contact:
    """Staying in touch with one board. All methods run in the driver's loop."""

    def __init__(
        self,
        board: UhppoteBoard,
        sink: Sink,
        timezone: tzinfo,
        limits: BoardLimits,
        epoch: int,
    ) -> None:
        self.board = board
        self.epoch = epoch
        self.up = False
        self._sink = sink
        self._timezone = timezone
        self._limits = limits
        self._link = BoardLink(board, limits.timeout_s)
        self._doors = BoardDoors(self._link)
        self._log = EventLog(limits)
        self._reader = EventReader(board, timezone, limits)
        self._bells: dict[int, Task] = {}  # by index: what is being asked about
        self._misses = 0
        self._told = -1  # what the board's register of read events says
        self._said: str | None = None

    def event(self, packet: Any) -> None:
        """A packet from the board; without a new event it is dropped, for it may be a recorded one."""
        index = packet.event_index
        if self.up and index not in self._bells and len(self._bells) < BELLS and self._log.may_be_new(index):
            self._bells[index] = asyncio.get_running_loop().create_task(self._answer(index))
            self._bells[index].add_done_callback(lambda _task: self._bells.pop(index, None))

    async def _answer(self, index: int) -> None:
        """Ask the board what it announced. What it does not tell in time is caught up later, as stale."""
        for _ in range(2):
            with contextlib.suppress(NoAnswer):
                status = await self._link.ask("get_status", timeout_s=self._limits.bell_s)
                event = last = BoardEvent.last(status)
                if last.index != index:
                    event = BoardEvent.stored(
                        await self._link.ask("get_event", index, timeout_s=self._limits.bell_s), last.sent
                    )
                if event.index == index and self._log.is_new(index):
                    self._tell(self._reader.card_event(event, self._reader.is_old(event), self._now()))
                self._tell(self._reader.levels(status, self._now()))
                return

    @property
    def bells(self) -> list[Task]:
        """What is being asked about."""
        return list(self._bells.values())

    async def lock(self, command: LockCommand) -> tuple[Result, str]:
        """Carry a command out; how it ended."""
        return await self._doors.lock(command) if self.up else (Result.EXPIRED, "board is off line")

    def leave(self, why: str) -> None:
        """It is off line."""
        if self.up or self._said != why:
            self.up, self._said = False, why
            self._sink(LinkState(self.board.name, False, False, why, self._now().seen()))

    async def stay(self, host: str, port: int) -> None:
        """Stay in touch for as long as the driver runs."""
        host = host or _route_to(self.board.host)
        while True:
            try:
                await (self._alive() if self.up else self._connect(host, port))
                self._misses = 0
            except NoAnswer as error:
                self._misses += 1
                if not self.up or self._misses >= self._limits.misses:
                    self.leave(f"no answer ({error})")
            await asyncio.sleep(self._limits.alive_s if self.up and not self._misses else self._limits.retry_s)

    async def _connect(self, host: str, port: int) -> None:
        for question in (("get_controller",), ("set_listener", IPv4Address(host), port, 0), ("set_pc_control", True)):
            await self._link.ask(*question)
        await self._link.ask("record_special_events", True)
        await self._set_clock()
        status = await self._link.ask("get_status")
        self._log.resume(status.event_index, (await self._link.ask("get_event_index")).event_index)
        self._doors.forget()
        self._reader.forget_levels()
        self.epoch += 1
        self.up, self._said = True, None
        self._sink(LinkState(self.board.name, True, False, "the host decides", self._now().seen()))
        await self._catch_up(status)

    async def _alive(self) -> None:
        await self._set_clock()
        status = await self._link.ask("get_status")
        self._log.resume(status.event_index, 0)
        await self._catch_up(status)

    async def _set_clock(self) -> None:
        """The question keeps PC control; the answer shows a clock that goes wrong."""
        told = (await self._link.ask("get_time")).datetime
        here = datetime.now(self._timezone).replace(tzinfo=None)
        if told is None or abs(told - here) > timedelta(seconds=self._limits.clock_s):
            log.warning("clock of a board set", board=self.board.name, was=str(told))
            await self._link.ask("set_time", here)

    async def _catch_up(self, status: Any) -> None:
        """Fetch the events that no packet brought, and note on the board how far we are."""
        self._tell(self._reader.levels(status, self._now()))
        if self._log.behind:
            await asyncio.sleep(self._limits.grace_s)
        for index in self._log.missing():
            stored = await self._link.ask("get_event", index)
            if stored.event_type == NOT_FOUND:
                break  # an index that was never real
            if stored.index == index and stored.event_type != OVERWRITTEN and self._log.is_new(index):
                self._tell(self._reader.card_event(BoardEvent.stored(stored), True, self._now()))
        if self._log.caught != self._told:
            await self._link.ask("set_event_index", self._log.caught)
            self._told = self._log.caught

    def _tell(self, events: Iterable[DeviceEvent]) -> None:
        for event in events:
            self._sink(event)

    def _now(self) -> Moment:
        return Moment.now(self.epoch)


async def _cancelled(tasks: Iterable[Task]) -> None:
    """End tasks. `wait_for` of Python 3.11 may swallow a cancellation that meets an answer, so it is said again."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=STOP_LOOK_S)


def _route_to(host: str) -> str:
    """Our own address on the way to a board."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9))
        except OSError:
            return "0.0.0.0"  # noqa: S104 - no way there: the board will not answer either
        return str(probe.getsockname()[0])

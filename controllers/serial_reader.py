"""The driver's thread of every session on a serial port, and the sessions of readers that only ever talk."""

import select
import threading
from collections import deque
from collections.abc import Iterator
from typing import Protocol

import structlog

from controllers.doubt import Doubt
from controllers.driver import Capabilities, CardRead, Command, DeviceEvent, KeyRead, LinkState, Result, Sink
from controllers.inbox import Inbox
from controllers.serial_echo import Echo
from controllers.serial_frames import Card, Codec
from controllers.serial_port import open_port, read_some, write_all
from controllers.session import Moment, carry_out, outcome
from controllers.standstill import Standstill

log = structlog.get_logger()

Action = DeviceEvent | bytes
TICK_S = 0.05
TELL_DROPPED_S = 10.0


class SerialSession(Protocol):
    """A protocol on a serial line (session.py). `tick` comes at least every `tick_s`.

    A command is remembered before its bytes are given, so that a port that breaks on them ends it as unknown.
    """

    tick_s: float

    def devices(self) -> dict[str, Capabilities]:
        """The devices on the line, by name."""

    def start(self, now: Moment) -> Iterator[Action]:
        """The port is open: forget what was before."""

    def received(self, data: bytes, now: Moment) -> Iterator[Action]:
        """Bytes came."""

    def tick(self, now: Moment) -> Iterator[Action]:
        """Time passed."""

    def command(self, command: Command, now: Moment) -> Iterator[Action]:
        """Carry out a command, still in time, for a device of this session."""

    def lost(self, now: Moment) -> Iterator[DeviceEvent]:
        """The port is gone."""


class SerialDriver:
    """One port and the session on it."""

    def __init__(self, name: str, port: str, baud: int, session: SerialSession, sink: Sink) -> None:
        self.name = name
        self._port = port
        self._baud = baud
        self._session = session
        self._sink = sink
        self._inbox = Inbox()
        self._echo = Echo()
        self._epoch = 0

    def devices(self) -> dict[str, Capabilities]:
        """The devices on the line, by name."""
        return self._session.devices()

    def submit(self, command: Command) -> None:
        """Take a command from any thread."""
        if command.device not in self.devices():
            self._sink(outcome(command, Result.REFUSED, "no such device", self._now()))
        elif not self._inbox.put(command):
            self._sink(outcome(command, Result.EXPIRED, "port closed or too many commands wait", self._now()))

    def run(self, stop: threading.Event) -> None:
        """Serve the port until `stop` is set. Raises `LinkLost` when it breaks."""
        self._epoch += 1
        self._echo = Echo()
        with open_port(self._port, self._baud) as port:
            self._inbox.open()
            try:
                standstill = Standstill()
                self._do(port, self._session.start(self._now()))
                while not stop.is_set():
                    self._turn(port, standstill)
            finally:
                self._end()

    def _turn(self, port: int, standstill: Standstill) -> None:
        ready, _, _ = select.select([port, self._inbox.wake_fd], [], [], self._session.tick_s)
        standstill.turn()
        now = self._now()
        if data := self._echo.heard(read_some(port) if port in ready else b"", now.mono_s):
            self._do(port, self._session.received(data, now))
        waiting = deque(self._inbox.take())
        try:
            while waiting:
                self._do(port, carry_out(self._session, waiting.popleft(), self._now()))
        finally:
            for command in waiting:
                self._sink(outcome(command, Result.EXPIRED, "port lost", self._now()))
        self._do(port, self._session.tick(self._now()))

    def _end(self) -> None:
        for command in self._inbox.close():
            self._sink(outcome(command, Result.EXPIRED, "port closed", self._now()))
        for event in self._session.lost(self._now()):
            self._sink(event)

    def _do(self, port: int, actions: Iterator[Action]) -> None:
        for action in actions:
            if isinstance(action, bytes):
                self._echo.sent(action, self._now().mono_s)
                write_all(port, action)
            else:
                self._sink(action)

    def _now(self) -> Moment:
        return Moment.now(self._epoch)


class TalkingReader:
    """A reader that sends a frame for each card or key and hears nothing."""

    tick_s = TICK_S

    def __init__(self, name: str, codec: Codec) -> None:
        self._name = name
        self._codec = codec
        self._doubt = Doubt()
        self._broken = 0
        self._told = 0
        self._told_s = 0.0

    def devices(self) -> dict[str, Capabilities]:
        """The reader."""
        return {self._name: Capabilities(cards=True, keys=self._codec.keypad)}

    def start(self, now: Moment) -> Iterator[Action]:
        """The port is all that can be seen of it. A half frame of the last life is forgotten."""
        list(self._codec.feed(b"", float("inf")))
        yield LinkState(self._name, True, False, "port open", now.seen())

    def received(self, data: bytes, now: Moment) -> Iterator[Action]:
        """Give each card and key."""
        for found in self._codec.feed(data, now.mono_s):
            self._look(now)
            if not isinstance(found, Card):
                yield KeyRead(self._name, found.keys, now.seen())
            elif self._doubt.counts(found, now.mono_s):
                yield CardRead(self._name, found.bits, found.bit_count, now.seen(), self._codec.checked)
        self._look(now)

    def tick(self, now: Moment) -> Iterator[Action]:
        """Let the codec see the silence; say now and then what was dropped."""
        yield from self.received(b"", now)
        if self._codec.dropped > self._told and now.mono_s - self._told_s >= TELL_DROPPED_S:
            log.warning("broken frames dropped", reader=self._name, total=self._codec.dropped)
            self._told, self._told_s = self._codec.dropped, now.mono_s

    def _look(self, now: Moment) -> None:
        """Whether the codec found broken pieces."""
        if self._codec.dropped > self._broken:
            self._broken = self._codec.dropped
            self._doubt.broken(now.mono_s)

    def command(self, command: Command, now: Moment) -> Iterator[Action]:
        """It hears nothing."""
        yield outcome(command, Result.REFUSED, "this reader takes no commands", now)

    def lost(self, now: Moment) -> Iterator[DeviceEvent]:
        """Say so."""
        yield LinkState(self._name, False, False, "port closed", now.seen())


class SerialReaderDriver(SerialDriver):
    """A serial reader with one of the codecs of `serial_frames.py`."""

    def __init__(self, name: str, port: str, baud: int, codec: Codec, sink: Sink) -> None:
        super().__init__(name, port, baud, TalkingReader(name, codec), sink)

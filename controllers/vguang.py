"""Vguang (微光) readers' TLV frames, and the session of one such reader: codes and cards in, relay and beeps out.

Host to device: 55 AA, command, length (two bytes, low first), data, XOR of all before. Device to host the same with a
status byte after the command (00 is success). Sources: the maker's serial protocol page (wiki.koodle.cn document 160)
and its open device firmware (DejaOS, `dw200_scanner/.../vgProService.js`, MIT), where the commands below are served.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import xor

from controllers.driver import (
    Capabilities,
    Command,
    DeviceEvent,
    InputState,
    LinkState,
    LockAction,
    LockCommand,
    Result,
    Signal,
    TextRead,
)
from controllers.errors import ProtocolViolation
from controllers.serial_reader import Action
from controllers.session import Moment, Sent, outcome

MAGIC = b"\x55\xaa"
UNIT_MS = 50
LONGEST_PULSE_MS = 255 * UNIT_MS
STATUS, BEEP, DOOR, RELAY, HEARTBEAT, RESULT, REPORT_MODE = 0x01, 0x04, 0x09, 0x2A, 0x2B, 0x30, 0x31
PUSH = b"\x01"  # report mode: results are pushed as command 30
OWED_S = 0.5  # an answer later than this after its deadline never comes
BUZZER = 0x08  # bit of the beep command's first byte
BEEPS = {
    Signal.GRANTED: (1, 4, 2),
    Signal.DENIED: (2, 2, 2),
    Signal.HELD: (3, 8, 4),
    Signal.MORE: (1, 1, 1),
}  # times, on, off (units)


@dataclass(frozen=True, slots=True)
class Reply:
    """A frame from the device."""

    command: int
    status: int
    data: bytes


def encode(command: int, data: bytes = b"") -> bytes:
    """A frame to the device."""
    frame = MAGIC + bytes((command,)) + len(data).to_bytes(2, "little") + data
    return frame + bytes((reduce(xor, frame),))


class Decoder:
    """Finds the device's frames. `dropped` counts broken pieces; a silence inside a frame breaks it."""

    def __init__(self, longest: int = 512, gap_s: float = 0.2) -> None:
        self.dropped = 0
        self._longest = longest
        self._gap_s = gap_s
        self._buffer = bytearray()
        self._last_s = float("-inf")

    def feed(self, data: bytes, at_s: float) -> Iterator[Reply]:
        """Take bytes that arrived at monotonic `at_s`; give the frames that they complete."""
        if self._buffer and at_s - self._last_s > self._gap_s:
            self._buffer.clear()
            self.dropped += 1
        self._last_s = at_s
        self._buffer += data
        while (frame := self._cut()) is not None:
            yield Reply(frame[2], frame[3], frame[6:-1])

    def _cut(self) -> bytes | None:
        """The next whole frame with the right sum, or None when more bytes are needed."""
        while True:
            start = self._buffer.find(MAGIC)
            if start < 0:
                start = len(self._buffer) - self._buffer.endswith(MAGIC[:1])
            self.dropped += start > 0
            del self._buffer[:start]
            if len(self._buffer) < 6:
                return None
            size = int.from_bytes(self._buffer[4:6], "little")
            if size <= self._longest and len(self._buffer) < size + 7:
                return None
            frame = bytes(self._buffer[: size + 7])
            if size <= self._longest and reduce(xor, frame) == 0:
                del self._buffer[: len(frame)]
                return frame
            self.dropped += 1
            del self._buffer[:1]


def text_of(reply: Reply) -> str:
    """The text of a result. Raises `ProtocolViolation` unless it is printable ASCII."""
    text = reply.data.decode("ascii", "replace").rstrip("\r\n")
    if not text or not all(" " <= letter <= "~" for letter in text):
        raise ProtocolViolation("not printable ASCII")
    return text


def plan(command: Command) -> bytes | str:
    """The frame that carries a command out, or why there is none."""
    if not isinstance(command, LockCommand):
        times, on, off = BEEPS[command.signal]
        return encode(BEEP, bytes((BUZZER, times, on, off)))
    if command.output:
        return f"no output {command.output}"
    if command.action is LockAction.SECURE:
        return encode(RELAY, b"\x00")
    if command.action is LockAction.RELEASE:
        return encode(RELAY, b"\x01")
    if not 0 < command.pulse_ms <= LONGEST_PULSE_MS:
        return f"a pulse lasts {UNIT_MS} to {LONGEST_PULSE_MS} ms"
    return encode(RELAY, bytes((1, -(-command.pulse_ms // UNIT_MS))))


class VguangSession:
    """One reader on a line of its own. It is on line while it answers."""

    tick_s = 0.05

    def __init__(self, name: str, relay: bool = True, contact: bool = False, ask_every_s: float = 1.0) -> None:
        self._name = name
        self._relay = relay
        self._question = DOOR if contact else STATUS
        self._ask_every_s = ask_every_s
        self._restart(float("-inf"))

    def _restart(self, at_s: float) -> None:
        self._decoder = Decoder()
        self._sent = Sent()
        self._up = False
        self._heard_s = self._asked_s = at_s
        self._level: bool | None = None
        self._owed_s: dict[str, float] = {}  # kinds of command whose answer may still come, too late

    def devices(self) -> dict[str, Capabilities]:
        """The reader."""
        inputs, outputs = int(self._question == DOOR), int(self._relay)
        return {self._name: Capabilities(text=True, inputs=inputs, outputs=outputs, feedback=True)}

    def start(self, now: Moment) -> Iterator[Action]:
        """Ask for results to be pushed: a polled reader would keep one for later."""
        self._restart(now.mono_s)
        yield encode(REPORT_MODE, PUSH)

    def received(self, data: bytes, now: Moment) -> Iterator[Action]:
        """Any whole frame is a sign of life."""
        for reply in self._decoder.feed(data, now.mono_s):
            self._heard_s = now.mono_s
            if not self._up:
                self._up = True
                yield LinkState(self._name, True, False, "it answers", now.seen())
            yield from self._reply(reply, now)

    def _reply(self, reply: Reply, now: Moment) -> Iterator[Action]:
        if reply.command == RESULT and reply.status == 0 and reply.data:
            try:
                yield TextRead(self._name, text_of(reply), now.seen())
            except ProtocolViolation:
                self._decoder.dropped += 1
        elif reply.command == DOOR and reply.status == 0 and len(reply.data) == 1:
            level = reply.data != b"\x00"
            if level is not self._level:
                self._level = level
                yield InputState(self._name, (level,), now.seen())
        elif reply.command in (RELAY, BEEP):
            result = Result.DONE if reply.status == 0 else Result.REFUSED
            self._owed_s.pop(str(reply.command), None)
            yield from self._sent.end(str(reply.command), result, f"status {reply.status:02x}", now)

    def tick(self, now: Moment) -> Iterator[Action]:
        """Ask how it is; three questions without an answer, and it is off line."""
        for late in self._sent.expire(now):
            self._owed_s.update(dict.fromkeys(map(str, (RELAY, BEEP)), now.mono_s))
            yield late
        if now.mono_s - self._asked_s >= self._ask_every_s:
            self._asked_s = now.mono_s
            yield encode(self._question) if self._up else encode(REPORT_MODE, PUSH)
        if self._up and now.mono_s - self._heard_s > 3 * self._ask_every_s:
            self._up = False
            self._level = None
            yield from self._sent.abandon("it stopped answering", now)
            yield LinkState(self._name, False, False, "no answer", now.seen())

    def command(self, command: Command, now: Moment) -> Iterator[Action]:
        """Relay and buzzer. Answers name only the kind of command, so one of a kind is under way at a time."""
        frame = plan(command)
        if isinstance(frame, str) or (isinstance(command, LockCommand) and not self._relay):
            yield outcome(command, Result.REFUSED, frame if isinstance(frame, str) else "no relay", now)
        elif not self._up:
            yield outcome(command, Result.EXPIRED, "off line", now)
        elif str(frame[2]) in self._sent:
            yield outcome(command, Result.EXPIRED, "another such command is under way", now)
        elif now.mono_s - self._owed_s.get(str(frame[2]), float("-inf")) < OWED_S:
            yield outcome(command, Result.EXPIRED, "the answer to the last such command is still owed", now)
        else:
            self._sent.add(str(frame[2]), command)
            yield frame

    def lost(self, now: Moment) -> Iterator[DeviceEvent]:
        """The port is gone."""
        yield from self._sent.abandon("port closed", now)
        yield LinkState(self._name, False, False, "port closed", now.seen())

"""Resident ID-card (身份证) readers with a SAM module, GA 467: find, select, read, and let go of all but a hash.

Frame: AA AA AA 96 69, length (two bytes, high first), then command and parameter, or SW1 SW2 SW3 and data, then the XOR
of everything after the preamble; the length counts from the command to the XOR. 115200 8N1. Sources: the GA 467 tables
as published by softs.im, and the frames in the README of IDCardDemo and other open drivers.

The text that a card gives holds a name, an address and more. It lives in one function for as long as it takes to cut
the number out and hash it; no event, no log and no attribute ever holds it (PIPL article 6: no more than is needed).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import xor

from controllers.driver import Capabilities, Command, DeviceEvent, DeviceRecord, IdCardRead, LinkState, Result, Sink
from controllers.errors import ProtocolViolation
from controllers.idnumber import is_id_number
from controllers.serial_reader import Action, SerialDriver
from controllers.session import Moment, outcome

PREAMBLE = b"\xaa\xaa\xaa\x96\x69"
STATUS, FIND, SELECT, READ = b"\x11\xff", b"\x20\x01", b"\x20\x02", b"\x30\x01"
TEXT_BYTES = 256  # UCS-2, low byte first
BIRTH, NUMBER = slice(36, 52), slice(122, 158)
LONGEST = 2400  # text, photo and two fingerprints
ANSWER_S = {STATUS: 1.0, FIND: 1.0, SELECT: 1.0, READ: 3.0}
GOOD = {STATUS: 0x90, FIND: 0x9F, SELECT: 0x90, READ: 0x90}
NEXT = {FIND: SELECT, SELECT: READ}
ANSWERS = {0x9F: FIND, 0x80: FIND, 0x81: SELECT, 0x41: READ}  # what only one of the questions is answered with
GOOD_BYTES = {0: STATUS, 8: SELECT}  # of data with 90; the text of a card is longer
FAULTS = {0x60: "self-test failed", 0x66: "SAM module not authorised"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the module answered; `data` may be a person's: keep it out of logs."""

    status: int  # SW3
    data: bytes

    def __repr__(self) -> str:
        return f"Answer({self.status:02x}, {len(self.data)} bytes)"


def encode(command: bytes) -> bytes:
    """A command frame."""
    body = (len(command) + 1).to_bytes(2, "big") + command
    return PREAMBLE + body + bytes((reduce(xor, body),))


class Decoder:
    """Finds answers in a stream. `dropped` counts broken pieces."""

    def __init__(self, gap_s: float = 0.5) -> None:
        self.dropped = 0
        self._gap_s = gap_s
        self._buffer = bytearray()
        self._last_s = float("-inf")

    def feed(self, data: bytes, at_s: float) -> Iterator[Answer]:
        """Take bytes that arrived at monotonic `at_s`; give the answers that they complete."""
        if self._buffer and at_s - self._last_s > self._gap_s:
            self.dropped += 1
            self._buffer.clear()
        self._last_s = at_s
        self._buffer += data
        while (body := self._cut()) is not None:
            yield Answer(body[4], body[5:-1])

    def _cut(self) -> bytes | None:
        """The next whole body (length to XOR), or None when more bytes are needed."""
        while True:
            start = self._buffer.find(PREAMBLE)
            if start < 0:
                del self._buffer[: max(0, len(self._buffer) - len(PREAMBLE) + 1)]
                return None
            del self._buffer[:start]
            size = int.from_bytes(self._buffer[5:7], "big")
            whole = 7 + size
            if len(self._buffer) < 7 or (4 <= size <= LONGEST and len(self._buffer) < whole):
                return None
            body = bytes(self._buffer[5:whole])
            if 4 <= size <= LONGEST and reduce(xor, body) == 0:
                del self._buffer[:whole]
                return body
            self.dropped += 1
            del self._buffer[:1]


def number_of(data: bytes) -> str:
    """The ID number in the data of a read. Raises `ProtocolViolation` when it is not a resident ID card's."""
    if len(data) < 4 + TEXT_BYTES or int.from_bytes(data[:2], "big") != TEXT_BYTES:
        raise ProtocolViolation("not the text of an ID card")
    text = data[4 : 4 + TEXT_BYTES]
    try:
        number = text[NUMBER].decode("utf-16-le").upper()
        birth = text[BIRTH].decode("utf-16-le")
    except UnicodeDecodeError:
        raise ProtocolViolation("not the text of an ID card") from None  # the cause would carry the text
    if not is_id_number(number) or number[6:14] != birth:
        raise ProtocolViolation("not a resident's ID number")
    return number


class IdCardSession:
    """Looks for a card, reads it, and hands over what `key` makes of its number."""

    tick_s = 0.05

    def __init__(self, name: str, key: Callable[[str], bytes], find_every_s: float = 0.3, again_s: float = 2.0) -> None:
        self._name = name
        self._key = key
        self._find_every_s = find_every_s
        self._again_s = again_s
        self._restart(float("-inf"))

    def _restart(self, at_s: float) -> None:
        self._decoder = Decoder()
        self._step: bytes = STATUS
        self._waiting = False
        self._due_s = at_s
        self._silent = 0
        self._state: str | None = None
        self._records = 0
        self._last: tuple[bytes, float] = (b"", float("-inf"))

    def devices(self) -> dict[str, Capabilities]:
        """The reader."""
        return {self._name: Capabilities(cards=True)}

    def start(self, now: Moment) -> Iterator[Action]:
        """Ask whether the module is well."""
        self._restart(now.mono_s)
        yield from self.tick(now)

    def tick(self, now: Moment) -> Iterator[Action]:
        """Send what is due; a question that was not answered is asked anew from the start."""
        if now.mono_s < self._due_s:
            return
        if self._waiting:
            self._silent += 1
            self._step = FIND if self._state == "" else STATUS
            if self._silent >= 3:
                self._step = STATUS
                yield from self._tell("no answer", now)
        self._waiting = True
        self._due_s = now.mono_s + ANSWER_S[self._step]
        yield encode(self._step)

    def received(self, data: bytes, now: Moment) -> Iterator[Action]:
        """Take the answer to what was asked; what nobody asked for is dropped."""
        for answer in self._decoder.feed(data, now.mono_s):
            if self._waiting and self._fits(answer):
                self._waiting = False
                self._silent = 0
                yield from self._answered(answer, now)

    def _fits(self, answer: Answer) -> bool:
        """Whether it answers what was asked: one that comes late, or twice, belongs to another question."""
        if answer.status == GOOD[READ]:
            return GOOD_BYTES.get(len(answer.data), READ) == self._step
        return ANSWERS.get(answer.status, self._step) == self._step

    def _answered(self, answer: Answer, now: Moment) -> Iterator[Action]:
        step, good = self._step, answer.status == GOOD[self._step]
        if step == STATUS:
            yield from self._tell("" if good else FAULTS.get(answer.status, f"status {answer.status:02x}"), now)
        elif answer.status in FAULTS:
            yield from self._tell(FAULTS[answer.status], now)
        elif good and step == READ:
            yield from self._read(answer.data, now)
        if self._state != "":
            self._step, self._due_s = STATUS, now.mono_s + 1.0
        elif good and step in NEXT:
            self._step, self._due_s = NEXT[step], now.mono_s
            yield from self.tick(now)
        else:
            self._step, self._due_s = FIND, now.mono_s + self._find_every_s

    def _read(self, data: bytes, now: Moment) -> Iterator[Action]:
        try:
            key = self._key(number_of(data))
        except ProtocolViolation as error:
            self._records += 1
            record = f"{self._name}-{now.wall_s:.3f}-{self._records}"  # epochs begin anew with the process
            yield DeviceRecord(self._name, self._name, record, False, str(error), now.seen())
            return
        if key != self._last[0] or now.mono_s - self._last[1] >= self._again_s:
            yield IdCardRead(self._name, key, now.seen())
        self._last = (key, now.mono_s)

    def _tell(self, fault: str, now: Moment) -> Iterator[Action]:
        if fault != self._state:
            self._state = fault
            yield LinkState(self._name, not fault, False, fault or "SAM module ready", now.seen())

    def command(self, command: Command, now: Moment) -> Iterator[Action]:
        """It takes none."""
        yield outcome(command, Result.REFUSED, "this reader takes no commands", now)

    def lost(self, now: Moment) -> Iterator[DeviceEvent]:
        """The port is gone."""
        yield LinkState(self._name, False, False, "port closed", now.seen())


class IdCardDriver(SerialDriver):
    """A SAM reader on a port. `key` turns an ID number into the key that the permission table knows it by."""

    def __init__(self, name: str, port: str, baud: int, key: Callable[[str], bytes], sink: Sink) -> None:
        super().__init__(name, port, baud, IdCardSession(name, key), sink)

"""RS-485 card readers that are polled: AA AA address D2 out, 69 D2, five bytes and their XOR back.

Source: zhangjin7422, "RS485 reader protocol" (CSDN article 98031798); 19200 8N1, the address low byte first. A reader
holds one card until it is asked, and answers nothing when it has none. An answer carries no address, so the line is
left alone for a whole window after each question, and what comes between windows is thrown away.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import xor

from controllers.doubt import Doubt
from controllers.driver import Capabilities, CardRead, Command, DeviceEvent, LinkState, Result
from controllers.errors import BadSetup, ControllerError, ProtocolViolation
from controllers.serial_frames import Card, card_of
from controllers.serial_reader import Action
from controllers.session import Moment, outcome
from controllers.wiegand import find

HEAD = b"\x69\xd2"
REPLY_BYTES = 8


@dataclass(frozen=True, slots=True)
class PolledReader:
    """A reader on the line."""

    name: str
    address: int  # 0 to 65535
    format: str = "WG32"


def question(address: int) -> bytes:
    """Ask a reader for its card. Raises `BadSetup` for an address that cannot be."""
    if not 0 <= address <= 0xFFFF:
        raise BadSetup(f"no such address: {address}")
    return b"\xaa\xaa" + address.to_bytes(2, "little") + b"\xd2"


def answer(frame: bytes, format_name: str) -> Card:
    """The card in a whole reply; its first byte is the maker's. Raises `ControllerError`."""
    if len(frame) != REPLY_BYTES or frame[:2] != HEAD or reduce(xor, frame[2:]):
        raise ProtocolViolation("not a reply")
    return card_of(format_name, int.from_bytes(frame[3:7], "big"))


class PollSession:
    """Asks one reader after another, for ever."""

    def __init__(
        self, readers: Sequence[PolledReader], window_s: float = 0.06, every_s: float = 0.0, stale_after_s: float = 2.0
    ) -> None:
        if not readers:
            raise BadSetup("no readers to poll")
        self.tick_s = window_s / 4
        self._readers = tuple(readers)
        self._questions = {reader.name: question(reader.address) for reader in readers}
        for reader in readers:
            find(reader.format)
        self._window_s = window_s
        self._every_s = max(every_s, window_s)
        self._stale_after_s = stale_after_s
        self._turn = -1
        self._asked_s = float("-inf")
        self._polled_s: dict[str, float] = {}  # when each was last left with an empty buffer
        self._buffer = bytearray()
        self._doubts = {reader.name: Doubt() for reader in readers}
        self.dropped = 0

    def devices(self) -> dict[str, Capabilities]:
        """The readers, by name."""
        return {reader.name: Capabilities(cards=True) for reader in self._readers}

    def start(self, now: Moment) -> Iterator[Action]:
        """Nobody knows how long the first card of each has waited."""
        self._polled_s.clear()
        self._asked_s = float("-inf")
        for reader in self._readers:
            yield LinkState(reader.name, True, False, "port open", now.seen())
        yield from self.tick(now)

    def received(self, data: bytes, now: Moment) -> Iterator[Action]:
        """Gather the answer. One with bytes behind it is none: a reader says no more than its eight."""
        if now.mono_s - self._asked_s > self._window_s:
            self._broken(now)
            return
        self._buffer += data[: 2 * REPLY_BYTES - len(self._buffer)]
        if len(self._buffer) == REPLY_BYTES:
            yield from self._answered(self._readers[self._turn], bytes(self._buffer), now)

    def _answered(self, reader: PolledReader, frame: bytes, now: Moment) -> Iterator[Action]:
        self._buffer.clear()
        try:
            card = answer(frame, reader.format)
        except ControllerError:
            self._broken(now)
            return
        if not self._doubts[reader.name].counts(card, now.mono_s):
            return
        stale = self._asked_s - self._polled_s.get(reader.name, float("-inf")) > self._stale_after_s
        yield CardRead(reader.name, card.bits, card.bit_count, now.seen(stale))

    def tick(self, now: Moment) -> Iterator[Action]:
        """Ask the next one when its turn has come."""
        if now.mono_s - self._asked_s < self._every_s:
            return
        if self._asked_s > float("-inf"):
            self._polled_s[self._readers[self._turn].name] = self._asked_s
        if self._buffer:
            self._broken(now)
        self._buffer.clear()
        self._turn = (self._turn + 1) % len(self._readers)
        self._asked_s = now.mono_s
        yield self._questions[self._readers[self._turn].name]

    def _broken(self, now: Moment) -> None:
        """The line is common to all: what broke on it may break for each."""
        self.dropped += 1
        for doubt in self._doubts.values():
            doubt.broken(now.mono_s)

    def command(self, command: Command, now: Moment) -> Iterator[Action]:
        """They take none."""
        yield outcome(command, Result.REFUSED, "this reader takes no commands", now)

    def lost(self, now: Moment) -> Iterator[DeviceEvent]:
        """Say so of each."""
        for reader in self._readers:
            yield LinkState(reader.name, False, False, "port closed", now.seen())

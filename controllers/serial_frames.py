"""Frames of serial card readers and Wiegand-to-serial converters, strictly decoded: bytes in, cards out.

| codec | frame | documented by |
| --- | --- | --- |
| `HexCr` | hex digits of a card's bits without parity, CR | Priority 1 Design WIE232-A, WIEG4PRT-A manuals |
| `Dec10CrLf` | 10 decimal digits, CR LF; a key is one byte alone | S4A WIEGAND-Ethernet manual, page 5 |
| `StxEtx` | STX, 10 hex digits, 2 hex digits XOR of the 5 bytes, ETX | Seeed 113020002 wiki, RDM6300 data sheet |

The first two have no checksum (`checked` is False): only exact length, alphabet and an unbroken rhythm speak for them.
Bytes that break a frame are dropped to the next terminator or silence; `dropped` counts such pieces.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Protocol

from controllers.errors import ControllerError, ProtocolViolation
from controllers.wiegand import encode, find

GAP_S = 0.05  # bytes of one frame follow each other closer than this


@dataclass(frozen=True, slots=True)
class Card:
    """Right-aligned bits, as a reader with a Wiegand output would have sent them."""

    bits: int
    bit_count: int


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of a keypad."""

    keys: str


Found = Card | Keys


class Codec(Protocol):
    """Finds frames in a stream of bytes. Call `feed` with nothing after a silence, so that it can tell."""

    checked: bool
    keypad: bool
    dropped: int

    def feed(self, data: bytes, at_s: float) -> Iterator[Found]:
        """Take bytes that arrived at monotonic `at_s`; give what they complete."""


def card_of(format_name: str, number: int) -> Card:
    """A card from its number (facility and card bits in one, as converters give it). Raises `ControllerError`.

    Zero is no card: plain type-B readers give it for every resident ID card, whose PUPI is always zero.
    """
    if number == 0:
        raise ProtocolViolation("an all-zero number")
    places = find(format_name).fields
    facility, card = number >> len(places["C"]), number & ((1 << len(places["C"])) - 1)
    return Card(*encode(format_name, facility, card))


class _Line(ABC):
    """Frames of text that a terminator ends."""

    checked = False

    def __init__(self, pattern: bytes, longest: int, end: bytes, format_name: str, keypad: bool, gap_s: float) -> None:
        self.keypad = keypad
        self.dropped = 0
        self._pattern = re.compile(pattern)
        self._longest = longest
        self._end = end
        self._format = find(format_name).name
        self._gap_s = gap_s
        self._buffer = bytearray()
        self._last_s = float("-inf")

    def feed(self, data: bytes, at_s: float) -> Iterator[Found]:
        """Take bytes; give what they complete."""
        if self._buffer and at_s - self._last_s > self._gap_s:
            yield from self._silence()
        if data:
            self._last_s = at_s
        for byte in data:
            if len(self._buffer) <= self._longest + len(self._end):  # one byte more than fits marks it as too long
                self._buffer.append(byte)
            if byte == self._end[-1]:
                yield from self._frame()

    def _silence(self) -> Iterator[Found]:
        alone = bytes(self._buffer)
        self._buffer.clear()
        if self.keypad and re.fullmatch(rb"[0-9*#]", alone):
            yield Keys(alone.decode())
        elif alone.strip(b"\r\n"):  # some converters end a line more than once
            self.dropped += 1

    def _frame(self) -> Iterator[Found]:
        frame = bytes(self._buffer)
        self._buffer.clear()
        try:
            if not frame.endswith(self._end) or not self._pattern.fullmatch(frame[: -len(self._end)]):
                raise ProtocolViolation("not a frame")
            yield card_of(self._format, self._number(frame[: -len(self._end)]))
        except ControllerError:
            self.dropped += 1

    @abstractmethod
    def _number(self, digits: bytes) -> int:
        """The card's bits out of a frame's digits. Raises `ControllerError`."""


class HexCr(_Line):
    """Hex digits and CR: the card's data bits, whose parity the converter has checked and taken away."""

    def __init__(self, format_name: str = "H10301", gap_s: float = GAP_S) -> None:
        places = find(format_name).fields
        digits = -(-(len(places["F"]) + len(places["C"])) // 4)
        super().__init__(b"[0-9A-F]{%d}" % digits, digits, b"\r", format_name, False, gap_s)

    def _number(self, digits: bytes) -> int:
        return int(digits, 16)


class Dec10CrLf(_Line):
    """Ten decimal digits, CR LF. With `keypad`, a byte alone between two silences is a key."""

    def __init__(self, format_name: str = "WG34N", keypad: bool = False, gap_s: float = GAP_S) -> None:
        super().__init__(b"[0-9]{10}", 10, b"\r\n", format_name, keypad, gap_s)

    def _number(self, digits: bytes) -> int:
        return int(digits)


class StxEtx:
    """STX, ten hex digits, two of their XOR, ETX. The first two digits are the maker's version, not the number."""

    checked = True
    keypad = False

    def __init__(self, format_name: str = "WG32", gap_s: float = GAP_S) -> None:
        self.dropped = 0
        self._format = find(format_name).name
        self._gap_s = gap_s
        self._buffer = bytearray()
        self._last_s = float("-inf")

    def feed(self, data: bytes, at_s: float) -> Iterator[Found]:
        """Take bytes; give what they complete."""
        if self._buffer and at_s - self._last_s > self._gap_s:
            self._drop()
        if data:
            self._last_s = at_s
        for byte in data:
            if byte == 0x02:
                self._drop()
                self._buffer.append(byte)
            elif self._buffer:
                self._buffer.append(byte)
                if len(self._buffer) == 14:
                    yield from self._frame()

    def _drop(self) -> None:
        self.dropped += bool(self._buffer)
        self._buffer.clear()

    def _frame(self) -> Iterator[Found]:
        digits, end = bytes(self._buffer[1:13]), self._buffer[13]
        try:
            if end != 0x03 or not re.fullmatch(rb"[0-9A-F]{12}", digits):
                raise ProtocolViolation("not a frame")
            number = bytes.fromhex(digits.decode())
            if reduce(xor, number):  # five bytes and their XOR
                raise ProtocolViolation("wrong checksum")
            card = card_of(self._format, int.from_bytes(number[1:5], "big"))
        except ControllerError:
            self._drop()
            return
        self._buffer.clear()
        yield card

"""What is printed on a card beside what a reader sent of it: which format, and which byte order, makes them one number.

Cards in China carry their number in several forms. All are one number of 24 or 32 bits:

| form | printed | is |
| --- | --- | --- |
| 8H10D | 0233116943 | 32 bits in ten decimal digits (0DE5150F) |
| 3+5 | 229,05391 | the last 24 bits: 8 and 16 |
| 4H+4H | 21811,65535 | 32 bits: 16 and 16, in decimal |
| 8H | 5533FFFF | 32 bits in hex; 6H is 24 bits |
| card | 1337 | the card field alone: a weak hint |

Readers send the bytes forward or backward, and a short format cuts a long number. A reader whose D0 and D1 are swapped
sends each bit inverted. Sources: card-face tables of Chinese card makers (8H10D, WG26, WG34, "4H+4H").
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from controllers.errors import ProtocolViolation
from controllers.wiegand import CardNumber, candidates, find


@dataclass(frozen=True, slots=True)
class Printed:
    """A reading of what is printed: `width` bits, or 0 where only the card field is known."""

    form: str
    number: int
    width: int


@dataclass(frozen=True, slots=True)
class Match:
    """A format under which the read is the printed number. `cut`: the format is shorter than the number."""

    card: CardNumber
    form: str
    backward: bool
    cut: bool
    inverted: bool

    @property
    def doubt(self) -> tuple[bool, bool, bool, bool, bool]:
        """The less of it, the better the match."""
        return self.inverted, not self.card.parity_ok, self.form == "card", self.cut, self.backward


def readings(text: str) -> list[Printed]:
    """Every reading of a printed number. Raises `ProtocolViolation` when there is none."""
    found = [reading for part in _parts(text) for reading in _readings(part)]
    if not found:
        raise ProtocolViolation(
            f"{text[:40]!r} is no printed form: give 0233116943, 229,05391, 21811,65535 or 5533FFFF"
        )
    return list(dict.fromkeys(found))


def printed_forms(number: int) -> dict[str, str]:
    """How a number of up to 32 bits stands on cards."""
    if not 0 <= number < 1 << 32:
        raise ProtocolViolation("more than 32 bits are not printed in these forms")
    return {
        "8H": f"{number:08X}",
        "8H10D": f"{number:010d}",
        "3+5": f"{number >> 16 & 0xFF:03d},{number & 0xFFFF:05d}",
        "4H+4H": f"{number >> 16:05d},{number & 0xFFFF:05d}",
    }


def learn(first: tuple[int, int], second: tuple[int, int], text: str) -> list[Match]:
    """The formats under which two reads (bits, count) of one card give its printed number, best first.

    Raises:
        ProtocolViolation: the reads differ, or nothing printed can be read.
    """
    if first != second:
        raise ProtocolViolation("the two reads differ: noise on the line, or another card")
    bits, count = first
    if count < 1 or bits >> count:
        raise ProtocolViolation(f"these are more than {count} bits")
    printed = readings(text)
    matches = [
        match
        for inverted, value in ((False, bits), (True, bits ^ ((1 << count) - 1)))
        for card in candidates(value, count)
        if card.parity_ok or not inverted
        for each in printed
        for match in _matches(card, each, inverted)
    ]
    best: dict[tuple[str, bool], Match] = {}
    for match in sorted(matches, key=lambda each: each.doubt):
        best.setdefault((match.card.format, match.backward), match)
    return sorted(best.values(), key=lambda each: each.doubt)


def backward(number: int, width: int) -> int:
    """The bytes of a number of `width` bits in the other order."""
    return int.from_bytes(number.to_bytes(width // 8, "big")[::-1], "big")


def _parts(text: str) -> Iterator[str]:
    """`0233116943 229,05391` is two forms, `229, 05391` one."""
    yield from re.sub(r"\s*[,:+]\s*", ",", text.strip()).split()


def _readings(part: str) -> Iterator[Printed]:
    if pair := re.fullmatch(r"(\d{1,5}),(\d{1,5})", part):
        high, low = int(pair[1]), int(pair[2])
        if len(pair[1]) <= 3 and high < 1 << 8 and low < 1 << 16:
            yield Printed("3+5", high << 16 | low, 24)
        if high < 1 << 16 and low < 1 << 16:
            yield Printed("4H+4H", high << 16 | low, 32)
    if re.fullmatch(r"[0-9A-Fa-f]{8}|[0-9A-Fa-f]{6}", part):
        yield Printed(f"{len(part)}H", int(part, 16), len(part) * 4)
    if re.fullmatch(r"\d{10}", part) and int(part) < 1 << 32:
        yield Printed("8H10D", int(part), 32)
    if re.fullmatch(r"\d{1,20}", part):
        yield Printed("card", int(part), 0)


def _matches(card: CardNumber, printed: Printed, inverted: bool) -> Iterator[Match]:
    layout = find(card.format)
    if printed.width == 0:
        if printed.number == card.card:
            yield Match(card, printed.form, False, False, inverted)
        return
    places = len(layout.fields["C"])
    number, width = card.facility << places | card.card, len(layout.fields["F"]) + places
    for order in (False, True):
        whole = backward(printed.number, printed.width) if order else printed.number
        if whole == number:
            yield Match(card, printed.form, order, False, inverted)
        elif width < printed.width and number in (whole & ((1 << width) - 1), whole >> (printed.width - width)):
            yield Match(card, printed.form, order, True, inverted)

"""Wiegand card formats as data: one row a format, from which cards are decoded and encoded.

A row is a layout and its checks. Layout, first bit on the wire first: `F`, `C`, `I`, `M` and a width are facility,
card, issue and maker (OEM) bits; `D` is a card number in decimal digits of four bits; `F@3,1,2` gives scattered bits,
highest first; `P` is a check bit, `x` one of no known meaning (sent 0, ignored), `0` and `1` are fixed. Checks, in the
order they are computed: `E0:1-12` makes bit 0 even parity over bits 1 to 12, `O` odd; `/110` repeats that mask over
the range; `X32-39:0-31` is a column-wise XOR.

Sources: HID and RF IDeas format sheets and the list in Proxmark3's client (`hf/lf wiegand`, commit 1c8c3b7); the WG
names are those of Chinese reader manuals. Length alone never names a format: a site configures it per reader.
"""

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from controllers.errors import BadSetup, ProtocolViolation

ROWS = """
H10301    P F8 C16 P              E0:1-12 O25:13-24
ind26     P F12 C12 P             E0:1-12 O25:13-24
ind27     F13 C14
indasc27  F@9,4,6,5,0,7,19,8,10,16,24,12,22 C@26,1,3,15,14,17,20,13,25,2,18,21,11,23
Tecom27   F@15,19,24,23,22,18,6,10,14,3,2 C@0,1,13,12,9,26,20,16,17,21,25,7,8,11,4,5
2804W     P x P x F8 C15 P        O2:4-26/110 E0:1-13 O27:0-26
ind29     F13 C16
ATSW30    P F12 C16 P             E0:1-12 O29:13-28
ADT31     x F4 C23 x3
WG32      C32
WIE32     x4 F12 C16
Kastle    P 1 I5 F8 C16 P         E0:1-16 O31:14-30
Kantech   x7 F8 C16 x
HPP32     x F12 C19
HCP32     x C24 x7
D10202    P F7 C24 P              E0:1-16 O32:16-31
H10306    P F16 C16 P             E0:1-16 O33:17-32
N10002    P F16 C16 P             E0:1-16 O33:17-32
BQT34     P F8 C24 P              E0:1-16 O33:17-32
WG34N     P C32 P                 E0:1-16 O33:17-32
Optus34   x C16 x5 F11 x
SMP34     x F13 I3 C16 x
C1k35s    P P F12 C20 P           E1:2-33/110 O34:1-32/110 O0:1-34
C15001    P M10 F8 C16 P          E0:1-17 O35:18-34
S12906    P F8 I2 C24 P           O0:1-17 O35:17-34
ACTPHID   P M10 F8 C16 P          E0:1-17 O35:18-34
H10320    D32 P4                  E32:0-28/1000 O33:1-29/1000 E34:2-30/1000 E35:3-31/1000
Sie36     P F18 C16 P             O0:1-34/101 E35:1-34/110
WG36      P C32 I2 P              E0:1-17 O35:18-34
H10302    P C35 P                 E0:1-18 O36:18-35
H10304    P F16 C19 P             E0:1-18 O36:18-35
P10004    x F13 C18 x5
HGen37    P x P P C32 1           E0:4-32/1000 O2:6-34/1000 E3:7-35/1000
MDI37     P x2 F4 C29 P           E0:1-18 O36:18-35
BQT38     P C19 I4 F13 P          E0:1-18 O37:19-36
ISCS      P M4 F10 C22 P          E0:1-18 O37:19-36
PW39      P F17 C20 P             E0:1-18 O38:19-37
P10001    1111 F12 C16 P8         X32-39:0-31
BC40      M7 F12 C19 x P          O39:19-37
Casi40    x C38 x
Verkada40 P F10 C28 P             E0:1-19 E39:20-38
WG44      C32 I8 P4               X40-43:0-39
H800002   P F14 C30 P             E0:1-22 O45:23-44
C1k48s    P P F22 C23 P           E1:3-46/110 O47:2-45/110 O0:1-47
Avig56    x F20 C34 x
IR56      F24 C32
WG58      P C56 P                 E0:1-28 O57:29-56
WG66      P C64 P                 E0:1-32 O65:33-64
KEY4      C4
KEY8      P4 C4                   O0:4 O1:5 O2:6 O3:7
"""
ALIASES = {
    "WG26": "H10301", "W26": "H10301", "Wiegand26": "H10301", "WG34": "H10306", "W34": "H10306", "Wiegand34": "H10306",
    "WG35": "C1k35s", "WG37": "H10302", "CSN32": "WG32",
}  # fmt: skip
DEFAULT_OEM = {"C15001": 900, "ACTPHID": 900}  # their makers' own code


@dataclass(frozen=True, slots=True)
class Parity:
    """One check bit: XOR of the bits under `mask` (bit 0 is the last on the wire), inverted when odd."""

    bit: int
    odd: bool
    mask: int

    def value(self, bits: int) -> int:
        """What the check bit must be."""
        return (bits & self.mask).bit_count() & 1 ^ self.odd


@dataclass(frozen=True, slots=True)
class Format:
    """A layout: for each field the places of its bits, highest first (place 0 is the last bit on the wire)."""

    name: str
    count: int
    fields: dict[str, tuple[int, ...]]
    parity: tuple[Parity, ...]
    fixed_mask: int
    fixed: int
    decimal: bool = False  # the card number stands in digits of four bits

    def largest(self, field: str) -> int:
        """The largest value of a field."""
        width = len(self.fields[field])
        return 10 ** (width // 4) - 1 if self.decimal and field == "C" else (1 << width) - 1


@dataclass(frozen=True, slots=True)
class CardNumber:
    """What a card says. `oem` is the maker's code where a format has one."""

    format: str
    facility: int
    card: int
    issue: int
    oem: int
    parity_ok: bool


def _positions(text: str) -> list[int]:
    """`1-12`, `7` or `4-26/110` as wire positions."""
    span, _, mask = text.partition("/")
    first, _, last = span.partition("-")
    places = range(int(first), int(last or first) + 1)
    return [place for index, place in enumerate(places) if not mask or mask[index % len(mask)] == "1"]


def _checks(token: str, count: int) -> Iterable[Parity]:
    kind, at, over = re.fullmatch(r"([EOX])([\d-]+):(.+)", token).groups()  # type: ignore[union-attr] # our own rows
    targets, covered = _positions(at), _positions(over)
    for column, target in enumerate(targets):
        places = covered[column :: len(targets)]
        yield Parity(count - 1 - target, kind == "O", sum(1 << (count - 1 - place) for place in places))


def _layout(tokens: list[str]) -> tuple[int, dict[str, list[int]], list[int]]:
    """Width, wire positions of each field, wire positions of the fixed ones and zeros (negative: zero)."""
    at, fields, fixed = 0, {key: [] for key in "FCIM"}, []  # type: tuple[int, dict[str, list[int]], list[int]]
    for token in tokens:
        if "@" in token:
            places = [int(place) for place in token[2:].split(",")]
        else:
            width = len(token) if token[0] in "01" else int(token[1:] or 1)
            places = list(range(at, at + width))
        at += len(places)
        if token[0] in fields or token[0] == "D":
            fields[token[0].replace("D", "C")] = places
        elif token[0] == "1":
            fixed += places
    return at, fields, fixed


def _parse(row: str) -> Format:
    name, *tokens = row.split()
    count, fields, fixed = _layout([token for token in tokens if ":" not in token])
    mask = sum(1 << (count - 1 - place) for place in fixed)
    places = {key: tuple(count - 1 - place for place in wire) for key, wire in fields.items()}
    parity = tuple(check for token in tokens if ":" in token for check in _checks(token, count))
    return Format(name, count, places, parity, mask, mask, any(token[0] == "D" for token in tokens))


def _table() -> dict[str, Format]:
    formats = {item.name: item for item in map(_parse, ROWS.strip().splitlines())}
    return formats | {alias: formats[name] for alias, name in ALIASES.items()}


FORMATS: dict[str, Format] = _table()


def find(name: str) -> Format:
    """The format of this name or alias. Raises `BadSetup` for an unknown one."""
    try:
        return FORMATS[name]
    except KeyError:
        raise BadSetup(f"unknown card format {name!r}") from None


def decode(format_name: str, bits: int, count: int) -> CardNumber:
    """Read a card: `bits` right-aligned, `count` of them. Wrong parity is told, wrong length or fixed bits raise.

    Raises:
        ProtocolViolation: these bits cannot be of this format.
        BadSetup: no such format.
    """
    layout = find(format_name)
    if count != layout.count or bits >> count:
        raise ProtocolViolation(f"{count} bits are not {layout.name}, which has {layout.count}")
    if bits & layout.fixed_mask != layout.fixed:
        raise ProtocolViolation(f"fixed bits are not those of {layout.name}")
    values = {key: _gather(bits, places) for key, places in layout.fields.items()}
    if layout.decimal:
        values["C"] = _decimal(values["C"], layout)
    ok = all(check.value(bits) == bits >> check.bit & 1 for check in layout.parity)
    return CardNumber(layout.name, values["F"], values["C"], values["I"], values["M"], ok)


def encode(format_name: str, facility: int, card: int, issue: int = 0, oem: int | None = None) -> tuple[int, int]:
    """The right-aligned bits of a card and their count. Raises `BadSetup` for a number that does not fit."""
    layout = find(format_name)
    oem = DEFAULT_OEM.get(layout.name, 0) if oem is None else oem
    bits = layout.fixed
    for key, value in (("F", facility), ("C", card), ("I", issue), ("M", oem)):
        places = layout.fields[key]
        if not 0 <= value <= layout.largest(key):
            raise BadSetup(f"{value} does not fit the {len(places)} bits of field {key} of {layout.name}")
        plain = int(str(value), 16) if layout.decimal and key == "C" else value
        bits |= sum((plain >> index & 1) << place for index, place in enumerate(reversed(places)))
    for check in layout.parity:
        bits |= check.value(bits) << check.bit
    return bits, layout.count


def candidates(bits: int, count: int) -> list[CardNumber]:
    """Every reading of these bits, good parity first. For enrolment: length alone never names a format."""
    found = []
    for name, layout in FORMATS.items():
        if name == layout.name and count == layout.count:
            with contextlib.suppress(ProtocolViolation):
                found.append(decode(name, bits, count))
    return sorted(found, key=lambda card: not card.parity_ok)


def from_left_aligned(data: bytes, count: int) -> int:
    """OSDP's raw card data (left-aligned, padded at the end) as right-aligned bits. Raises `ProtocolViolation`."""
    if not 0 < count <= len(data) * 8 or len(data) != (count + 7) // 8:
        raise ProtocolViolation(f"{len(data)} bytes do not hold {count} card bits")
    return int.from_bytes(data, "big") >> (len(data) * 8 - count)


def to_left_aligned(bits: int, count: int) -> bytes:
    """Right-aligned bits as OSDP sends them."""
    size = (count + 7) // 8
    return (bits << (size * 8 - count)).to_bytes(size, "big")


def _gather(bits: int, places: tuple[int, ...]) -> int:
    value = 0
    for place in places:
        value = value << 1 | bits >> place & 1
    return value


def _decimal(value: int, layout: Format) -> int:
    """A number in digits of four bits. Raises `ProtocolViolation`."""
    digits = f"{value:x}"
    if not digits.isdecimal():
        raise ProtocolViolation(f"the number of {layout.name} has a digit above 9")
    return int(digits)

"""The card readers' own Wiegand encoder, written apart from Menjin's decoder so that each checks the other.

Layouts: HID's public 26-bit format (H10301) and the 34-bit format with 16-bit facility (H10306).
"""

from collections.abc import Callable

Bits = tuple[int, int]  # right-aligned value, bit count


def h10301(facility: int, card: int) -> Bits:
    """26 bits: even parity over the first 12 data bits, 8-bit facility, 16-bit card, odd parity over the last 12."""
    return _framed(f"{facility:08b}{card:016b}", 24)


def h10306(facility: int, card: int) -> Bits:
    """34 bits: even parity over the first 16 data bits, 16-bit facility, 16-bit card, odd parity over the last 16."""
    return _framed(f"{facility:016b}{card:016b}", 32)


ENCODERS: dict[str, Callable[[int, int], Bits]] = {"H10301": h10301, "H10306": h10306}


def hex_bits(bits: Bits) -> str:
    """The raw bits as an event writes them: "26:0ca0a73"."""
    value, count = bits
    return f"{count}:{value:0{(count + 3) // 4}x}"


def left_aligned(bits: Bits) -> bytes:
    """The bytes of an OSDP raw card reply: the first bit is the top bit of the first byte."""
    value, count = bits
    size = (count + 7) // 8
    return (value << (size * 8 - count)).to_bytes(size, "big")


def _framed(data: str, data_bits: int) -> Bits:
    if len(data) != data_bits:
        raise ValueError(f"facility or card too large for {data_bits} data bits")
    half = data_bits // 2
    even = data[:half].count("1") % 2
    odd = 1 - data[half:].count("1") % 2
    return int(f"{even}{data}{odd}", 2), data_bits + 2

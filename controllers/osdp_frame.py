"""OSDP frames: bytes to values and back, and a decoder that finds frames in noise (SIA OSDP v2.2, clause 5).

SOM 0x53, address (bit 7: reply), length LE of the whole frame, control (bits 0-1 sequence, bit 2 CRC, bit 3 security
block), the security block (its length, type, data), code, data, 4 bytes of MAC in block types 0x15 to 0x18, and a
CRC-16 LE or a one-byte checksum.
"""

import binascii
from dataclasses import dataclass, field

from controllers.errors import ProtocolViolation

SOM = 0x53
REPLY = 0x80
HEADER_BYTES = 5
MAC_BYTES = 4
MAX_FRAME_BYTES = 1440  # SIA OSDP v2.2 clause 5.6: the largest frame that any device may send
_CRC, _SECURE = 0x04, 0x08
_MAC_TYPES = range(0x15, 0x19)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. `signed` is what a MAC covers: the frame as it was on the wire, up to its MAC."""

    address: int
    sequence: int
    code: int
    data: bytes = b""
    security: bytes = b""  # the security block's type and data; empty when there is none
    reply: bool = False
    crc: bool = True
    mac: bytes = b""
    signed: bytes = field(default=b"", compare=False, repr=False)

    @property
    def has_mac(self) -> bool:
        """Whether the security block's type brings a MAC."""
        return bool(self.security) and self.security[0] in _MAC_TYPES


def head(frame: Frame) -> bytes:
    """The frame up to its MAC, its length field already telling of MAC and check."""
    block = bytes((len(frame.security) + 1,)) + frame.security if frame.security else b""
    check_bytes = 2 if frame.crc else 1
    length = HEADER_BYTES + len(block) + 1 + len(frame.data) + (MAC_BYTES if frame.has_mac else 0) + check_bytes
    control = frame.sequence | (_CRC if frame.crc else 0) | (_SECURE if block else 0)
    start = bytes((SOM, frame.address | (REPLY if frame.reply else 0), length & 0xFF, length >> 8, control))
    return start + block + bytes((frame.code,)) + frame.data


def frame_bytes(frame: Frame) -> int:
    """How many bytes a decoded frame took on the wire."""
    return len(frame.signed) + len(frame.mac) + (2 if frame.crc else 1)


def check(body: bytes, crc: bool = True) -> bytes:
    """The CRC-16 (polynomial 0x1021, initial 0x1D0F, LE) or the checksum of a frame's bytes."""
    if crc:
        return binascii.crc_hqx(body, 0x1D0F).to_bytes(2, "little")
    return bytes((-sum(body) & 0xFF,))


def encode(frame: Frame) -> bytes:
    """The frame as it goes on the wire."""
    body = head(frame) + (frame.mac if frame.has_mac else b"")
    return body + check(body, frame.crc)


def decode(raw: bytes) -> Frame:
    """Read one whole frame. Raises `ProtocolViolation` for a wrong length, check or layout."""
    if len(raw) < HEADER_BYTES + 2 or raw[0] != SOM or int.from_bytes(raw[2:4], "little") != len(raw):
        raise ProtocolViolation("not one whole frame")
    crc = bool(raw[4] & _CRC)
    end = len(raw) - (2 if crc else 1)
    if check(raw[:end], crc) != raw[end:]:
        raise ProtocolViolation("wrong check")
    at = HEADER_BYTES
    security = b""
    if raw[4] & _SECURE:
        security = raw[at + 1 : at + raw[at]]
        at += raw[at]
        if not security:
            raise ProtocolViolation("empty security block")
    mac_at = end - (MAC_BYTES if security and security[0] in _MAC_TYPES else 0)
    if at >= mac_at:
        raise ProtocolViolation("no room for a code")
    return Frame(
        raw[1] & 0x7F, raw[4] & 3, raw[at], raw[at + 1 : mac_at], security,
        bool(raw[1] & REPLY), crc, raw[mac_at:end], raw[:mac_at],
    )  # fmt: skip


class Decoder:
    """Finds whole frames in a stream. Noise is skipped; what is kept never exceeds one frame's greatest length."""

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max = max_frame_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes, give the whole and sound frames in them."""
        found: list[Frame] = []
        for start in range(0, len(data), self._max):
            self._buffer += data[start : start + self._max]
            while self._buffer and (frame := self._next()) is not None:
                found.append(frame)
            del self._buffer[: -self._max]
        return found

    def clear(self) -> None:
        """Forget a half-received frame."""
        self._buffer.clear()

    @property
    def pending(self) -> bool:
        """Whether the start of a frame is waiting for the rest."""
        return bool(self._buffer)

    def _next(self) -> Frame | None:
        """The first sound frame. A false start (noise that looks like one) never hides the frame behind it."""
        buffer = self._buffer
        first_open = len(buffer)
        at = buffer.find(SOM)
        while at >= 0:
            length = int.from_bytes(buffer[at + 2 : at + 4], "little")
            if len(buffer) - at < HEADER_BYTES or (length <= self._max and len(buffer) - at < length):
                first_open = min(first_open, at)
            elif HEADER_BYTES < length <= self._max:
                try:
                    frame = decode(bytes(buffer[at : at + length]))
                except ProtocolViolation:
                    pass
                else:
                    del buffer[: at + length]
                    return frame
            at = buffer.find(SOM, at + 1)
        del buffer[:first_open]
        return None

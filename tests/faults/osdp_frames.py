"""An attacker's frames: a card in plain text, with a right checksum (SIA OSDP v2.2 clause 5)."""

from collections.abc import Iterator

SOM, REPLY, USES_CRC, HAS_SECURITY_BLOCK = 0x53, 0x80, 0x04, 0x08
RAW = 0x50  # osdp_RAW: reader, format, bit count (little-endian), bits left-aligned
SECURED = ((), (0x16,), (0x18,))  # no security block; SCS_16 (authenticated), SCS_18 (and encrypted)


def card_frames(address: int, bits: int, count: int) -> Iterator[bytes]:
    """The card as an answer of a reader, with each sequence number, plain and as if in a secure channel."""
    data = (bits << -count % 8).to_bytes((count + 7) // 8, "big")
    body = bytes((RAW, 0, 1)) + count.to_bytes(2, "little") + data
    for sequence in range(4):
        for kind in SECURED:
            block = bytes((2, *kind)) if kind else b""
            mac = b"\x5a\xa5\x5a\xa5" if kind else b""
            yield frame(address, sequence, block, body + mac)


def frame(address: int, sequence: int, block: bytes, body: bytes) -> bytes:
    """A reply with its checksum."""
    control = sequence | USES_CRC | (HAS_SECURITY_BLOCK if block else 0)
    length = 5 + len(block) + len(body) + 2
    head = bytes((SOM, address | REPLY)) + length.to_bytes(2, "little") + bytes((control,))
    text = head + block + body
    return text + crc16(text).to_bytes(2, "little")


def crc16(data: bytes) -> int:
    """CRC-16 as OSDP has it (annex C): polynomial 0x1021, begun with 0x1D0F."""
    crc = 0x1D0F
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc

"""Which coding does a stream have now? Pure.

A camera whose resolution or profile is changed while it streams sends another sequence parameter set in front of a key
frame. ffmpeg copies it, but the file's beginning keeps the old one: a new run has to begin. What the stream itself sent
first is the measure, for what a camera states beforehand (SDP) is not always what it sends.
"""

from collections.abc import Iterator

LOOKED_BYTES = 4096  # of a key fragment: parameter sets stand before its first picture
_SPS = {"avc": 7, "hev": 33, "hvc": 33}  # NAL unit type: H.264 table 7-1, H.265 table 7-1


def sent(mdat: memoryview, codec: str) -> bytes | None:
    """Return the sequence parameter set before a key fragment's first picture; None when it has none of its own."""
    wanted = _SPS.get(codec[:3])
    for nal in _nals(mdat[:LOOKED_BYTES]):
        kind = nal[0] & 0x1F if codec.startswith("avc") else nal[0] >> 1 & 0x3F
        if kind == wanted:
            return nal
        if kind in range(1, 6) if codec.startswith("avc") else kind < 32:  # a picture
            return None
    return None


def _nals(data: memoryview) -> Iterator[bytes]:
    """Yield the whole units of length-prefixed data (ISO/IEC 14496-15, 5.3.4.2.1; ffmpeg writes four bytes)."""
    at = 0
    while at + 5 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 0 or at + 4 + size > len(data):
            return
        yield bytes(data[at + 4 : at + 4 + size])
        at += 4 + size

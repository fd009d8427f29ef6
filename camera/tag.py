"""H.265 as browsers ask for it: `hvc1`, which Safari demands, where ffmpeg writes `hev1` unless it is told beforehand.

The two differ in the name of the sample entry and in a bit of each array of parameter sets (ISO/IEC 14496-15, 8.3.3 and
8.4.1): that these are all there are. They are, for a change of them begins a new run. ffmpeg refuses to give H.264 that
name, and what a camera sends is known only once it is connected to: so it is done here, without a second connection.
"""

from dataclasses import replace
from pathlib import Path

from camera.boxes import Box, Init, Malformed, boxes, header, inside

_ENTRY = 78  # bytes of a video sample entry before its boxes: ISO/IEC 14496-12, 12.1.3
_ARRAYS = 22  # bytes of `hvcC` before the count of its arrays
_COMPLETE = 0x80


def tagged(init: bytes) -> bytes:
    """Return what stands before a stream's first fragment with `hev1` made `hvc1`; all else as it is.

    Raises:
        Malformed: It is no beginning of an MP4.
    """
    made = bytearray(init)
    with memoryview(init) as data:
        for moov in _children(data, Box("", 0, 0, len(data)), "moov"):
            for trak in _children(data, moov, "trak"):
                stsd = inside(data, trak, "mdia", "minf", "stbl", "stsd")
                entry = header(data, stsd.body + 8, stsd.end) if stsd.body + 16 <= stsd.end else None
                if entry and entry.kind == "hev1" and entry.body + _ENTRY <= entry.end <= stsd.end:
                    made[entry.offset + 4 : entry.body] = b"hvc1"
                    _complete(data, inside(data, entry._replace(body=entry.body + _ENTRY), "hvcC"), made)
    return bytes(made)


def tag_file(path: Path, init: Init) -> Init:
    """Do it to a file, also to one that ffmpeg still writes, which never comes back to its beginning; return it anew.

    Raises:
        OSError, Malformed: The file is as it was.
    """
    if not init.codec.startswith("hev1"):
        return init
    with path.open("r+b", buffering=0) as file:
        made = tagged(file.read(init.size))
        file.seek(0)
        file.write(made)
    return replace(init, codec=f"hvc1{init.codec[4:]}")


def _children(data: memoryview, box: Box, kind: str) -> list[Box]:
    return [child for child in boxes(data, box.body, box.end) if child.kind == kind]


def _complete(data: memoryview, config: Box, made: bytearray) -> None:
    """Set the bit of each array; what passes the box is left alone."""
    at = config.body + _ARRAYS + 1
    for _ in range(data[at - 1] if at <= config.end else 0):
        if at + 3 > config.end:
            raise Malformed(config.offset, "hvcC too short")
        made[at] |= _COMPLETE
        count, at = int.from_bytes(data[at + 1 : at + 3], "big"), at + 3
        for _ in range(count):
            at += 2 + int.from_bytes(data[at : at + 2], "big")

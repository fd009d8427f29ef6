"""The boxes of a fragmented MP4 file (ISO/IEC 14496-12): where it may be cut, and the time of each fragment.

Pure: a buffer in, values out. Times are those of the first video track; of an audio track beside it only the coding and
the timescale are of interest.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

NON_SYNC = 0x10000  # sample_is_non_sync_sample, 8.8.3.1
_HEADER = struct.Struct(">I4s")
# Those that each fragment has: looked up, not looked at.
_KINDS = {kind.encode(): kind for kind in ("moof", "mfhd", "traf", "tfhd", "tfdt", "trun", "mdat", "prft")}
MAX_BOXES = 200_000  # in one file: a minute has about 250


class Malformed(ValueError):
    """The bytes are not what the standard says, from `offset` on."""

    def __init__(self, offset: int, what: str) -> None:
        super().__init__(f"byte {offset}: {what}")
        self.offset = offset
        self.what = what


class Box(NamedTuple):
    """A box: its header starts at `offset`, its content at `body`, the next box at `end`."""

    kind: str
    offset: int
    body: int
    end: int


@dataclass(frozen=True, slots=True)
class Init:
    """What stands before the first fragment: `ftyp` and `moov`, `size` bytes."""

    size: int
    timescale: int
    codec: str
    width: int
    height: int
    sample_duration: int
    sample_size: int
    sample_flags: int
    track: int = 1
    audio: str = ""
    timescales: tuple[tuple[int, int], ...] = ()  # of each track by its id


@dataclass(frozen=True, slots=True)
class Fragment:
    """One `moof` with its `mdat`. Times are in units of the video track's timescale; one of sound alone has no samples.

    `wall_us` is the sender's wall time of its start (8.16.5), in Unix microseconds: the camera's, once it told by RTCP.
    """

    offset: int
    size: int
    start: int
    duration: int
    samples: int
    key: bool
    wall_us: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A file's structure. Up to `whole_bytes` it plays; what follows is torn, or wrong if `fault` is set."""

    init: Init | None
    fragments: tuple[Fragment, ...] = field(default=())
    whole_bytes: int = 0
    fault: Malformed | None = None


def layout(data: memoryview, init: Init | None = None, start: int = 0) -> Layout:
    """Return the structure of a file's bytes from `start` on, as far as it is whole; never raises for bad bytes."""
    fragments: list[Fragment] = []
    whole, moof, wall_us = start, None, None
    try:
        for box in boxes(data, start, len(data)):
            if box.kind == "moov":
                init = read_init(data, box)
            elif box.kind == "moof":
                moof = box
                continue
            elif box.kind == "mdat":
                last = fragments[-1] if fragments else None
                fragments.append(_pair(data, init, moof, box, last, wall_us))
                wall_us = None
            elif moof is not None:
                raise Malformed(box.offset, f"{box.kind} between a moof and its mdat")
            elif box.kind == "prft":
                wall_us = _prft_us(data, box)
            moof, whole = None, box.end
    except Malformed as fault:
        return Layout(init, tuple(fragments), whole, fault)
    return Layout(init, tuple(fragments), whole)


def boxes(data: memoryview, start: int, end: int) -> Iterator[Box]:
    """Yield the whole boxes in a range; a box that passes the end is not there yet.

    Raises:
        Malformed: A size or type that no box can have.
    """
    for _ in range(MAX_BOXES):
        if start + 8 > end:
            return
        box = header(data, start, end)
        if box is None or box.end > end:
            return
        yield box
        start = box.end
    raise Malformed(start, "too many boxes")


def header(data: memoryview, offset: int, end: int) -> Box | None:
    """Return the box that starts here (4.2), or None when its header is not whole."""
    size, kind = _HEADER.unpack_from(data, offset)
    name = _KINDS.get(kind) or _kind(kind, offset)
    body = offset + 8
    if size == 1:
        if offset + 16 > end:
            return None
        size = struct.unpack_from(">Q", data, body)[0]
        body += 8
    if size < body - offset:
        raise Malformed(offset, "a box shorter than its header")
    return Box(name, offset, body, offset + size)


def _kind(kind: bytes, offset: int) -> str:
    if not all(0x20 <= char < 0x7F for char in kind):
        raise Malformed(offset + 4, "no box type")
    return kind.decode("ascii")


def read_init(data: memoryview, moov: Box) -> Init:
    """Return what `moov` says of its tracks."""
    tracks = [_track(data, box) for box in boxes(data, moov.body, moov.end) if box.kind == "trak"]
    video = next((each for each in tracks if each.handler == b"vide"), None)
    if video is None:
        raise Malformed(moov.offset, "no video track")
    stsd = video.stsd
    entry = header(data, stsd.body + 8, stsd.end) if stsd.body + 16 <= stsd.end else None
    if entry is None or entry.end > stsd.end or entry.body + 78 > entry.end:
        raise Malformed(stsd.offset, "no video sample entry")
    width, height = struct.unpack_from(">HH", data, entry.body + 24)
    audio = next((_audio(data, each.stsd) for each in tracks if each.handler == b"soun"), "")
    timescales = tuple((each.id, each.timescale) for each in tracks)
    defaults = _trex(data, moov, video.id)
    return Init(moov.end, video.timescale, _codec(data, entry), width, height, *defaults, video.id, audio, timescales)


class _Track(NamedTuple):
    id: int
    handler: bytes
    timescale: int
    stsd: Box


def _track(data: memoryview, trak: Box) -> _Track:
    """Return what a `trak` says (8.3.2, 8.4.2, 8.4.3)."""
    tkhd, mdia = inside(data, trak, "tkhd"), inside(data, trak, "mdia")
    number = _u32(data, tkhd, 20 if _u32(data, tkhd, 0) >> 24 else 12)
    mdhd, hdlr = inside(data, mdia, "mdhd"), inside(data, mdia, "hdlr")
    timescale = _u32(data, mdhd, 20 if _u32(data, mdhd, 0) >> 24 else 12)  # version 1 has 64-bit times
    if not timescale:
        raise Malformed(mdhd.body, "a timescale of zero")
    return _Track(number, _u32(data, hdlr, 8).to_bytes(4, "big"), timescale, inside(data, mdia, "minf", "stbl", "stsd"))


def _trex(data: memoryview, moov: Box, track: int) -> tuple[int, int, int]:
    """Return duration, size and flags of a track's samples where a fragment states none (8.8.3)."""
    mvex = inside(data, moov, "mvex")
    for trex in boxes(data, mvex.body, mvex.end):
        if trex.kind == "trex" and _u32(data, trex, 4) == track:
            return _u32(data, trex, 12), _u32(data, trex, 16), _u32(data, trex, 20)
    raise Malformed(mvex.offset, "mvex without the track's trex")


def _audio(data: memoryview, stsd: Box) -> str:
    """Return the codecs parameter of sound; AAC by its object type (RFC 6381, 3.3), others by their name."""
    entry = header(data, stsd.body + 8, stsd.end) if stsd.body + 16 <= stsd.end else None
    if entry is None:
        raise Malformed(stsd.offset, "no audio sample entry")
    return "mp4a.40.2" if entry.kind == "mp4a" else entry.kind


def read_fragment(
    data: memoryview, init: Init, moof: Box, mdat: Box, start: int = 0, wall_us: int | None = None
) -> Fragment:
    """Return the times and the first sample's key flag of a fragment (8.8.7, 8.8.8, 8.8.12).

    One without pictures starts, and ends, at `start`.
    """
    length = mdat.end - moof.offset
    for traf in boxes(data, moof.body, moof.end):
        if traf.kind != "traf":
            continue
        inside = list(boxes(data, traf.body, traf.end))
        tfhd, tfdt = (_first(traf, inside, kind) for kind in ("tfhd", "tfdt"))
        if _u32(data, tfhd, 4) != init.track:
            continue
        duration, size, flags = _track_defaults(data, init, tfhd)
        start = decode_time(data, tfdt)
        runs = [_run(data, box, duration, size, flags) for box in inside if box.kind == "trun"]
        if not runs:
            raise Malformed(traf.offset, "a fragment without samples")
        total, count = sum(run[1] for run in runs), sum(run[2] for run in runs)
        if total > mdat.end - mdat.body:
            raise Malformed(moof.offset, "samples beyond their mdat")
        key = not runs[0][3] & NON_SYNC
        return Fragment(moof.offset, length, start, sum(run[0] for run in runs), count, key, wall_us)
    return Fragment(moof.offset, length, start, 0, 0, False)


def track_duration(data: memoryview, init: Init, traf: Box) -> int:
    """Return how long a fragment's samples of one track last, in that track's timescale."""
    defaults = _track_defaults(data, init, inside(data, traf, "tfhd"))
    return sum(_run(data, b, *defaults)[0] for b in boxes(data, traf.body, traf.end) if b.kind == "trun")


def decode_time(data: memoryview, tfdt: Box) -> int:
    """Return the time of a fragment's first sample; version 1 has 64 bits (8.8.12.2)."""
    start = _u32(data, tfdt, 4)
    return start << 32 | _u32(data, tfdt, 8) if _u32(data, tfdt, 0) >> 24 else start


def _prft_us(data: memoryview, prft: Box) -> int:
    """Return the sender's wall time of what follows, from NTP's epoch of 1900 to Unix' (8.16.5)."""
    seconds, fraction = _u32(data, prft, 8), _u32(data, prft, 12)
    return (seconds - 2_208_988_800) * 1_000_000 + (fraction * 1_000_000 >> 32)


def _pair(
    data: memoryview, init: Init | None, moof: Box | None, mdat: Box, last: Fragment | None, wall_us: int | None
) -> Fragment:
    if init is None or moof is None:
        raise Malformed(mdat.offset, "an mdat without its moof")
    return read_fragment(data, init, moof, mdat, last.start + last.duration if last else 0, wall_us)


def _track_defaults(data: memoryview, init: Init, tfhd: Box) -> tuple[int, int, int]:
    """Return duration, size and flags of a sample that states none, 8.8.7."""
    present = _u32(data, tfhd, 0) & 0xFFFFFF
    at = 8 + 8 * bool(present & 0x1) + 4 * bool(present & 0x2)
    values = [init.sample_duration, init.sample_size, init.sample_flags]
    for n, bit in enumerate((0x8, 0x10, 0x20)):
        if present & bit:
            values[n] = _u32(data, tfhd, at)
            at += 4
    return values[0], values[1], values[2]


def _run(data: memoryview, trun: Box, duration: int, size: int, flags: int) -> tuple[int, int, int, int]:
    """Return total duration, total bytes, number of samples and the first sample's flags, 8.8.8."""
    present, count = _u32(data, trun, 0) & 0xFFFFFF, _u32(data, trun, 4)
    at = 8 + 4 * bool(present & 0x1)
    if present & 0x4:
        flags = _u32(data, trun, at)
        at += 4
    fields = [bit for bit in (0x100, 0x200, 0x400, 0x800) if present & bit]
    if trun.body + at + 4 * len(fields) * count > trun.end:
        raise Malformed(trun.offset, "more samples than bytes")
    table = struct.unpack_from(f">{len(fields) * count}I", data, trun.body + at)
    columns = {bit: table[n :: len(fields)] for n, bit in enumerate(fields)}
    if count and 0x400 in columns and not present & 0x4:
        flags = columns[0x400][0]
    durations, sizes = columns.get(0x100), columns.get(0x200)
    total_s = sum(durations) if durations else duration * count
    return total_s, sum(sizes) if sizes else size * count, count, flags


def _codec(data: memoryview, entry: Box) -> str:
    """Return the codecs parameter of a MIME type: RFC 6381, and ISO/IEC 14496-15 annex E for HEVC."""
    wanted = {"avc1": "avcC", "avc3": "avcC", "hvc1": "hvcC", "hev1": "hvcC"}.get(entry.kind)
    config = next((box for box in boxes(data, entry.body + 78, entry.end) if box.kind == wanted), None)
    if config is None or config.body + 13 > config.end:
        return entry.kind
    record = bytes(data[config.body : config.body + 13])
    if wanted == "avcC":
        return f"{entry.kind}.{record[1:4].hex()}"
    profile, tier = record[1] & 0x1F, "H" if record[1] & 0x20 else "L"
    space = ("", "A", "B", "C")[record[1] >> 6]
    compatible = int(f"{int.from_bytes(record[2:6], 'big'):032b}"[::-1], 2)
    constraints = "".join(f".{byte:x}" for byte in record[6:12].rstrip(b"\0"))
    return f"{entry.kind}.{space}{profile}.{compatible:x}.{tier}{record[12]}{constraints}"


def _first(box: Box, inside: Sequence[Box], kind: str) -> Box:
    found = next((child for child in inside if child.kind == kind), None)
    if found is None:
        raise Malformed(box.offset, f"{box.kind} without {kind}")
    return found


def inside(data: memoryview, box: Box, *path: str) -> Box:
    """Return the first box at a path of types below a box."""
    for kind in path:
        found = next((child for child in boxes(data, box.body, box.end) if child.kind == kind), None)
        if found is None:
            raise Malformed(box.offset, f"{box.kind} without {kind}")
        box = found
    return box


def _u32(data: memoryview, box: Box, at: int) -> int:
    if box.body + at + 4 > box.end:
        raise Malformed(box.offset, f"{box.kind} too short")
    value: int = struct.unpack_from(">I", data, box.body + at)[0]
    return value

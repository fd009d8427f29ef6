"""A clip by stream copy: the fragments of several files with new times, not one picture re-encoded.

A clip begins at the key frame at or before the wished moment and ends with the fragment (a quarter of a second) that
holds the last one: pictures of a group need their key frame. Files of one run join without a seam; after a gap the
clip's clock goes on by wall time. Where the coding changed, or wall time goes back, a new part begins.
"""

import mmap
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from camera.boxes import Box, Fragment, Init, Malformed, boxes, decode_time, layout, track_duration
from camera.footage import Footage
from camera.recorded import JOIN_US
from camera.segment import US, Segment


@dataclass(frozen=True, slots=True)
class Begin:
    """A part begins: what stands before its first fragment, and the wall time of its first picture."""

    init: bytes
    segment: Segment
    start_us: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A fragment of the part, in its place; it ends at this wall time."""

    data: bytes
    end_us: int


def clip(footage: Footage, segments: Sequence[Segment], from_us: int, to_us: int) -> Iterator[Begin | Piece]:
    """Yield the parts of [from, to) of one camera, in order.

    Raises:
        FileNotFoundError: Retention took a file meanwhile.
        Malformed: A file is damaged.
    """
    writer: _Writer | None = None
    for segment in segments:
        with (
            footage.open(segment.id, segment.camera) as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pages,
            memoryview(pages) as data,
        ):
            init = bytes(data[: segment.init_bytes])
            with memoryview(init) as start:
                shape = layout(start).init
            if shape is None:
                raise Malformed(0, f"{segment.id} has no beginning")
            wanted = _wanted(segment, shape, data, from_us, to_us)
            start_us = segment.start_us + _us(wanted[0].start, shape) if wanted else 0
            if wanted and (writer is None or writer.init != init or start_us < writer.end_us - JOIN_US):
                writer = _Writer(init, shape, start_us)
                yield Begin(init, segment, start_us)
            for each in wanted if writer else ():
                yield writer.piece(segment, each, data)  # type: ignore[union-attr] # there is one, or nothing is wanted


def _wanted(segment: Segment, init: Init, data: memoryview, from_us: int, to_us: int) -> Sequence[Fragment]:
    """Return the fragments of [from, to), from the key frame at or before `from` on; only their groups are read."""
    begins = [gop.offset for gop in segment.gops if segment.start_us + gop.start_us <= from_us]
    ends = [gop.offset for gop in segment.gops if segment.start_us + gop.start_us >= to_us]
    with data[: ends[0] if ends else len(data)] as groups:
        found = layout(groups, init, begins[-1] if begins else init.size).fragments
    return [each for each in found if segment.start_us + _us(each.start, init) < to_us]


def _us(units: int, init: Init) -> int:
    return units * US // init.timescale


class _Writer:
    """Gives fragments of one part their new times and numbers."""

    def __init__(self, init: bytes, shape: Init, start_us: int) -> None:
        self.init, self.end_us = init, start_us
        self._shape, self._start_us = shape, start_us
        self._end, self._count = 0, 0
        self._run, self._number = "", -1
        self._ends: dict[int, int] = {}

    def piece(self, segment: Segment, fragment: Fragment, data: memoryview) -> Piece:
        """Return a fragment of the next file or of the same one."""
        timescale = self._shape.timescale
        wall_us = segment.start_us + fragment.start * US // timescale
        follows = segment.run == self._run and segment.number in (self._number, self._number + 1)
        start = self._end if follows else max(self._end, (wall_us - self._start_us) * timescale // US)
        self._run, self._number = segment.run, segment.number
        self._end, self._count = start + fragment.duration, self._count + 1
        bytes_ = bytearray(data[fragment.offset : fragment.offset + fragment.size])
        retime(bytes_, self._count, start, self._shape, self._ends)
        self.end_us = wall_us + fragment.duration * US // timescale
        return Piece(bytes(bytes_), self.end_us)


def retime(
    fragment: bytearray, number: int, start: int, init: Init | None = None, ends: dict[int, int] | None = None
) -> None:
    """Set a fragment's sequence number (ISO/IEC 14496-12, 8.8.5) and its decode times (8.8.12), in place.

    With `init`, sound moves with the pictures, and never begins before it ended: `ends` has, by track, where it did.
    Without, all tracks start at `start`.

    Raises:
        Malformed: It is no fragment, or has no room for the time.
    """
    with memoryview(fragment) as view:
        moof = next(iter(boxes(view, 0, len(view))), None)
        if moof is None or moof.kind != "moof":
            raise Malformed(0, "no moof")
        for box in boxes(view, moof.body, moof.end):
            if box.kind == "mfhd":
                struct.pack_into(">I", view, box.body + 4, number)
        tracks = list(_tracks(view, moof))
        if init is None or ends is None:
            for each in tracks:
                _set_time(view, each.tfdt, start)
        else:
            _move(view, tracks, start, init, ends)


def _move(view: memoryview, tracks: "Sequence[_Track]", start: int, init: Init, ends: dict[int, int]) -> None:
    before = next((decode_time(view, each.tfdt) for each in tracks if each.id == init.track), start)
    for each in tracks:
        timescale = dict(init.timescales).get(each.id, init.timescale)
        moved = decode_time(view, each.tfdt) + (start - before) * timescale // init.timescale
        time = start if each.id == init.track else max(moved, ends.get(each.id, 0))
        _set_time(view, each.tfdt, time)
        ends[each.id] = time + track_duration(view, init, each.traf)


class _Track(NamedTuple):
    """Where a fragment says what it has of one track."""

    id: int
    traf: Box
    tfdt: Box


def _tracks(view: memoryview, moof: Box) -> Iterator[_Track]:
    for traf in boxes(view, moof.body, moof.end):
        inner = {box.kind: box for box in boxes(view, traf.body, traf.end)} if traf.kind == "traf" else {}
        if "tfhd" in inner and "tfdt" in inner:
            number: int = struct.unpack_from(">I", view, inner["tfhd"].body + 4)[0]
            yield _Track(number, traf, inner["tfdt"])


def _set_time(view: memoryview, tfdt: Box, start: int) -> None:
    long = view[tfdt.body] == 1
    if not long and start >= 1 << 32:
        raise Malformed(tfdt.offset, "a time of 32 bits is too short")
    struct.pack_into(">Q" if long else ">I", view, tfdt.body + 4, start)

"""The recorder's nouns. Times are Unix microseconds in UTC (`_us`), taken from stream time, never from a file name."""

import hashlib
import json
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

US = 1_000_000
DAY_US = 86_400 * US
ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}-[0-9]{6}")
LONGEST_US = 1_000 * US  # no file is longer than settings allow (600 s): bounds the search for overlaps
MOST_BYTES = (1 << 32) - 1  # of a file: what the index can address
_GOP = struct.Struct("<IIIII")


@dataclass(frozen=True, slots=True)
class Gop:
    """A group of pictures: bytes of a file that play by themselves after its init. `start_us` is from the file's start.

    The CRC-32 only says where a file was altered; that it was, its SHA-256 proves.
    """

    offset: int
    size: int
    start_us: int
    duration_us: int
    crc32: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of footage. `id` is its run and its number in the run; `sha256` is empty while it is being written."""

    id: str
    camera: str
    start_us: int
    end_us: int
    bytes: int
    path: str
    init_bytes: int
    mime: str
    width: int
    height: int
    gops: tuple[Gop, ...]
    sha256: str = ""
    salvaged: bool = False
    seq: int = 0
    prev: str = ""
    chain: str = ""
    disk: str = ""  # empty: the first one, where the index is

    @property
    def run(self) -> str:
        """Return the id of the run: the segments of one connection, without a gap."""
        return self.id.rpartition("-")[0]

    @property
    def number(self) -> int:
        """Return the segment's place in its run."""
        return int(self.id.rpartition("-")[2])

    def linked(self, seq: int, prev: str) -> "Segment":
        """Return the segment as link `seq` of its camera's hash chain, after the link `prev`."""
        return replace(self, seq=seq, prev=prev, chain=link(self, seq, prev))


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without footage, and why. `to_us` is None while it lasts."""

    camera: str
    from_us: int
    to_us: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Footage kept past its retention, for a stated reason, until a moment or until it is lifted."""

    id: int
    camera: str
    from_us: int
    to_us: int
    reason: str
    by: str
    until_us: int | None = None

    def alive(self, now_us: int) -> bool:
        """Tell whether its time has not run out."""
        return self.until_us is None or now_us < self.until_us

    def keeps(self, segment: Segment, now_us: int) -> bool:
        """Tell whether the segment has to stay."""
        same = main_name(self.camera) == main_name(segment.camera)
        return self.alive(now_us) and same and segment.start_us < self.to_us and self.from_us < segment.end_us


@dataclass(frozen=True, slots=True)
class Erased:
    """Neighbouring links of a camera's chain whose files retention removed."""

    camera: str
    from_seq: int
    to_seq: int
    prev: str
    chain: str
    from_us: int
    to_us: int
    reason: str


SUB = ".sub"  # no camera's name has a dot


def sub_name(camera: str) -> str:
    """Return what a camera's sub stream is called."""
    return camera + SUB


def main_name(stream: str) -> str:
    """Return the camera that a stream belongs to."""
    return stream.removesuffix(SUB)


def begun_us(id: str) -> int:
    """Return when a run began, from its id or that of one of its files: about, and by the clock of then."""
    return int(datetime.strptime(id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()) * US


def link(segment: Segment, seq: int, prev: str) -> str:
    """Return SHA-256 over the previous link and what this row states."""
    stated = [segment.id, segment.camera, seq, segment.start_us, segment.end_us, segment.bytes, segment.sha256]
    return hashlib.sha256((prev + json.dumps(stated, separators=(",", ":"))).encode()).hexdigest()


def pack_gops(gops: Iterable[Gop]) -> bytes:
    """Return the index's form: 20 bytes a group."""
    return b"".join(_GOP.pack(gop.offset, gop.size, gop.start_us, gop.duration_us, gop.crc32) for gop in gops)


def unpack_gops(blob: bytes) -> tuple[Gop, ...]:
    """Return the groups of the index's form."""
    return tuple(Gop(*numbers) for numbers in _GOP.iter_unpack(blob))

"""Does the disk still hold what was recorded? Every file against its row, every row against its chain.

The chain is not signed: who can rewrite the whole index can rewrite the chain. It proves an archive whole against
damage, deletion and swapped files; and against its owner once its newest link was kept elsewhere (an export, a log).
"""

import hashlib
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from zlib_ng.zlib_ng import crc32

from camera import disk
from camera.boxes import layout
from camera.database import Database
from camera.disks import MARKER
from camera.segment import Erased, Segment, link
from camera.snapshots import Snapshot, Snapshots
from camera.timeline import Timeline


class Kind(StrEnum):
    """What can be wrong."""

    NO_INDEX = "no_index"
    DAMAGED_INDEX = "damaged_index"
    MISSING_FILE = "missing_file"
    WRONG_SIZE = "wrong_size"
    ALTERED = "altered"
    BROKEN_BOXES = "broken_boxes"
    ALTERED_ROW = "altered_row"
    MISSING_ROW = "missing_row"
    UNFINISHED_DELETION = "unfinished_deletion"
    ORPHAN_FILE = "orphan_file"
    MISSING_DISK = "missing_disk"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: a file's bytes [offset, offset + size), or a row (offset None)."""

    kind: Kind
    camera: str
    path: str
    detail: str
    offset: int | None = None
    size: int | None = None

    def __str__(self) -> str:
        place = "" if self.offset is None else f" byte {self.offset}" + (f" (+{self.size})" if self.size else "")
        return f"{self.path or self.camera}{place}: {self.kind}: {self.detail}"


def check(root: Path) -> list[Fault]:
    """Return what is wrong with a recordings folder; [] when all is well. Reads every byte of it.

    May run beside a recorder; what is being written (`incoming/`) is not looked at.
    """
    if not (root / disk.INDEX).is_file():
        return [Fault(Kind.NO_INDEX, "", disk.INDEX, "the folder has no index")]
    if why := index_fault(root):
        return [Fault(Kind.DAMAGED_INDEX, "", disk.INDEX, why)]
    database = Database(root / disk.INDEX)
    try:
        timeline = Timeline(database)
        disks = {"": root, **{name: Path(folder) for name, folder in timeline.disks().items()}}
        missing = {name for name in timeline.used_disks() if not (disks[name] / MARKER).exists() and name}
        faults = [Fault(Kind.MISSING_DISK, "", str(disks[name]), f"disk {name} is not there") for name in missing]
        for camera in timeline.cameras():
            faults += _check_camera(root, timeline, camera, missing)
        faults += _check_snapshots(root, Snapshots(root, database))
        faults += [Fault(Kind.UNFINISHED_DELETION, "", path, "start the recorder") for path in timeline.garbage()]
        return faults + [each for name, folder in disks.items() for each in _orphans(name, folder, timeline)]
    finally:
        database.close()


def index_fault(root: Path) -> str:
    """Return what is wrong with the index' own file; "" when SQLite finds it whole."""
    try:
        with closing(sqlite3.connect(root / disk.INDEX, timeout=5)) as connection:
            said = str(connection.execute("pragma quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError:
        raise  # it cannot be opened or is locked, which says nothing of its content
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if said == "ok" else said


def _check_camera(root: Path, timeline: Timeline, camera: str, missing: Collection[str]) -> Iterator[Fault]:
    segments = list(timeline.chain(camera))
    yield from _check_chain(camera, segments, timeline.erased(camera), timeline.head(camera))
    for segment in segments:
        if segment.disk not in missing:
            yield from _check_file(root, segment)


def _check_chain(camera: str, segments: list[Segment], erased: list[Erased], head: tuple[int, str]) -> Iterator[Fault]:
    """Walk the links, kept and erased, in their order; each must begin where the one before it ended."""
    links = [(s.seq, s.seq, s.prev, s.chain, s.path) for s in segments]
    links += [(e.from_seq, e.to_seq, e.prev, e.chain, "") for e in erased]
    expected_seq, expected_prev = 1, ""
    for first, last, prev, chain, path in [*sorted(links), (head[0] + 1, head[0] + 1, head[1], "", "")]:
        if first != expected_seq:
            yield Fault(Kind.MISSING_ROW, camera, path, f"links {expected_seq} to {first - 1} are missing")
        elif prev != expected_prev:
            yield Fault(Kind.ALTERED_ROW, camera, path, f"link {first} does not follow link {first - 1}")
        expected_seq, expected_prev = last + 1, chain
    for segment in segments:
        if link(segment, segment.seq, segment.prev) != segment.chain:
            yield Fault(Kind.ALTERED_ROW, camera, segment.path, f"link {segment.seq} does not match its row")


def _check_file(root: Path, segment: Segment) -> Iterator[Fault]:
    path = root / segment.path
    if not path.is_file():
        yield Fault(Kind.MISSING_FILE, segment.camera, segment.path, "the file is gone")
        return
    size = path.stat().st_size
    if size != segment.bytes:
        at = min(size, segment.bytes)
        yield Fault(Kind.WRONG_SIZE, segment.camera, segment.path, f"{size} bytes, not {segment.bytes}", at)
    with disk.mapped(path) as data:
        if hashlib.sha256(data).hexdigest() == segment.sha256:
            return
        yield from _altered(segment, data)


def _altered(segment: Segment, data: memoryview) -> Iterator[Fault]:
    """Name the groups of pictures whose bytes changed, and what of the structure broke."""
    shape = layout(data)
    if shape.fault:
        yield Fault(Kind.BROKEN_BOXES, segment.camera, segment.path, shape.fault.what, shape.fault.offset)
    whole = True
    for gop in segment.gops:
        if crc32(data[gop.offset : gop.offset + gop.size]) != gop.crc32:
            whole = False
            detail = f"the pictures from {gop.start_us / 1e6:.3f} s on are not those recorded"
            yield Fault(Kind.ALTERED, segment.camera, segment.path, detail, gop.offset, gop.size)
    if whole:  # then it is what no group covers: the init, or the list of fragments at the end
        start = segment.gops[0].offset if segment.gops else 0
        intact = layout(data[:start]).init is not None and not shape.fault
        detail = "outside the pictures: the file's beginning or end" + ("" if intact else ", which is broken")
        yield Fault(Kind.ALTERED, segment.camera, segment.path, detail, 0, start)


def _check_snapshots(root: Path, snapshots: Snapshots) -> Iterator[Fault]:
    for each in snapshots.pictures():
        if fault := _wrong(root / each.path, each):
            yield Fault(fault[0], each.camera, each.path, fault[1])
    for path in (each for each in snapshots.orphans() if each.suffix == ".jpg"):  # the rest is being written
        name = path.relative_to(root)
        yield Fault(Kind.ORPHAN_FILE, name.parts[1], str(name), "no row knows this picture")


def _wrong(path: Path, snapshot: Snapshot) -> tuple[Kind, str] | None:
    if not path.is_file():
        return Kind.MISSING_FILE, "the picture is gone"
    same = hashlib.sha256(path.read_bytes()).hexdigest() == snapshot.sha256
    return None if same else (Kind.ALTERED, "the picture is not the one that was kept")


def _orphans(name: str, root: Path, timeline: Timeline) -> Iterator[Fault]:
    for path in sorted(root.glob("*/????-??-??/??/*.mp4")):
        if timeline.segment(path.stem) is None:
            place = path if name else path.relative_to(root)  # as rows have it
            yield Fault(Kind.ORPHAN_FILE, path.relative_to(root).parts[0], str(place), "no row knows this file")

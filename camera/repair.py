"""Makes index and disk agree again where `camera.check` found that they do not; nothing of a picture is thrown away.

| found | done |
| --- | --- |
| a crash' left-overs | taken in, as at each start |
| a file without a row | taken in |
| no index | made anew from the files on all disks; holds, gaps and reasons are gone with it |
| an index that SQLite cannot read | put into `unusable/`, made anew likewise |
| a row without its file | the row goes; its link stays in the chain, as `lost` |
| a file that lost its end | what plays and is as recorded is taken in anew; the old link stays, as `damaged` |
| a file with other bytes | put into `unusable/` for a person to look at; its link stays, as `damaged` |
| a picture of an event without a row, gone, altered | taken in; its row says `lost`; put into `unusable/`, `damaged` |
| a disk that is said to be lost | its rows go, as those of lost files |
| a row or link that was altered | left: what was stated cannot be known again |
"""

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zlib_ng.zlib_ng import crc32

from camera import disk
from camera.check import Fault, Kind, check, index_fault
from camera.database import Database
from camera.disks import MARKER, Disks
from camera.index import Index
from camera.recorded import recount
from camera.recording import Archive
from camera.recovery import readopt, recover
from camera.retention import finish_garbage
from camera.segment import Segment
from camera.snapshots import FOLDER, Snapshots
from camera.timeline import Timeline

MOST_LOST = 0.5  # of the rows; more say that a disk is missing, not that files are


class RepairRefused(Exception):
    """The folder is not in a state in which repairing does more good than harm; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was done about a fault."""

    kind: Kind
    path: str
    done: str


def repair(
    root: Path,
    now_us: int,
    most_lost: float = MOST_LOST,
    disks: Mapping[str, Path] | None = None,
    lost: Sequence[str] = (),
) -> list[Repaired]:
    """Repair a recordings folder; return what was done. Reads every byte of it; no recorder may run meanwhile.

    Args:
        root: The first disk's folder.
        now_us: The moment, in Unix microseconds.
        most_lost: More missing files than this share are taken for a missing disk.
        disks: The other disks' folders by name, as the site file has them: a lost index does not know them.
        lost: Names of disks that will not come back.

    Raises:
        RepairRefused: More than `most_lost` of the files are gone, or a disk is missing; or one that is `lost` is not.
        FolderInUse: A recorder runs.
    """
    lock = disk.lock(root)
    try:
        done = _index_aside(root, now_us)
        database = Database(root / disk.INDEX)
    except BaseException:
        os.close(lock)
        raise
    try:
        timeline = Timeline(database)
        index = Index(database)
        index.know_disks({name: str(folder) for name, folder in (disks or {}).items() if name not in lost})
        for name in lost:
            done += _given_up(index, timeline, name)
        archive = Archive(root, index, _disks(root, timeline))
        recovered = recover(archive, timeline, now_us)
        _refuse(timeline, faults := check(root), most_lost)
        done += [Repaired(Kind.ORPHAN_FILE, name, _taken_in(archive, name)) for name in recovered.salvaged]
        for path in dict.fromkeys(fault.path for fault in faults):
            kind = next(fault.kind for fault in faults if fault.path == path)
            if path.startswith(f"{FOLDER}/"):
                done += _mended_snapshot(archive, Snapshots(root, database), kind, path)
            else:
                done += _mended(archive, timeline, kind, path)
        with database.writing() as rows:
            recount(rows)
            rows.execute("update camera set bytes = (select coalesce(sum(bytes), 0) from segment where camera = name)")
        return done
    finally:
        database.close()
        os.close(lock)


def _index_aside(root: Path, now_us: int) -> list[Repaired]:
    """Put an index that cannot be read out of the way; an empty one takes its place."""
    if not (root / disk.INDEX).is_file() or not index_fault(root):
        return []
    folder = root / disk.UNUSABLE / f"index-{now_us}"
    for end in ("-wal", "-shm", ""):  # the index itself last: a crash on the way leaves it to be found again
        if (path := root / f"{disk.INDEX}{end}").exists():
            disk.move(path, folder / path.name)
    return [Repaired(Kind.DAMAGED_INDEX, disk.INDEX, f"put into {folder.relative_to(root)}/, made anew from the files")]


def _given_up(index: Index, timeline: Timeline, name: str) -> list[Repaired]:
    """Take the rows of a lost disk away; their links stay in the chain."""
    folder = timeline.disks().get(name)
    if folder is None or (Path(folder) / MARKER).exists():
        why = "is not known" if folder is None else f"is there, in {folder}"
        raise RepairRefused(f"the disk {name} {why}: it is not taken as lost")
    files = [(each, "lost") for camera in timeline.cameras() for each in timeline.chain(camera) if each.disk == name]
    index.to_garbage(files)
    index.forget_disk(name)
    return [Repaired(Kind.MISSING_DISK, folder, f"taken as lost, with {len(files)} files")]


def _taken_in(archive: Archive, name: str) -> str:
    dated = "; dated by its name and folder, not by its last write" if Path(name).stem in archive.redated else ""
    return f"taken in{dated}"


def _disks(root: Path, timeline: Timeline) -> Disks:
    return Disks(root, {name: Path(folder) for name, folder in timeline.disks().items()})


def _refuse(timeline: Timeline, faults: list[Fault], most_lost: float) -> None:
    kinds = Counter(fault.kind for fault in faults if not fault.path.startswith(f"{FOLDER}/"))
    if kinds[Kind.MISSING_DISK]:
        raise RepairRefused("a disk is missing: mount it, or say that it will not come back: --repair --lost NAME")
    files = sum(1 for camera in timeline.cameras() for _ in timeline.chain(camera))
    if files and kinds[Kind.MISSING_FILE] > files * most_lost:
        raise RepairRefused(f"{kinds[Kind.MISSING_FILE]} of {files} files are gone: is this the right disk?")


def _mended(archive: Archive, timeline: Timeline, kind: Kind, path: str) -> list[Repaired]:
    """Do what can be done about one file."""
    place, segment = archive.root / path, timeline.segment(Path(path).stem)
    if kind is Kind.ORPHAN_FILE and place.exists():
        salvaged: list[str] = []
        failed = readopt(archive, timeline, place, salvaged)
        return [Repaired(kind, path, "left: it cannot be taken in" if failed else _taken_in(archive, path))]
    if kind is Kind.MISSING_FILE and segment:
        _erase(archive, timeline, segment, "lost")
        return [Repaired(kind, path, "its row is gone")]
    if kind in (Kind.WRONG_SIZE, Kind.ALTERED, Kind.BROKEN_BOXES) and segment and place.exists():
        return [Repaired(kind, path, _mend_file(archive, timeline, segment, place))]
    if kind in (Kind.ALTERED_ROW, Kind.MISSING_ROW):
        return [Repaired(kind, path, "left: the chain stays broken here")]
    return []


def _mended_snapshot(archive: Archive, snapshots: Snapshots, kind: Kind, path: str) -> list[Repaired]:
    """Do what can be done about a picture of an event."""
    place = archive.root / path
    if kind is Kind.ORPHAN_FILE:
        return [Repaired(kind, path, "taken in" if snapshots.adopt(place) else "removed: it is no picture")]
    if kind is Kind.ALTERED:
        archive.put_aside(place, place.parts[-3])
    snapshots.give_up(path, "damaged" if kind is Kind.ALTERED else "lost")
    return [Repaired(kind, path, f"put into {disk.UNUSABLE}/" if kind is Kind.ALTERED else "its row says so")]


def _mend_file(archive: Archive, timeline: Timeline, segment: Segment, place: Path) -> str:
    """Keep what of a damaged file is as recorded. It is set aside first, so that a crash here loses nothing."""
    with disk.mapped(place) as data:
        if hashlib.sha256(data[: segment.bytes]).hexdigest() == segment.sha256:
            whole = segment.bytes
        else:
            whole = _whole_bytes(segment, data) if len(data) < segment.bytes else 0
    if whole == segment.bytes:
        _cut(place, whole)
        return "cut to what was recorded"
    archive.put_aside(place, segment.camera)
    _erase(archive, timeline, segment, "damaged")
    if not whole:
        return f"put into {disk.UNUSABLE}/"
    aside = archive.disks.folders[segment.disk] / disk.UNUSABLE / segment.camera / place.name
    target = archive.incoming(segment.camera, segment.disk) / place.name
    disk.move(aside, target)
    _cut(target, whole)
    kept = archive.adopt(target, segment.camera, segment.start_us, salvaged=True)
    kept_s, was_s = ((each.end_us - each.start_us) / 1e6 for each in (kept, segment))
    return f"taken in anew: {kept_s:.1f} s of {was_s:.1f} s"


def _whole_bytes(segment: Segment, data: memoryview) -> int:
    """Return how much of a file that lost its end is as recorded, by its groups of pictures."""
    whole = 0
    for gop in segment.gops:
        end = gop.offset + gop.size
        if end > len(data) or crc32(data[gop.offset : end]) != gop.crc32:
            break
        whole = end
    return whole


def _cut(path: Path, size: int) -> None:
    os.truncate(path, size)
    disk.sync(path)


def _erase(archive: Archive, timeline: Timeline, segment: Segment, reason: str) -> None:
    """Take a row away whose file is gone from its place; its link stays in the chain, with the reason."""
    archive.index.to_garbage([(segment, reason)])
    finish_garbage(archive.root, archive.index, timeline, list(archive.disks.folders.values()))

"""Start-up: make disk and index agree again, whatever the last recorder was doing when it ended.

Runs before any ffmpeg is started, with the folder locked. Nothing is deleted but what the index had already given up.
"""

import sqlite3
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from camera import disk
from camera.recording import Archive, Unusable
from camera.retention import finish_garbage
from camera.segment import ID, US, Segment
from camera.states import State
from camera.timeline import Timeline

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Recovered:
    """What start-up found: files taken in, files put aside, files without a row that it could not take in."""

    salvaged: tuple[str, ...]
    unusable: tuple[str, ...]
    orphans: tuple[str, ...]


def recover(archive: Archive, timeline: Timeline, now_us: int) -> Recovered:
    """Finish deletions, take in what `incoming/` and a crash between rename and row left, note the gaps."""
    there = list(archive.disks.there().values())
    finish_garbage(archive.root, archive.index, timeline, there)
    salvaged: list[str] = []
    unusable: list[str] = []
    for root in there:
        for folder in _folders(root / disk.INCOMING):
            for path in sorted(folder.glob("*.mp4")):
                _take(archive, timeline, folder.name, path, salvaged, unusable)
    found = [path for root in there for path in recent_orphans(root, timeline)]
    orphans = [readopt(archive, timeline, path, salvaged) for path in found]
    for run, camera in timeline.open_runs():
        archive.index.end_run(run, now_us, State.RECORDER_KILLED)
        last = timeline.last(camera)
        archive.index.open_gap(camera, last.end_us if last else now_us, State.RECORDER_KILLED)
    recovered = Recovered(tuple(salvaged), tuple(unusable), tuple(name for name in orphans if name))
    if recovered != Recovered((), (), ()):
        log.warning("recovered", **asdict(recovered))
    return recovered


def recent_orphans(root: Path, timeline: Timeline) -> list[Path]:
    """Return files in their final place without a row, from the hour of each camera's last segment on.

    A crash leaves one there between rename and row. Older ones are for `camera.check`, which reads every folder.
    """
    found: list[Path] = []
    for folder in _folders(root):
        last = timeline.last(folder.name)
        since = disk.final_path(folder.name, "", last.start_us).rpartition("/")[0] if last else ""
        for hour in sorted(folder.glob("????-??-??/??")):
            if str(hour.relative_to(root)) >= since:
                found += [path for path in sorted(hour.glob("*.mp4")) if not timeline.segment(path.stem)]
    return found


def _folders(root: Path) -> list[Path]:
    """Return the cameras' folders."""
    aside = (disk.INCOMING, disk.UNUSABLE)
    return [path for path in sorted(root.glob("*")) if path.is_dir() and path.name not in aside]


def _take(
    archive: Archive, timeline: Timeline, camera: str, path: Path, salvaged: list[str], unusable: list[str]
) -> None:
    if not ID.fullmatch(path.stem):
        log.warning("not a recording", file=str(path))
        return
    if timeline.segment(path.stem):  # a crash between link and unlink: the other name is indexed
        path.unlink()
        return
    try:
        salvaged.append(archive.salvage(camera, path, before=_before(timeline, camera, path)).id)
    except Unusable as error:
        unusable.append(str(error))


def readopt(archive: Archive, timeline: Timeline, path: Path, salvaged: list[str]) -> str:
    """Take in a file that lost only its row; return its name if that is not possible."""
    camera, name = path.parts[-4], "/".join(path.parts[-4:])  # CAMERA/DATE/HOUR/NAME
    if not ID.fullmatch(path.stem):
        return name
    before = _before(timeline, camera, path)
    try:
        segment = archive.salvage(camera, _back(archive, camera, path), before=before)
    except (Unusable, OSError, sqlite3.Error) as error:
        log.error("orphan not taken in", file=name, error=str(error))
        return name
    salvaged.append(segment.id)
    return ""


def _back(archive: Archive, camera: str, path: Path) -> Path:
    """Move an orphan to its disk's `incoming/`, where taking in begins."""
    target = archive.incoming(camera, archive.disks.name_of(path)) / path.name
    disk.move(path, target)
    return target


def _before(timeline: Timeline, camera: str, path: Path) -> Segment | None:
    """Return the newest footage before a file was last written."""
    written_us = path.stat().st_mtime_ns * US // 1_000_000_000
    earlier = timeline.segments(camera, written_us - 1_300 * US, written_us)
    same = [segment for segment in earlier if segment.run == path.stem.rpartition("-")[0]]
    return same[-1] if same else None

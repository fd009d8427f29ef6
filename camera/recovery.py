"""Start-up: make disk and index agree again, whatever the last recorder was doing when it ended.

Runs before any ffmpeg is started, with the folder locked. Nothing is deleted but what the index had already given up.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from camera import disk
from camera.recording import Archive, Unusable
from camera.retention import finish_garbage
from camera.segment import ID, Segment
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
    salvaged: list[str] = []
    unusable: list[str] = []
    orphans: list[str] = []
    for root in archive.disks.there().values():
        try:
            finish_garbage(archive.root, archive.index, timeline, [root])
            for folder in _folders(root / disk.INCOMING):
                for path in sorted(folder.glob("*.mp4")):
                    orphans.append(_take(archive, timeline, folder.name, path, salvaged, unusable))
            orphans += [readopt(archive, timeline, path, salvaged) for path in recent_orphans(root, timeline, now_us)]
        except OSError as error:  # a disk that fails is passed over, as when it is away
            log.error("disk not recovered", folder=str(root), error=str(error))
    for run, camera in timeline.open_runs():
        archive.index.end_run(run, now_us, State.RECORDER_KILLED)
        last = timeline.last(camera, now_us)
        archive.index.open_gap(camera, last.end_us if last else now_us, State.RECORDER_KILLED)
    recovered = Recovered(tuple(salvaged), tuple(unusable), tuple(name for name in orphans if name))
    if recovered != Recovered((), (), ()):
        log.warning("recovered", **asdict(recovered))
    return recovered


def recent_orphans(root: Path, timeline: Timeline, now_us: int) -> list[Path]:
    """Return files in their final place without a row, from the hour of each camera's last segment on.

    A crash leaves one there between rename and row. Older ones are for `camera.check`, which reads every folder.
    """
    found: list[Path] = []
    for folder in _folders(root):
        last = timeline.last(folder.name, now_us)
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
) -> str:
    """Take in a file of `incoming/`; return its name if that is not possible now."""
    if not ID.fullmatch(path.stem):
        log.warning("not a recording", file=str(path))
        return ""
    try:
        if timeline.segment(path.stem):  # a crash between link and unlink: the other name is indexed
            path.unlink()
        else:
            salvaged.append(archive.salvage(camera, path, before=_before(timeline, camera, path)).id)
    except Unusable as error:
        unusable.append(str(error))
    except Exception as error:  # noqa: BLE001 - whatever one file is, the recorder starts
        log.error("file not taken in", file=str(path), error=repr(error))
        return path.name
    return ""


def readopt(archive: Archive, timeline: Timeline, path: Path, salvaged: list[str]) -> str:
    """Take in a file that lost only its row; return its name if that is not possible."""
    camera, name = path.parts[-4], "/".join(path.parts[-4:])  # CAMERA/DATE/HOUR/NAME
    if not ID.fullmatch(path.stem):
        return name
    try:
        before = _before(timeline, camera, path)
        moved = _back(archive, camera, path)
        segment = archive.salvage(camera, moved, before=before, hour=disk.hour_us(path))
    except Exception as error:  # noqa: BLE001 - whatever one file is, the others are taken in
        log.error("orphan not taken in", file=name, error=repr(error))
        return name
    salvaged.append(segment.id)
    return ""


def _back(archive: Archive, camera: str, path: Path) -> Path:
    """Move an orphan to its disk's `incoming/`, where taking in begins."""
    target = archive.incoming(camera, archive.disks.name_of(path)) / path.name
    disk.move(path, target)
    return target


def _before(timeline: Timeline, camera: str, path: Path) -> Segment | None:
    """Return the file before this one in its run."""
    run, _, number = path.stem.rpartition("-")
    found = timeline.segment(f"{run}-{int(number) - 1:06d}") if int(number) else None
    return found if found and found.camera == camera else None

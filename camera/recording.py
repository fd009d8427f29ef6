"""From a written file to footage: cut, indexed, hashed, synced, renamed, and only then a row.

Every function here blocks on the disk; the supervisor calls them in a thread.
"""

import errno
import hashlib
import os
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import structlog

from camera import disk
from camera.anchor import Anchor
from camera.boxes import Layout, layout
from camera.clocks import Measured
from camera.disks import FIRST, Disks
from camera.groups import LEAP_US, codec_mime, end_us, groups, steady
from camera.index import Index
from camera.segment import LONGEST_US, MOST_BYTES, US, Segment, begun_us
from camera.tag import tag_file

log = structlog.get_logger()
UNREAD = Layout(None)
SLACK_US = 120 * US  # between a run's begin and its first picture, and what clocks of disks are off


class Unusable(Exception):
    """The file has not one whole fragment, or more than the index can hold; it was put aside."""


@dataclass(slots=True)
class Run:
    """One connection: its segments follow each other without a gap. `ends_us` has each finished file's stream time."""

    id: str
    camera: str
    anchor: Anchor = field(default_factory=Anchor)
    ends_us: dict[int, int] = field(default_factory=dict)
    leapt: bool = False  # stream time is no time any more: the run has to end

    def starts_us(self, number: int) -> int | None:
        """Return the stream time at which a file starts: where the one before it ended."""
        return 0 if number == 0 else self.ends_us.get(number - 1)

    def arrived(self, at_us: int, stream_us: int) -> None:
        """Learn what time it is from what is here and ends at `stream_us`; nothing comes early, unless time leapt."""
        anchor_us = self.anchor.at_us
        if anchor_us is not None and at_us - stream_us < anchor_us - LEAP_US:
            self.leapt = True
        else:
            self.anchor.observe(at_us, stream_us)

    def finished(self, line: str, arrived_us: int | None) -> tuple[str, int]:
        """Take a line of ffmpeg's segment list (`name,start,end`, s of stream time); return file name and start.

        The frame at `end` is the one that has just arrived, unless ffmpeg was told to stop: then `arrived_us` is None.

        Raises:
            ValueError: It is not such a line, or stream time leapt: the file's last write says when it was.
        """
        name, start_s, end_s = line.strip().rsplit(",", 2)
        end_us = round(float(end_s) * US)
        if arrived_us is not None:
            self.arrived(arrived_us, end_us)
        if self.leapt:
            raise ValueError(f"{name}: stream time leapt")
        self.ends_us = {int(name[-10:-4]): end_us}
        return Path(name).name, (self.anchor.at_us or 0) + round(float(start_s) * US)


class Archive:
    """Folders of footage and their index, changed together. `root` is the first disk's, where the index is."""

    def __init__(self, root: Path, index: Index, disks: Disks | None = None) -> None:
        self.root = root
        self.index = index
        self.disks = disks or Disks(root)
        self.redated: set[str] = set()  # files whose last write did not tell when they are of
        root.mkdir(parents=True, exist_ok=True)

    def incoming(self, camera: str, name: str = FIRST) -> Path:
        """Return the folder on a disk where a camera's ffmpeg writes; it is there when this returns.

        Raises:
            OSError: It cannot be made, or the disk is not there (any more).
        """
        if why := self.disks.missing(name):
            raise OSError(errno.ENODEV, f"the recording disk is not there: {why}", str(self.disks.folders[name]))
        folder = self.disks.folders[name] / disk.INCOMING / camera
        disk.make_folder(folder)
        return folder

    def begin(self, camera: str, at_us: int) -> Run:
        """Begin a run. Its id has a random part: names never repeat, not even after the index was lost."""
        run = Run(f"{datetime.fromtimestamp(at_us / US, UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}", camera)
        self.index.begin_run(run.id, camera, at_us)
        return run

    def salvage(
        self,
        camera: str,
        path: Path,
        run: Run | None = None,
        before: Segment | None = None,
        hour: int | None = None,
    ) -> Segment:
        """Take in a file that a fault left unfinished.

        It starts where the file before it ended (`run`, or `before` from the index); without one, its last write
        was the arrival of its end. A copy may have lost that: then the `hour` (us) of its folder and its run say.

        Raises:
            Unusable: The file has no footage.
        """
        written_us = path.stat().st_mtime_ns // 1000
        number = int(path.stem.rpartition("-")[2])
        stream_us = run.starts_us(number) if run else None
        start_us = run.anchor.wall_us(stream_us) if run and stream_us is not None else None
        if start_us is None and before and before.run == path.stem.rpartition("-")[0] and before.number == number - 1:
            start_us = before.end_us
        if start_us is None:
            start_us = self._dated(path, written_us - _duration_us(path), hour)
        return self.adopt(path, camera, start_us, salvaged=True)

    def _dated(self, path: Path, written_us: int, hour_us: int | None) -> int:
        """Return when a file begins: by its last write, unless its folder or its run says that this is untrue."""
        if hour_us is None:
            return written_us
        hour = range(hour_us - SLACK_US, hour_us + 3600 * US + SLACK_US)
        run_us, first = begun_us(path.stem), path.stem.endswith("-000000")
        if written_us in hour and not (first and run_us in hour and abs(written_us - run_us) > SLACK_US):
            return written_us
        self.redated.add(path.stem)
        log.warning("its last write is not its time: dated by its name and folder", file=path.name)
        return run_us if run_us in hour else hour_us

    def adopt(
        self,
        path: Path,
        camera: str,
        start_us: int,
        run: Measured | None = None,
        salvaged: bool = False,
        read: Layout = UNREAD,
    ) -> Segment:
        """Make a file in `incoming/` footage; after a crash at any step, start-up does it again.

        `run` is what is known of its run by now; `read` what was already read of its structure.

        Raises:
            Unusable: The file has no whole fragment, or more than the index can hold.
            OSError, sqlite3.Error: It stays in `incoming/`.
        """
        segment = self._measure(path, camera, start_us, salvaged, read)
        disk.sync(path)
        disk.move(path, self.root / segment.path)
        try:
            return self.index.add(segment, run)
        except Exception:  # without a row it has no place there yet
            disk.move(self.root / segment.path, path)
            raise

    def _measure(self, path: Path, camera: str, start_us: int, salvaged: bool, read: Layout) -> Segment:
        """Cut a file at its last whole fragment, tag H.265 for browsers; return its times, structure and hashes."""
        shape = _read_layout(path, read)
        if shape.init is None or not shape.fragments:
            raise Unusable(self._no_footage(path, camera, shape))
        ends_us = end_us(shape.init, shape.fragments)
        if ends_us > LONGEST_US or shape.whole_bytes > MOST_BYTES:
            self.put_aside(path, camera)
            size = f"{ends_us / US:.0f} s in {shape.whole_bytes} bytes"
            raise Unusable(f"{path.name} has {size}: no such file is recorded")
        init = tag_file(path, shape.init)
        if torn := path.stat().st_size - shape.whole_bytes:
            os.truncate(path, shape.whole_bytes)
            log.warning("file cut", camera=camera, file=path.name, torn_bytes=torn, fault=str(shape.fault or ""))
        name = self.disks.name_of(path)
        place = self.disks.stored(name, disk.final_path(camera, path.stem, start_us))
        with disk.mapped(path) as data:
            digest, gops = hashlib.sha256(data).hexdigest(), groups(init, shape.fragments, data)
        return Segment(
            id=path.stem, camera=camera, start_us=start_us, end_us=start_us + ends_us,
            bytes=shape.whole_bytes, path=place, init_bytes=init.size,
            mime=codec_mime(init), width=init.width, height=init.height, gops=gops, sha256=digest,
            salvaged=salvaged or bool(torn), disk=name,
        )  # fmt: skip

    def put_aside(self, path: Path, camera: str) -> None:
        """Move a file out of the way, for a person to look at."""
        disk.move(path, self.disks.folders[self.disks.name_of(path)] / disk.UNUSABLE / camera / path.name)

    def _no_footage(self, path: Path, camera: str, shape: Layout) -> str:
        """Move a file without footage out of the way; an empty one goes."""
        if path.stat().st_size == 0:
            path.unlink()
            return f"{path.name} is empty"
        self.put_aside(path, camera)
        return f"{path.name} has no whole fragment: {shape.fault or 'only its beginning was written'}"


def _read_layout(path: Path, read: Layout = UNREAD) -> Layout:
    """Return a file's structure; only pages with headers are read, from where it was `read` on."""
    with disk.mapped(path) as data:
        more = layout(data, read.init, read.whole_bytes)
    return steady(replace(more, fragments=read.fragments + more.fragments))


def _duration_us(path: Path) -> int:
    shape = _read_layout(path)
    return end_us(shape.init, shape.fragments) if shape.init else 0

"""A camera's footage as one thing: what the index has, and what is still being written."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from camera import disk
from camera.recorded import JOIN_US
from camera.segment import ID, Segment
from camera.timeline import Recorded, Span, Timeline

MOVING_S = 2.0  # the longest that a file is on its way: neither in `incoming/` any more, nor in a row yet


class Footage:
    """Finds footage by time and by id. All is safe in any thread."""

    def __init__(
        self,
        root: Path,
        timeline: Timeline,
        newest: Mapping[str, Callable[[], list[Segment]]],
        folders: Callable[[], Iterable[Path]] | None = None,
    ) -> None:
        """Prepare; `root` is the first disk's folder.

        `newest` returns a camera's files without a row; `folders` the disks that they may be written to now.
        """
        self._root, self._timeline, self._newest = root, timeline, newest
        self._folders = folders or (lambda: (root,))

    def spans(self, camera: str, from_us: int, to_us: int) -> list[Span]:
        """Return what is recorded within [from, to)."""
        rows = self._timeline.spans(camera, from_us, to_us)
        known = {row.id for row in rows}
        fresh = [each for each in self._fresh(camera, from_us, to_us) if each.id not in known]
        return rows + [Span(each.id, each.start_us, each.end_us, each.bytes) for each in fresh]

    def recorded(self, camera: str, from_us: int, to_us: int) -> list[Recorded]:
        """Return the stretches within [from, to), up to the newest fragment."""
        found = self._timeline.recorded(camera, from_us, to_us)
        for each in self._fresh(camera, from_us, to_us):
            if found and each.start_us <= found[-1].end_us + JOIN_US:
                last = found.pop()
                size, files = last.bytes + each.bytes, last.files + 1
                found.append(Recorded(last.start_us, max(last.end_us, each.end_us), size, files))
            else:
                found.append(Recorded(each.start_us, each.end_us, each.bytes, 1))
        return found

    def segments(self, camera: str, from_us: int, to_us: int) -> list[Segment]:
        """Return the files with footage within [from, to), with their structure."""
        rows = self._timeline.segments(camera, from_us, to_us)
        known = {row.id for row in rows}
        return rows + [each for each in self._fresh(camera, from_us, to_us) if each.id not in known]

    def at(self, camera: str, at_us: int) -> Segment | None:
        """Return the file that shows a moment."""
        return next(iter(self.segments(camera, at_us, at_us + 1)), None)

    def last(self, camera: str) -> Segment | None:
        """Return the file with the newest footage."""
        fresh = self._fresh(camera)
        return fresh[-1] if fresh else self._timeline.last(camera)

    def path(self, segment: str, camera: str) -> Path:
        """Return where a file lies now. An id stays good while its file moves to its final place.

        Raises:
            FileNotFoundError: There is no such file.
        """
        if not ID.fullmatch(segment):
            raise FileNotFoundError(segment)
        if found := self._find(segment, camera):
            return found
        until_s = time.monotonic() + MOVING_S
        while True:
            # Asked before it is looked for again: it may arrive meanwhile.
            on_its_way = any(each.id == segment for each in self._fresh(camera))
            if found := self._find(segment, camera):
                return found
            if not on_its_way or time.monotonic() > until_s:
                raise FileNotFoundError(segment)
            time.sleep(0.01)

    def _find(self, segment: str, camera: str) -> Path | None:
        for folder in self._folders():
            if (writing := folder / disk.INCOMING / camera / f"{segment}.mp4").exists():
                return writing
        row = self._timeline.segment(segment)
        return self._root / row.path if row and row.camera == camera else None

    def open(self, segment: str, camera: str) -> BinaryIO:
        """Open a file; once more if it was moved between looking and opening.

        Raises:
            FileNotFoundError: There is no such file.
        """
        try:
            return self.path(segment, camera).open("rb")
        except FileNotFoundError:
            return self.path(segment, camera).open("rb")

    def _fresh(self, camera: str, from_us: int = 0, to_us: int = 1 << 62) -> Sequence[Segment]:
        newest = self._newest.get(camera)
        return [each for each in newest() if each.start_us < to_us and each.end_us > from_us] if newest else []

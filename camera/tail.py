"""The file that is being written: proof that bytes arrive, and the newest footage, a quarter of a second old."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from camera import disk
from camera.boxes import Fragment, Init, Layout, boxes, layout
from camera.coding import sent
from camera.groups import codec_mime, end_us, groups, steady
from camera.segment import US, Segment
from camera.tag import tag_file


class Tail:
    """Follows one growing file; reads only the headers of what is new, and tags H.265 for browsers."""

    def __init__(self, camera: str, path: Path) -> None:
        self.camera = camera
        self.path = path
        self.bytes_seen = 0
        self.written_ns = 0  # when the disk says that they came, Unix time
        self.init: Init | None = None
        self._fragments: list[Fragment] = []
        self._told = 0
        self.leapt = False  # what follows is of another time
        self.coding: bytes | None = None  # the newest sequence parameter set, if the stream has any

    def grow(self) -> bool:
        """Look at the file's size; tell whether there are new bytes."""
        try:
            seen = self.path.stat()
        except FileNotFoundError:
            return False
        grew, self.bytes_seen, self.written_ns = seen.st_size > self.bytes_seen, seen.st_size, seen.st_mtime_ns
        return grew

    def read(self) -> int | None:
        """Read what is new; return when it was written (Unix ns), None when nothing whole is new.

        The file is asked after it was read: then what was read is no younger than it says.
        """
        before = len(self._fragments)
        try:
            with disk.mapped(self.path) as data:
                found = layout(data, self.init, _whole(self.init, self._fragments))
                shape = steady(found)
                self._look_at(data, shape)
            written_ns = self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return None
        self.init = self.init or (shape.init and tag_file(self.path, shape.init))
        self._fragments.extend(shape.fragments)
        self.leapt = self.leapt or len(shape.fragments) < len(found.fragments)
        return written_ns if len(self._fragments) > before else None

    def _look_at(self, data: memoryview, shape: Layout) -> None:
        """Note the coding that the newest key frame brings."""
        newest = next((each for each in reversed(shape.fragments) if each.key), None)
        if shape.init and newest:
            mdat = next(box for box in boxes(data, newest.offset, newest.offset + newest.size) if box.kind == "mdat")
            self.coding = sent(data[mdat.body : mdat.end], shape.init.codec) or self.coding

    @property
    def shape(self) -> Layout:
        """Return what was read by now; whole in itself, although another thread may read on."""
        init, fragments = self.init, tuple(self._fragments)
        return Layout(init, fragments, _whole(init, fragments))

    def told(self) -> Iterator[tuple[int, int]]:
        """Yield, of each fragment since the last call, its start in the file and the sender's wall time of it."""
        for each in self._fragments[self._told :]:
            if self.init and each.wall_us is not None:
                yield each.start * US // self.init.timescale, each.wall_us
        self._told = len(self._fragments)

    @property
    def stream_us(self) -> int:
        """Return the duration of what is whole."""
        return end_us(self.init, self._fragments[-3:]) if self.init else 0

    def segment(self, start_us: int) -> Segment | None:
        """Return what is whole so far, as a segment without a hash; None while nothing is."""
        if self.init is None or not self._fragments:
            return None
        return Segment(
            id=self.path.stem, camera=self.camera, start_us=start_us, end_us=start_us + self.stream_us,
            bytes=_whole(self.init, self._fragments), path="", init_bytes=self.init.size, mime=codec_mime(self.init),
            width=self.init.width, height=self.init.height, gops=groups(self.init, self._fragments),
        )  # fmt: skip


def _whole(init: Init | None, fragments: Sequence[Fragment]) -> int:
    """Return how many bytes of a file are whole."""
    last = fragments[-1] if fragments else None
    return last.offset + last.size if last else init.size if init else 0

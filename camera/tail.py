"""The file that is being written: proof that bytes arrive, and the newest footage, half a second old."""

from pathlib import Path

from camera import disk
from camera.boxes import Fragment, Init, layout
from camera.groups import codec_mime, end_us, groups
from camera.segment import Segment


class Tail:
    """Follows one growing file; reads only the headers of what is new."""

    def __init__(self, camera: str, path: Path) -> None:
        self.camera = camera
        self.path = path
        self.bytes_seen = 0
        self.init: Init | None = None
        self._fragments: list[Fragment] = []

    def grow(self) -> bool:
        """Look again; tell whether there are new bytes."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return False
        if size <= self.bytes_seen:
            return False
        self.bytes_seen = size
        self._read()
        return True

    @property
    def stream_us(self) -> int:
        """Return the duration of what is whole."""
        return end_us(self.init, self._fragments[-1:]) if self.init else 0

    def segment(self, start_us: int) -> Segment | None:
        """Return what is whole so far, as a segment without a hash; None while nothing is."""
        if self.init is None or not self._fragments:
            return None
        return Segment(
            id=self.path.stem, camera=self.camera, start_us=start_us, end_us=start_us + self.stream_us,
            bytes=self._whole, path="", init_bytes=self.init.size, mime=codec_mime(self.init),
            width=self.init.width, height=self.init.height, gops=groups(self.init, self._fragments),
        )  # fmt: skip

    @property
    def _whole(self) -> int:
        last = self._fragments[-1] if self._fragments else None
        return last.offset + last.size if last else 0

    def _read(self) -> None:
        with disk.mapped(self.path) as data:
            shape = layout(data, self.init, self._whole)
        self.init = shape.init
        self._fragments.extend(shape.fragments)

"""A stream of fragmented MP4, cut into its init and its fragments as they arrive. Pure: bytes in, parts out."""

from collections.abc import Iterator
from dataclasses import dataclass

from camera.boxes import Box, Fragment, Init, Malformed, header, layout
from camera.tag import tagged


@dataclass(frozen=True, slots=True)
class Part:
    """The init (`ftyp`, `moov`), tagged for browsers, or one fragment (`moof`, `mdat`) with its times."""

    data: bytes
    init: Init
    fragment: Fragment | None = None


class Splitter:
    """Cuts a stream at its boxes. Holds at most one part and a box of `limit_bytes`."""

    def __init__(self, limit_bytes: int = 16 << 20) -> None:
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()
        self._begun = 0  # bytes of whole boxes at the buffer's start that belong to the part being gathered
        self._offset = 0
        self._init: Init | None = None

    def feed(self, data: bytes) -> Iterator[Part]:
        """Take bytes; yield the parts that they complete.

        Raises:
            Malformed: The stream is no fragmented MP4; nothing after this is of use.
        """
        self._buffer += data
        while box := self._next_box():
            if box.kind in ("moov", "mdat"):
                yield self._part(box)
            else:
                self._begun = box.end
        if len(self._buffer) > self._limit_bytes:
            raise Malformed(self._offset, f"a part larger than {self._limit_bytes} bytes")

    def _next_box(self) -> Box | None:
        if len(self._buffer) < self._begun + 8:
            return None
        with memoryview(self._buffer) as view:
            box = header(view, self._begun, len(view))
        return box if box and box.end <= len(self._buffer) else None

    def _part(self, last: Box) -> Part:
        data = bytes(self._buffer[: last.end])
        data = tagged(data) if last.kind == "moov" else data
        del self._buffer[: last.end]
        self._begun = 0
        self._offset += len(data)
        with memoryview(data) as view:
            shape = layout(view, self._init)
        if shape.fault:
            raise shape.fault
        if shape.init is None:
            raise Malformed(self._offset, "a fragment before the init")
        self._init = shape.init
        return Part(data, shape.init, shape.fragments[0] if shape.fragments else None)

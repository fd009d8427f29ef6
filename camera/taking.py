"""Footage that leaves the recorder: one camera's clip, or an export of several, through a nameless file on its disk."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from starlette.exceptions import HTTPException
from starlette.responses import Response

from camera.boxes import Malformed
from camera.export import Export, Wanted
from camera.footage import Footage
from camera.media import media_response
from camera.playlist import iso
from camera.remux import Begin, clip
from camera.segment import Gap


class Taking:
    """Makes clips and exports; blocks on the disk. Each is refused when it would take more than half of the room."""

    def __init__(self, root: Path, footage: Footage, export: Export, free_bytes: Callable[[], int]) -> None:
        self._root, self._footage, self._export, self._free_bytes = root, footage, export, free_bytes

    @property
    def public_key(self) -> str:
        """Return the key that verifies exports, in hex."""
        return self._export.public_key

    def clip(self, camera: str, from_us: int, to_us: int) -> Response:
        """Return [from, to) as one MP4 file.

        Raises:
            HTTPException: 404 nothing recorded, 409 the coding changes, 500 a file is damaged, 507 no room.
        """
        begun_us = 0
        with self._file([camera], from_us, to_us) as file:
            for each in clip(self._footage, self._footage.segments(camera, from_us, to_us), from_us, to_us):
                if isinstance(each, Begin):
                    if begun_us:
                        raise HTTPException(409, "the video coding changes in this time: POST /clips keeps the parts")
                    begun_us = each.start_us
                file.write(each.init if isinstance(each, Begin) else each.data)
            if not begun_us:
                raise HTTPException(404, "nothing is recorded in this time span")
        return _answer(file, "video/mp4", f"{camera}.mp4", {"X-Clip-Start": iso(begun_us)})

    def export(self, wanted: Wanted, gaps: Mapping[str, Sequence[Gap]], now_us: int) -> tuple[Response, str]:
        """Return the zip, and the SHA-256 of its manifest. Raises `HTTPException` as `clip` does."""
        names = list(wanted.cameras)
        with self._file(names, wanted.from_us, wanted.to_us) as file:
            manifest = self._export.write(file, wanted, gaps, now_us)
        name = f"{iso(wanted.from_us)[:10]}-{'-'.join(names)[:60]}.zip"
        return _answer(file, "application/zip", name, {"X-Manifest-SHA256": manifest}), manifest

    @contextmanager
    def _file(self, cameras: Sequence[str], from_us: int, to_us: int) -> Iterator[BinaryIO]:
        """Give a file that the disk forgets when it is closed; it stays open when all went well."""
        recorded = (each for name in cameras for each in self._footage.spans(name, from_us, to_us))
        if sum(each.bytes for each in recorded) > self._free_bytes() // 2:
            raise HTTPException(507, "the recording disk has no room for this clip")
        file = tempfile.TemporaryFile(dir=self._root)  # noqa: SIM115 - the answer closes it
        try:
            yield file
        except FileNotFoundError as error:
            file.close()
            raise HTTPException(404, "retention took a file meanwhile") from error
        except Malformed as error:
            file.close()
            raise HTTPException(500, f"a file is damaged: {error}; see `menjin recordings check`") from error
        except BaseException:
            file.close()
            raise


def _answer(file: BinaryIO, kind: str, name: str, headers: Mapping[str, str]) -> Response:
    answer = media_response(file, None)
    answer.headers.update({"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}"', **headers})
    answer.headers["Cache-Control"] = "no-store"
    return answer

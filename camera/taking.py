"""Footage that leaves the recorder: exports made one after the other, each kept for a while to be fetched.

An export lies in a nameless file on the recordings' disk, which the disk forgets with its last reader or the process.
"""

import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import Response

from camera.boxes import Malformed
from camera.encode import Unencodable
from camera.export import Export, Wanted
from camera.footage import Footage
from camera.media import media_response
from camera.playlist import iso
from camera.segment import Gap

log = structlog.get_logger()
KEEP_S = 3600.0
MOST = 16  # exports kept or waiting; the oldest that is done goes first


class Stage(StrEnum):
    """How far an export is."""

    WORKING = "working"
    READY = "ready"
    FAILED = "failed"


@dataclass(slots=True)
class Taken:
    """An export: what was asked, how far it is, its file."""

    id: str
    wanted: Wanted
    expected_bytes: int
    began: float
    stage: Stage = Stage.WORKING
    done_bytes: int = 0
    manifest: str = ""
    failure: str = ""
    parts: int = 0
    file: BinaryIO | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def name(self) -> str:
        """Return what the file is called where it is saved."""
        return f"menjin-{iso(self.wanted.from_us)[:19].replace(':', '')}Z-{'-'.join(self.wanted.cameras)[:60]}.zip"

    def json(self) -> dict[str, object]:
        """Return what is told of it."""
        share = 1.0 if self.stage is Stage.READY else min(0.99, self.done_bytes / max(1, self.expected_bytes))
        return {
            "id": self.id,
            "stage": self.stage,
            "share": round(share, 3),
            "bytes": self.done_bytes if self.stage is Stage.READY else None,
            "manifest": self.manifest or None,
            "parts": self.parts,
            "name": self.name,
            "failure": self.failure or None,
        }


class Taking:
    """Makes exports in a thread. One is refused when it would take more than half of the room."""

    def __init__(self, root: Path, footage: Footage, export: Export, free_bytes: Callable[[], int]) -> None:
        self._root, self._footage, self._export, self._free_bytes = root, footage, export, free_bytes
        self._taken: dict[str, Taken] = {}
        self._hand = ThreadPoolExecutor(1, "export")

    @property
    def public_key(self) -> str:
        """Return the key that verifies exports, in hex."""
        return self._export.public_key

    def begin(
        self, wanted: Wanted, gaps: Mapping[str, Sequence[Gap]], now_us: int, noted: Callable[[str], None]
    ) -> Taken:
        """Begin an export; `noted` hears the SHA-256 of its manifest before anybody can fetch it.

        Raises:
            HTTPException: 404 nothing recorded, 503 too many at a time, 507 no room.
        """
        spans = [s for name in wanted.cameras for s in self._footage.spans(name, wanted.from_us, wanted.to_us)]
        if not spans and not wanted.whole:  # a part may be empty: its manifest says why
            raise HTTPException(404, "nothing is recorded in this time span")
        expected = sum(span.bytes for span in spans)
        if expected > self._free_bytes() // 2:
            raise HTTPException(507, "the recording disk has no room for this clip")
        self._forget()
        taken = Taken(secrets.token_hex(8), wanted, expected, time.monotonic())
        self._taken[taken.id] = taken
        self._hand.submit(self._make, taken, gaps, now_us, noted)
        return taken

    def find(self, id_: str) -> Taken:
        """Return an export. Raises `HTTPException` 404."""
        if (taken := self._taken.get(id_)) is None:
            raise HTTPException(404, "there is no such export, or its hour is over")
        return taken

    def fetch(self, taken: Taken, byte_range: str | None) -> Response:
        """Return its file, or a part of it. Raises `HTTPException` 409 while it is not ready."""
        if taken.stage is not Stage.READY or taken.file is None:
            raise HTTPException(409, "the export is not ready")
        own = Path(f"/proc/self/fd/{taken.file.fileno()}").open("rb")  # noqa: SIM115 - the answer closes it
        answer = media_response(own, byte_range)
        answer.headers["Content-Type"] = "application/zip"
        answer.headers["Content-Disposition"] = f'attachment; filename="{taken.name}"'
        answer.headers["X-Manifest-SHA256"] = taken.manifest
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def close(self) -> None:
        """Drop what waits."""
        self._hand.shutdown(wait=False, cancel_futures=True)

    def _make(self, taken: Taken, gaps: Mapping[str, Sequence[Gap]], now_us: int, noted: Callable[[str], None]) -> None:
        file = tempfile.TemporaryFile(dir=self._root)  # noqa: SIM115 - kept until it is forgotten

        def grown(count: int) -> None:
            taken.done_bytes += count

        try:
            made = self._export.write(file, taken.wanted, gaps, now_us, grown)
            file.flush()
            noted(made.manifest)
            taken.manifest, taken.parts, taken.done_bytes = made.manifest, made.parts, file.tell()
            taken.file, taken.stage = file, Stage.READY
        except (OSError, Malformed, Unencodable) as error:
            file.close()
            taken.failure, taken.stage = _words(error), Stage.FAILED
            log.error("export failed", export=taken.id, error=str(error))
        except BaseException:
            file.close()
            taken.failure, taken.stage = "it broke; see the recorder's log", Stage.FAILED
            log.exception("export broke", export=taken.id)
        finally:
            taken.ended.set()

    def _forget(self) -> None:
        """Make room: what was kept long enough, then the oldest that is done."""
        done = [each for each in self._taken.values() if each.stage is not Stage.WORKING]
        for n, each in enumerate(done):
            if time.monotonic() - each.began > KEEP_S or len(self._taken) - n >= MOST:
                del self._taken[each.id]
                if each.file:
                    each.file.close()
        if len(self._taken) >= MOST:
            raise HTTPException(503, "too many exports at a time")


def _words(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "retention took a file meanwhile"
    if isinstance(error, Malformed):
        return f"a file is damaged: {error}; see `menjin recordings check`"
    return f"{error}"

r"""An export: clips of one or more cameras, the access events, a page to look at them, hashes and a signature. One zip.

manifest.json    what, of when, for whom and why; SHA-256 of every other file; the recorded files it came from
manifest.sig     Ed25519 over "menjin-clip/1\0" and the manifest's bytes, in hex
CAMERA-1.mp4     stream copies; another part where the coding changed. With masks or a watermark: encoded anew, and
                 the manifest says so
events.json      the access events as they were handed in
index.html       a viewer, zh and en, that needs no network
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from camera import disk
from camera.boxes import layout
from camera.clip import DOMAIN, EVENTS, FORMAT, MANIFEST, SIGNATURE, VIEWER
from camera.encode import Change, Encoder, change_command
from camera.footage import Footage
from camera.groups import codec_mime
from camera.playlist import iso
from camera.remux import Begin, Piece, clip
from camera.segment import US, Gap, Segment

Json = dict[str, object]
START_BYTES = 64 << 10  # of a film: what says its coding stands in the first few hundred


def signing_key(path: Path) -> Ed25519PrivateKey:
    """Return the key that signs exports; made at its first use, readable by its owner alone.

    Raises:
        ValueError: The file holds no such key.
        OSError: It cannot be read or written.
    """
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        fresh = path.with_suffix(".new")
        fresh.touch(0o600)
        fresh.write_bytes(pem)
        disk.sync(fresh)
        disk.move(fresh, path)
    pem = path.read_bytes()
    key = load_pem_private_key(pem, None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} is no Ed25519 key")
    return key


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: cameras with their labels, [from, to), the events of that time, who asks and why.

    `hide` are the filters that blacken the cameras' privacy masks; a watermark is text burnt into each picture.
    """

    cameras: Mapping[str, Mapping[str, str]]
    from_us: int
    to_us: int
    by: str
    reason: str
    events: Sequence[Json] = field(default=())
    hide: Mapping[str, str] = field(default_factory=dict)
    watermark: str = ""
    whole: Json | None = None  # of which it is a part: an id and all cameras; the other parts are other recorders'

    def change(self, camera: str) -> Change:
        """Return what is changed in a camera's pictures."""
        return Change(self.hide.get(camera, ""), self.watermark)


@dataclass(frozen=True, slots=True)
class Made:
    """What was written: the SHA-256 of the manifest, how many video files."""

    manifest: str
    parts: int


class _Part:
    """A file of the export that is being written; through an encoder where its pictures are changed."""

    def __init__(self, archive: zipfile.ZipFile, file: str, begin: Begin, change: Change, length_s: float) -> None:
        self.file, self.begin, self.end_us, self.bytes = file, begin, begin.start_us, 0
        self._digest, self._open, self._start = hashlib.sha256(), ExitStack(), b""
        self._member = self._open.enter_context(archive.open(file, "w", force_zip64=True))
        self._encoder: Encoder | None = None
        if change:
            self._encoder = Encoder(change_command(begin.segment, change), self._put, 60 + 8 * length_s)
        self.write(begin.init)

    def write(self, data: bytes) -> None:
        """Take more of the copied stream."""
        if self._encoder:
            self._encoder.write(data)
        else:
            self._put(data)

    def close(self, failed: bool) -> None:
        """End the file. Raises `Unencodable`."""
        with self._open:
            if self._encoder and failed:
                self._encoder.kill()
            elif self._encoder:
                self._encoder.close()

    def json(self, from_us: int) -> Json:
        segment = self.begin.segment
        return {
            "file": self.file,
            "sha256": self._digest.hexdigest(),
            "bytes": self.bytes,
            "start": iso(self.begin.start_us),
            "end": iso(self.end_us),
            "lead_ms": max(0, from_us - self.begin.start_us) // 1000,
            "mime": self._mime(),
            "width": segment.width,
            "height": segment.height,
        }

    def _mime(self) -> str:
        """Return what was written, by its own beginning: an encoder may have changed it."""
        with memoryview(self._start) as start:
            init = layout(start).init
        return codec_mime(init) if init else self.begin.segment.mime

    def _put(self, data: bytes) -> None:
        self._start += data[: max(0, START_BYTES - self.bytes)]
        self._digest.update(data)
        self.bytes += len(data)
        self._member.write(data)


class Export:
    """Writes exports; blocks on the disk."""

    def __init__(self, footage: Footage, key: Ed25519PrivateKey) -> None:
        self._footage, self._key = footage, key

    @property
    def public_key(self) -> str:
        """Return the key that verifies, in hex."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def write(
        self,
        target: BinaryIO,
        wanted: Wanted,
        gaps: Mapping[str, Sequence[Gap]],
        now_us: int,
        grown: Callable[[int], None] = lambda _: None,
    ) -> Made:
        """Write the zip; `grown` hears how many more recorded bytes are in it.

        Raises:
            FileNotFoundError: Retention took a file meanwhile.
            Malformed: A file is damaged.
            Unencodable: The pictures could not be changed.
        """
        with zipfile.ZipFile(target, "w") as archive:  # stored: video does not shrink
            cameras = [self._camera(archive, name, wanted, gaps.get(name, ()), grown) for name in wanted.cameras]
            events = json.dumps(list(wanted.events), ensure_ascii=False, indent=1).encode()
            files = [_text(archive, EVENTS, events), _text(archive, VIEWER, viewer(cameras, wanted))]
            manifest = self._manifest(wanted, cameras, files, now_us)
            _text(archive, MANIFEST, manifest)
            _text(archive, SIGNATURE, self._key.sign(DOMAIN + manifest).hex().encode())
        parts = sum(len(archived) for camera in cameras if isinstance(archived := camera["parts"], list))
        return Made(hashlib.sha256(manifest).hexdigest(), parts)

    def _camera(
        self,
        archive: zipfile.ZipFile,
        name: str,
        wanted: Wanted,
        gaps: Sequence[Gap],
        grown: Callable[[int], None],
    ) -> Json:
        segments = self._footage.segments(name, wanted.from_us, wanted.to_us)
        parts = _write_parts(archive, clip(self._footage, segments, wanted.from_us, wanted.to_us), wanted, grown)
        return {
            "name": name,
            "label": dict(wanted.cameras[name]),
            "parts": [part.json(wanted.from_us) for part in parts],
            "gaps": [{"from": iso(g.from_us), "to": iso(g.to_us) if g.to_us else None, "reason": g.reason}
                     for g in gaps],
            "masked": bool(wanted.hide.get(name)),
            "sources": [_source(each) for each in segments],
        }  # fmt: skip

    def _manifest(self, wanted: Wanted, cameras: Sequence[Json], files: Sequence[Json], now_us: int) -> bytes:
        manifest = {
            "format": FORMAT,
            "created": iso(now_us),
            "by": wanted.by,
            "reason": wanted.reason,
            "from": iso(wanted.from_us),
            "to": iso(wanted.to_us),
            "watermark": wanted.watermark or None,
            "whole": wanted.whole,
            "public_key": self.public_key,
            "cameras": cameras,
            "files": files,
        }
        return json.dumps(manifest, ensure_ascii=False, indent=1).encode()


def _write_parts(
    archive: zipfile.ZipFile, pieces: Iterable[Begin | Piece], wanted: Wanted, grown: Callable[[int], None]
) -> list[_Part]:
    """Write the video files of a camera, one after the other."""
    parts: list[_Part] = []
    failed = True
    try:
        for each in pieces:
            if isinstance(each, Begin):
                if parts:
                    parts[-1].close(failed=False)
                camera, length_s = each.segment.camera, (wanted.to_us - wanted.from_us) / US
                name = f"{camera}-{len(parts) + 1}.mp4"
                parts.append(_Part(archive, name, each, wanted.change(camera), length_s))
            else:
                parts[-1].write(each.data)
                parts[-1].end_us = each.end_us
                grown(len(each.data))
        failed = False
    finally:
        if parts:
            parts[-1].close(failed)
    return parts


def _source(segment: Segment) -> Json:
    """The recorded file, as its row of the hash chain states it; one that was still being written has no hash yet."""
    return {
        "id": segment.id,
        "sha256": segment.sha256 or None,
        "chain": segment.chain or None,
        "start": iso(segment.start_us),
        "end": iso(segment.end_us),
    }


def _text(archive: zipfile.ZipFile, name: str, data: bytes) -> Json:
    archive.writestr(name, data, zipfile.ZIP_DEFLATED)
    return {"file": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def viewer(cameras: Sequence[Json], wanted: Wanted) -> bytes:
    """Return the page; it holds what it shows, since a page opened from a folder may not read other files."""
    shown = {"from": iso(wanted.from_us), "to": iso(wanted.to_us), "reason": wanted.reason, "by": wanted.by}
    data = json.dumps({**shown, "cameras": cameras, "events": list(wanted.events)}, ensure_ascii=False)
    page = Path(__file__).with_name("viewer.html").read_text(encoding="utf-8")
    return page.replace("{{DATA}}", data.replace("<", "\\u003c")).encode()

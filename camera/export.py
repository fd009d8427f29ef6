r"""An export: clips of one or more cameras, the access events, a page to look at them, hashes and a signature. One zip.

manifest.json    what, of when, for whom and why; SHA-256 of every other file; the recorded files it came from
manifest.sig     Ed25519 over "menjin-clip/1\0" and the manifest's bytes, in hex
CAMERA-1.mp4     stream copies; another part where the coding changed
events.json      the access events as they were handed in
index.html       a viewer, zh and en, that needs no network
"""

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
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
from camera.clip import DOMAIN, EVENTS, FORMAT, MANIFEST, SIGNATURE, VIEWER
from camera.footage import Footage
from camera.playlist import iso
from camera.remux import Begin, clip
from camera.segment import Gap, Segment

Json = dict[str, object]


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
    """What is asked for: cameras with their labels, [from, to), the events of that time, who asks and why."""

    cameras: Mapping[str, Mapping[str, str]]
    from_us: int
    to_us: int
    by: str
    reason: str
    events: Sequence[Json] = field(default=())


@dataclass(slots=True)
class _Part:
    """A file of the export that is being written."""

    file: str
    begin: Begin
    end_us: int
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    bytes: int = 0

    def json(self, from_us: int) -> Json:
        segment = self.begin.segment
        return {
            "file": self.file,
            "sha256": self.digest.hexdigest(),
            "bytes": self.bytes,
            "start": iso(self.begin.start_us),
            "end": iso(self.end_us),
            "lead_ms": max(0, from_us - self.begin.start_us) // 1000,
            "mime": segment.mime,
            "width": segment.width,
            "height": segment.height,
        }


class Export:
    """Writes exports; blocks on the disk."""

    def __init__(self, footage: Footage, key: Ed25519PrivateKey) -> None:
        self._footage, self._key = footage, key

    @property
    def public_key(self) -> str:
        """Return the key that verifies, in hex."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def write(self, target: BinaryIO, wanted: Wanted, gaps: Mapping[str, Sequence[Gap]], now_us: int) -> str:
        """Write the zip; return the SHA-256 of its manifest.

        Raises:
            FileNotFoundError: Retention took a file meanwhile.
            Malformed: A file is damaged.
        """
        with zipfile.ZipFile(target, "w") as archive:  # stored: video does not shrink
            cameras = [self._camera(archive, name, wanted, gaps.get(name, ())) for name in wanted.cameras]
            events = json.dumps(list(wanted.events), ensure_ascii=False, indent=1).encode()
            files = [_text(archive, EVENTS, events), _text(archive, VIEWER, viewer(cameras, wanted))]
            manifest = self._manifest(wanted, cameras, files, now_us)
            _text(archive, MANIFEST, manifest)
            _text(archive, SIGNATURE, self._key.sign(DOMAIN + manifest).hex().encode())
        return hashlib.sha256(manifest).hexdigest()

    def _camera(self, archive: zipfile.ZipFile, name: str, wanted: Wanted, gaps: Sequence[Gap]) -> Json:
        segments = self._footage.segments(name, wanted.from_us, wanted.to_us)
        parts = _write_parts(archive, self._footage, segments, wanted)
        return {
            "name": name,
            "label": dict(wanted.cameras[name]),
            "parts": [part.json(wanted.from_us) for part in parts],
            "gaps": [{"from": iso(g.from_us), "to": iso(g.to_us) if g.to_us else None, "reason": g.reason}
                     for g in gaps],
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
            "public_key": self.public_key,
            "cameras": cameras,
            "files": files,
        }
        return json.dumps(manifest, ensure_ascii=False, indent=1).encode()


def _write_parts(
    archive: zipfile.ZipFile, footage: Footage, segments: Sequence[Segment], wanted: Wanted
) -> list[_Part]:
    parts: list[_Part] = []
    member: BinaryIO | None = None
    try:
        for each in clip(footage, segments, wanted.from_us, wanted.to_us):
            if isinstance(each, Begin):
                if member:
                    member.close()
                parts.append(_Part(f"{each.segment.camera}-{len(parts) + 1}.mp4", each, each.start_us))
                member = archive.open(parts[-1].file, "w", force_zip64=True)  # type: ignore[assignment] # it is binary
            else:
                parts[-1].end_us = each.end_us
            data = each.init if isinstance(each, Begin) else each.data
            parts[-1].digest.update(data)
            parts[-1].bytes += len(data)
            if member:
                member.write(data)
    finally:
        if member:
            member.close()
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

"""Is an export what the recorder wrote? Needs the zip alone, no recorder.

Every byte of it counts: what is in no signed file is a fault too (`camera/tiling.py`).
Cameras of several recorders are a zip of their exports, each whole and signed by itself; each states of which cameras
the whole is, and its id, so that a part that is missing or of another whole is seen.
"""

import hashlib
import json
import lzma
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from camera.tiling import loose

FORMAT = "menjin-clip/1"
DOMAIN = FORMAT.encode() + b"\0"
MANIFEST, SIGNATURE, EVENTS, VIEWER = "manifest.json", "manifest.sig", "events.json", "index.html"
PART = ".zip"
LARGEST_MANIFEST_BYTES = 64 << 20
_CHUNK_BYTES = 1 << 20
# All that the zip reader and its decompressors raise for damaged bytes.
_DAMAGE = (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zipfile.LargeZipFile,
           zlib.error, lzma.LZMAError, struct.error)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a file of the export."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


def verify(path: Path, *trusted_keys: str) -> list[Fault]:
    """Return what is wrong with an export; [] when every byte is as it was signed.

    Args:
        path: The zip.
        trusted_keys: The recorders' public keys in hex (`GET /signing-key`), got on another way than the zip. Without
            any, a forger who signed anew with a key of his own is not seen.
    """
    keys = {key.strip().lower() for key in trusted_keys}
    try:
        with zipfile.ZipFile(path) as archive:
            faults = [Fault(name or path.name, what) for name, what in loose(archive)]
            if not _parts(archive):
                return [*faults, *_faults(archive, keys), *_missing_parts([archive])]
            return [*faults, *_joined_faults(archive, keys)]
    except _DAMAGE as error:
        return [Fault(path.name, f"cannot be read: {error}")]


def public_keys(path: Path) -> list[str]:
    """Return the keys that an export and its parts say they were signed with, in hex."""
    try:
        with zipfile.ZipFile(path) as archive, ExitStack() as opened:
            parts = [_part(archive, name, opened) for name in _parts(archive)] or [archive]
            return sorted({str(json.loads(_small(part, MANIFEST))["public_key"]) for part in parts})
    except (*_DAMAGE, KeyError, TypeError):
        return []


def _parts(archive: zipfile.ZipFile) -> list[str]:
    """Return the exports in a zip of exports; [] for an export."""
    names = archive.namelist()
    return names if names and all(name.endswith(PART) for name in names) else []


def _joined_faults(archive: zipfile.ZipFile, trusted_keys: Collection[str]) -> Iterator[Fault]:
    with ExitStack() as opened:
        names, parts = _parts(archive), []
        yield from (Fault(name, "is there twice") for name, count in Counter(names).items() if count > 1)
        for name in names:
            parts.append(part := _part(archive, name, opened))
            yield from (Fault(f"{name}/{file}", what) for file, what in loose(part))
            yield from (replace(each, file=f"{name}/{each.file}") for each in _faults(part, trusted_keys))
        yield from _missing_parts(parts)


def _part(archive: zipfile.ZipFile, name: str, opened: ExitStack) -> zipfile.ZipFile:
    return opened.enter_context(zipfile.ZipFile(opened.enter_context(archive.open(name))))


def _missing_parts(parts: Sequence[zipfile.ZipFile]) -> Iterator[Fault]:
    """Name the cameras that the parts lack of the whole that they state, and parts of another one."""
    wholes = []
    there: Counter[str] = Counter()
    for part in parts:
        try:
            whole, cameras = _extent(json.loads(_small(part, MANIFEST)))
            wholes.append(whole)
            there.update(cameras)
        except (*_DAMAGE, KeyError, TypeError, AttributeError):
            return  # `_faults` names it
    if any(each != wholes[0] for each in wholes) or (len(wholes) > 1 and wholes[0] is None):
        yield Fault(MANIFEST, "the parts are not of one whole")
    for name in wholes[0]["cameras"] if wholes[0] is not None else ():
        if there[name] != 1:
            yield Fault(name, "this camera is there twice" if there[name] else "this camera is missing")


def _faults(archive: zipfile.ZipFile, trusted_keys: Collection[str]) -> Iterator[Fault]:
    names = Counter(archive.namelist())
    missing = [name for name in (MANIFEST, SIGNATURE) if not names[name]]
    yield from (Fault(name, "is missing") for name in missing)
    yield from (Fault(name, "is there twice") for name, count in names.items() if count > 1)
    if missing:
        return
    try:
        raw, signature = _small(archive, MANIFEST), bytes.fromhex(_small(archive, SIGNATURE).decode())
        manifest = json.loads(raw)
        key, stated, _ = str(manifest["public_key"]), dict(_stated(manifest)), _extent(manifest)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, DOMAIN + raw)
    except InvalidSignature:
        yield Fault(MANIFEST, "is not what was signed")
        return
    except (*_DAMAGE, KeyError, TypeError, AttributeError) as error:
        yield Fault(MANIFEST, f"cannot be read: {error}")
        return
    if trusted_keys and key not in trusted_keys:
        yield Fault(SIGNATURE, f"is by another key, {key}")
    yield from (Fault(name, "is not in the manifest") for name in names if name not in {*stated, MANIFEST, SIGNATURE})
    for name, (sha256, size) in stated.items():
        yield from _altered(archive, name, sha256, size)


def _stated(manifest: Any) -> Iterator[tuple[str, tuple[str, int]]]:
    """Yield (file, (SHA-256, bytes)). Raises `KeyError` or `TypeError` for another shape."""
    if manifest["format"] != FORMAT:
        raise ValueError(f"format {manifest['format']!r} is not known")
    for each in [*(part for camera in manifest["cameras"] for part in camera["parts"]), *manifest["files"]]:
        yield each["file"], (each["sha256"], each["bytes"])


def _extent(manifest: Any) -> tuple[Any, list[str]]:
    """Return what an export says it is a part of, and its cameras. Raises as `_stated` does for another shape."""
    whole, cameras = manifest.get("whole"), [camera["name"] for camera in manifest["cameras"]]
    if not all(isinstance(name, str) for name in (*cameras, *(whole["cameras"] if whole is not None else ()))):
        raise TypeError("a camera without a name")
    return whole, cameras


def _altered(archive: zipfile.ZipFile, name: str, sha256: str, size: int) -> Iterator[Fault]:
    try:
        if archive.getinfo(name).file_size != size:
            yield Fault(name, f"has {archive.getinfo(name).file_size} bytes, not {size}")
            return
        digest = hashlib.sha256()
        with archive.open(name) as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
        if digest.hexdigest() != sha256:
            yield Fault(name, "is not what was signed")
    except KeyError:
        yield Fault(name, "is missing")
    except _DAMAGE as error:
        yield Fault(name, f"is damaged: {error}")


def _small(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LARGEST_MANIFEST_BYTES:
        raise ValueError("it is too large")
    return archive.read(name)

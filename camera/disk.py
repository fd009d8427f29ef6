"""Where footage lies on disk, and what makes a change there durable.

incoming/CAMERA/RUN-NUMBER.mp4              being written, or left by a fault
CAMERA/2026-11-23/15/RUN-NUMBER.mp4         complete: hashed, synced, indexed (UTC date and hour of its start)
unusable/CAMERA/RUN-NUMBER.mp4              not one whole fragment; kept for a person to look at
index.db, recorder.lock, signing.key
"""

import errno
import fcntl
import mmap
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from camera.segment import US

T = TypeVar("T")
INDEX, LOCK, RESERVE, INCOMING, UNUSABLE = "index.db", "recorder.lock", "reserve", "incoming", "unusable"
SIGNING_KEY = "signing.key"
RESERVE_BYTES = 64 << 20


class FolderInUse(Exception):
    """Another recorder, or an ffmpeg of a killed one, still writes here."""


def lock(root: Path, patience_s: float = 5.0) -> int:
    """Return the descriptor of the folder's lock. Each ffmpeg inherits it: who holds it may move files.

    Raises:
        FolderInUse: It is not free within `patience_s`.
    """
    descriptor = os.open(root / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise FolderInUse(f"{root}: another recorder writes here") from None
            time.sleep(0.1)
        else:
            return descriptor


def final_path(camera: str, segment: str, start_us: int) -> str:
    """Return a complete file's path, relative to the root."""
    return f"{camera}/{datetime.fromtimestamp(start_us / US, UTC):%Y-%m-%d/%H}/{segment}.mp4"


def hour_us(path: Path) -> int | None:
    """Return the hour that a complete file's folders name; None when they name none."""
    try:
        hour = datetime.strptime("/".join(path.parts[-3:-1]), "%Y-%m-%d/%H").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(hour.timestamp()) * US


def make_folder(folder: Path) -> None:
    """Create a folder and its parents; their entries are durable when this returns."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync(folder.parent)


def write(path: Path, data: bytes) -> None:
    """Write a small file durably: after a crash the old one is there, or the new one, whole."""
    make_folder(path.parent)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    sync(part)
    part.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Write a file's bytes, or a folder's entries, through to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move(source: Path, target: Path) -> None:
    """Rename durably; never over another file.

    Raises:
        FileExistsError: Another file has the target's name.
    """
    make_folder(target.parent)
    if not (target.exists() and target.samefile(source)):  # a crash between link and unlink leaves both names
        os.link(source, target)
    sync(target.parent)
    source.unlink()
    sync(source.parent)


@contextmanager
def mapped(path: Path) -> Iterator[memoryview]:
    """Give a file's bytes without reading them all; an empty file gives none."""
    with path.open("rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size == 0:
            yield memoryview(b"")
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pages, memoryview(pages) as data:
            yield data


def missing_mount(root: Path, fstab: Path = Path("/etc/fstab")) -> Path | None:
    """Return the disk that should be mounted at or above `root`, says fstab(5), and is not; None when all is well."""
    try:
        lines = fstab.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    fields = [line.split() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    points = [Path(each[1].replace("\\040", " ")) for each in fields if len(each) > 2 and each[1].startswith("/")]
    place = root.absolute()
    return next((point for point in points if place.is_relative_to(point) and not point.is_mount()), None)


def free_bytes(root: Path) -> int:
    """Return what the recorder's user may still write."""
    disk = os.statvfs(root)
    return disk.f_bavail * disk.f_frsize


def is_read_only(root: Path) -> bool:
    """Tell whether nothing can be written; some file systems become so by an error."""
    return bool(os.statvfs(root).f_flag & os.ST_RDONLY)


def is_full(error: OSError | sqlite3.Error) -> bool:
    """Tell whether an error says that the disk has no room."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL


def keep_reserve(root: Path, size_bytes: int = RESERVE_BYTES) -> None:
    """Set room aside for the index, if the disk has plenty."""
    path = root / RESERVE
    if path.exists() or free_bytes(root) < 4 * size_bytes:
        return
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size_bytes)


def give_reserve(root: Path) -> None:
    """Give the room up: without it a full disk could not even be told what to delete."""
    (root / RESERVE).unlink(missing_ok=True)


def with_reserve(root: Path, act: Callable[[], T]) -> T:
    """Change the index; if its disk is full, once more with the reserve given up."""
    try:
        return act()
    except (OSError, sqlite3.Error) as error:
        if not is_full(error):
            raise
        give_reserve(root)
        return act()

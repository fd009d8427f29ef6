"""The disks that footage lies on: which are there, which one a stream writes to.

Each has a marker, and `disks.json` in the data folder says which marker was last seen where. So a folder whose disk is
not mounted, or another disk in its place, is not taken for it, whatever fstab(5) says.
"""

import errno
import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

import structlog

from camera import disk

log = structlog.get_logger()
MARKER = ".menjin-disk"
LOOK_S = 2.0  # between two looks whether the disks are there
FIRST = ""  # the name of the disk that has the index


class Disks:
    """The first disk has the index; more may be named. What is not there is passed over, and said once."""

    def __init__(self, first: Path, more: Mapping[str, Path] | None = None, known: Path | None = None) -> None:
        self.folders: dict[str, Path] = {FIRST: first, **(more or {})}
        self._known = known
        self._looked_s = -LOOK_S
        self._missing: dict[str, str] = {}
        self.full: set[str] = set()  # there, but without room: the keeper says so

    def there(self) -> dict[str, Path]:
        """Return the disks that can be written to, looked at every two seconds."""
        if time.monotonic() - self._looked_s >= LOOK_S:
            self._looked_s = time.monotonic()
            missing = {name: why for name in self.folders if (why := self.missing(name))}
            for name in missing.keys() ^ self._missing.keys():
                say = log.error if name in missing else log.info
                say("disk", disk=name or "first", folder=str(self.folders[name]), missing=missing.get(name))
            self._missing = missing
        return {name: folder for name, folder in self.folders.items() if name not in self._missing}

    def missing(self, name: str) -> str | None:
        """Return why a disk cannot be written to, in plain words; None when it can."""
        folder = self.folders[name]
        try:
            if (mount := disk.missing_mount(folder)) is not None:
                return f"{mount} is not mounted"
            if name != FIRST and not folder.is_dir():
                return "there is no such folder"
            if self._known is None:
                return None
            return self._stranger(name, folder, self._known)
        except (OSError, ValueError) as error:
            return str(error)

    def place(self, stream: str, number: int, pinned: str | None = None) -> str:
        """Return the disk that a stream writes to: its own, or else by its number among those that can be used.

        Raises:
            OSError: None can be used (ENODEV), or all are full (ENOSPC).
        """
        there = self.there()
        usable = [name for name in there if name not in self.full]
        if pinned in usable:
            return str(pinned)
        if not usable:
            number = errno.ENOSPC if there else errno.ENODEV
            raise OSError(
                number, f"{stream}: {'all recording disks are full' if there else 'no recording disk is there'}"
            )
        return usable[number % len(usable)]

    def name_of(self, path: Path) -> str:
        """Return the disk that a path lies on."""
        return next((name for name, folder in self.folders.items() if path.is_relative_to(folder)), FIRST)

    def stored(self, name: str, relative: str) -> str:
        """Return a path as the index keeps it: absolute, but on the first disk, whose folder may be moved."""
        return relative if name == FIRST else str(self.folders[name] / relative)

    def _stranger(self, name: str, folder: Path, known: Path) -> str | None:
        """Compare the marker with the one last seen; a disk that comes for the first time gets one."""
        seen: dict[str, str] = json.loads(known.read_text(encoding="utf-8")) if known.exists() else {}
        path = folder / MARKER
        marker = path.read_text(encoding="utf-8").strip() if path.exists() else ""
        if name in seen and marker != seen[name]:
            what = "another disk is there" if marker else "its disk is not there"
            return f"{what}; if that is meant, take {name!r} out of {known}"
        if name not in seen:
            if not marker:
                disk.make_folder(folder)
                marker = str(uuid.uuid4())
                _write(path, f"{marker}\n")
            _write(known, json.dumps(seen | {name: marker}, indent=1))
        return None


def _write(path: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    disk.sync(fresh)
    fresh.replace(path)
    disk.sync(path.parent)

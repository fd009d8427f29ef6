"""The disks that footage lies on: which are there, which one a stream writes to.

Each has a marker, and `disks.json` in the data folder says which marker was last seen where. So a folder whose disk is
not mounted, or another disk in its place, is not taken for it, whatever fstab(5) says. Each is looked at in a thread of
its own, for a network disk may not answer at all: then it counts as missing, and nobody else waits for it.
"""

import errno
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import structlog

from camera import disk

log = structlog.get_logger()
MARKER = ".menjin-disk"
LOOK_S = 4.0  # between two looks whether the disks are there
HUNG_S = 4.0  # a disk that was asked this long ago does not answer
HUNG = "it does not answer"
FIRST = ""  # the name of the disk that has the index


class Disks:
    """The first disk has the index; more may be named. What is not there is passed over, and said once."""

    def __init__(self, first: Path, more: Mapping[str, Path] | None = None, known: Path | None = None) -> None:
        self.folders: dict[str, Path] = {FIRST: first, **(more or {})}
        self._known, self._knowing = known, threading.Lock()
        self._watches = {name: _Watch(partial(self.missing, name)) for name in self.folders}
        self._missing: dict[str, str] = {}
        self.full: set[str] = set()  # there, but without room: the keeper says so

    def there(self) -> dict[str, Path]:
        """Return the disks that can be written to, by the last look at each; only the very first is waited for."""
        missing = {name: why for name, watch in self._watches.items() if (why := watch.why())}
        before, self._missing = self._missing, missing
        for name in missing.keys() ^ before.keys():
            say = log.error if name in missing else log.info
            say("disk", disk=name or "first", folder=str(self.folders[name]), missing=missing.get(name))
        return {name: folder for name, folder in self.folders.items() if name not in missing}

    def seen(self, name: str) -> None:
        """A file on this disk grows: it is there, and need not be looked at."""
        self._watches[name].seen()

    def missing(self, name: str) -> str | None:
        """Return why a disk cannot be written to, in plain words; None when it can. Blocks on the disk."""
        folder = self.folders[name]
        try:
            if (mount := disk.missing_mount(folder)) is not None:
                return f"{mount} is not mounted"
            if name != FIRST and not folder.is_dir():
                return "there is no such folder"
            if folder.is_dir() and disk.is_read_only(folder):
                return "it is mounted read-only; after an error a file system often is"
            if self._known is None:
                return None
            return self._stranger(name, folder, self._known)
        except (OSError, ValueError) as error:
            return str(error)

    def place(self, stream: str, number: int, pinned: str | None = None) -> str:
        """Return the disk that a stream writes to: its own, or by its number; if that fails, another by its number.

        So a disk that goes or fills up moves those streams alone that were on it.

        Raises:
            OSError: None can be used (ENODEV), or all are full (ENOSPC).
        """
        there = self.there()
        usable = [name for name in there if name not in self.full]
        named = list(self.folders)
        own = pinned if pinned in named else named[number % len(named)]
        if own in usable:
            return str(own)
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
        path = folder / MARKER
        marker = path.read_text(encoding="utf-8").strip() if path.exists() else ""
        seen = _seen(known)
        if name in seen and marker != seen[name]:
            what = "another disk is there" if marker else "its disk is not there"
            return f"{what}; if that is meant, take {name!r} out of {known}"
        if name not in seen:
            if not marker:
                disk.make_folder(folder)
                marker = str(uuid.uuid4())
                _write(path, f"{marker}\n")
            with self._knowing:
                _write(known, json.dumps(_seen(known) | {name: marker}, indent=1))
        return None


class _Watch:
    """What is known of one disk: looked at again when it is asked for, by a thread that may hang. For any thread."""

    def __init__(self, look: Callable[[], str | None]) -> None:
        self._look = look
        self._lock, self._first = threading.Lock(), threading.Event()
        self._began_s: float | None = None  # of the look that goes on
        self._ended_s = -LOOK_S
        self._why: str | None = None

    def why(self) -> str | None:
        """Return why the disk was missing when it was last looked at; None when it was there."""
        with self._lock:
            if self._began_s is None and time.monotonic() - self._ended_s >= LOOK_S:
                self._began_s = time.monotonic()
                threading.Thread(target=self._run, name="disk", daemon=True).start()
        self._first.wait(max(0.0, HUNG_S - self._asked_s()))
        with self._lock:
            return HUNG if self._asked_s() > HUNG_S or not self._first.is_set() else self._why

    def seen(self) -> None:
        """What was there is still there."""
        with self._lock:
            if self._first.is_set() and self._began_s is None and self._why is None:
                self._ended_s = time.monotonic()

    def _asked_s(self) -> float:
        began_s = self._began_s
        return 0.0 if began_s is None else time.monotonic() - began_s

    def _run(self) -> None:
        why = self._look()
        with self._lock:
            self._why, self._began_s, self._ended_s = why, None, time.monotonic()
        self._first.set()


def _seen(known: Path) -> dict[str, str]:
    """Return the markers by their disks, as they were last seen."""
    found: dict[str, str] = json.loads(known.read_text(encoding="utf-8")) if known.exists() else {}
    return found


def _write(path: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    disk.sync(fresh)
    fresh.replace(path)
    disk.sync(path.parent)

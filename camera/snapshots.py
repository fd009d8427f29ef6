"""Pictures of what happened at doors: one small JPEG a camera and moment, kept long after the footage has gone.

snapshots/CAMERA/2026-11-26/MOMENT.jpg      beside the footage; the moment in Unix microseconds

As with footage, a row's file exists and is durable: the file comes before its row and goes after it. A moment without a
picture has a row too, which says why.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from camera import disk
from camera.database import Database
from camera.forecast import DAY_S, Rate
from camera.segment import US

log = structlog.get_logger()

FOLDER = "snapshots"
NEAR_US = US // 2  # what happens at a door within half a second is one picture
RECENT_DAYS = 2  # in which a start looks for what a crash left
BATCH = 500  # rows that go at once


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A camera's picture of a moment; one without says `why`."""

    camera: str
    at_us: int
    bytes: int = 0
    sha256: str = ""
    why: str = ""

    @property
    def path(self) -> str:
        """Return where it lies, relative to the root."""
        return f"{FOLDER}/{self.camera}/{datetime.fromtimestamp(self.at_us / US, UTC):%Y-%m-%d}/{self.at_us}.jpg"


class Snapshots:
    """The store: files and rows, changed together. Safe in any thread; blocks on the disk."""

    def __init__(self, root: Path, database: Database) -> None:
        self._root, self._database = root, database

    def near(self, camera: str, at_us: int) -> Snapshot | None:
        """Return what is kept of a moment, or of half a second around it: a picture before a reason."""
        row = self._database.here.execute(
            "select * from snapshot where camera = ? and at_us between ? and ? order by why <> '', abs(at_us - ?)"
            " limit 1",
            (camera, at_us - NEAR_US, at_us + NEAR_US, at_us),
        ).fetchone()
        return Snapshot(*row) if row else None

    def read(self, snapshot: Snapshot) -> bytes:
        """Return its JPEG. Raises `FileNotFoundError`: it has none, or it has just gone."""
        if snapshot.why:
            raise FileNotFoundError(snapshot.path)
        return (self._root / snapshot.path).read_bytes()

    def keep(self, camera: str, at_us: int, jpeg: bytes) -> None:
        """Keep a picture: durable, row and all, when this returns."""
        snapshot = Snapshot(camera, at_us, len(jpeg), hashlib.sha256(jpeg).hexdigest())
        disk.write(self._root / snapshot.path, jpeg)
        self._put(snapshot)

    def lack(self, camera: str, at_us: int, why: str) -> None:
        """Note why a moment has no picture."""
        self._put(Snapshot(camera, at_us, why=why))

    def forget(self, before_us: int, max_bytes: int | None = None) -> int:
        """Give up what is older than a moment, then the oldest beyond `max_bytes`; return how many.

        Their files are garbage of the index: `camera.retention.finish_garbage` removes them.
        """
        too_many = max(0, self.used_bytes() - max_bytes) if max_bytes is not None else 0
        gone = 0
        while going := self._oldest(before_us, too_many):
            with self._database.writing() as rows:
                for each in going:
                    rows.execute("delete from snapshot where camera = ? and at_us = ?", (each.camera, each.at_us))
                    if not each.why:
                        rows.execute("insert or ignore into garbage (path) values (?)", (each.path,))
            too_many -= sum(each.bytes for each in going)
            gone += len(going)
        return gone

    def used_bytes(self, since_us: int = 0) -> int:
        """Return the bytes of all pictures of a moment or later."""
        asked = "select coalesce(sum(bytes), 0) from snapshot where at_us >= ?"
        return int(self._database.here.execute(asked, (since_us,)).fetchone()[0])

    def pictures(self) -> Iterator[Snapshot]:
        """Yield all that have a file."""
        for row in self._database.here.execute("select * from snapshot where why = '' order by camera, at_us"):
            yield Snapshot(*row)

    def orphans(self, since: str = "") -> Iterator[Path]:
        """Yield files without a row, of a date or later: a crash leaves one between rename and row."""
        for folder in sorted((self._root / FOLDER).glob("*/????-??-??")):
            if folder.name >= since:
                yield from (path for path in sorted(folder.iterdir()) if not self._has(path))

    def recover(self, now_us: int) -> int:
        """Take in what a crash left without a row; what was not written whole goes. Return how many."""
        since = datetime.fromtimestamp(now_us / US - RECENT_DAYS * 86_400, UTC).date().isoformat()
        return sum(self.adopt(path) for path in list(self.orphans(since)))

    def adopt(self, path: Path) -> bool:
        """Make a file a picture of the store; one that is none goes. Tell whether it is one now."""
        if path.suffix != ".jpg" or not path.stem.isdigit():
            path.unlink()
            return False
        jpeg = path.read_bytes()
        camera = path.relative_to(self._root / FOLDER).parts[0]
        self._put(Snapshot(camera, int(path.stem), len(jpeg), hashlib.sha256(jpeg).hexdigest()))
        return True

    def give_up(self, path: str, why: str) -> None:
        """Note of a picture that is not there any more, or is another one, why."""
        _, camera, _, name = Path(path).parts
        self._put(Snapshot(camera, int(Path(name).stem), why=why))

    def _oldest(self, before_us: int, too_many: int) -> list[Snapshot]:
        """Return the oldest that go: too old, or while there are too many bytes."""
        found = []
        for row in self._database.here.execute("select * from snapshot order by at_us limit ?", (BATCH,)):
            each = Snapshot(*row)
            if each.at_us >= before_us and too_many <= 0:
                break
            too_many -= each.bytes
            found.append(each)
        return found

    def _has(self, path: Path) -> bool:
        camera, _, name = path.relative_to(self._root / FOLDER).parts
        asked = "select 1 from snapshot where camera = ? and at_us = ? and why = ''"
        known = path.suffix == ".jpg" and path.stem.isdigit() and (camera, int(Path(name).stem))
        return bool(known and self._database.here.execute(asked, known).fetchone())

    def _put(self, snapshot: Snapshot) -> None:
        values = (snapshot.camera, snapshot.at_us, snapshot.bytes, snapshot.sha256, snapshot.why)
        with self._database.writing() as rows:
            rows.execute("insert or replace into snapshot (camera, at_us, bytes, sha256, why) values (?, ?, ?, ?, ?)",
                         values)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Album:
    """The store and how long it keeps: as long as events are kept, unless it is bound by bytes."""

    snapshots: Snapshots
    keep_s: float
    max_bytes: int | None = None

    def sweep(self, now_us: int) -> int:
        """Give up what is too old or too much; return how many went. Says when some go before their time."""
        before_us = now_us - int(self.keep_s * US)
        gone = self.snapshots.forget(before_us)
        early = self.snapshots.forget(before_us, self.max_bytes)
        if early:
            log.error("pictures of events go before their time", count=early, max_bytes=self.max_bytes)
        return gone + early

    def rate(self, now_us: int) -> Rate:
        """Return how fast it grows, by the last day."""
        size = self.snapshots.used_bytes(now_us - int(DAY_S * US))
        return Rate(size, DAY_S, self.keep_s, self.max_bytes, self.keep_s)

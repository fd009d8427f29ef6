"""Reading the index: which footage there is, which is missing, and why. Every answer takes milliseconds."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from camera.database import Database
from camera.marks import FootageClass, Mark
from camera.segment import LONGEST_US, Erased, Gap, Hold, Segment, main_name, sub_name, unpack_gops

_SEGMENT = """select segment.*, init.bytes as init_bytes, init.mime, init.width, init.height
from segment join init on init.id = segment.init """
_LIGHT = """select id, camera, start_us, end_us, bytes, path, 0 as init_bytes, '' as mime, 0 as width, 0 as height,
x'' as gops, sha256, salvaged, seq, prev, chain, disk from segment """


class Span(NamedTuple):
    """A recorded time of one file, without its structure."""

    id: str
    start_us: int
    end_us: int
    bytes: int


class Recorded(NamedTuple):
    """A stretch of footage without a gap."""

    start_us: int
    end_us: int
    bytes: int
    files: int


class Timeline:
    """Answers from the index; safe in any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def spans(self, camera: str, from_us: int, to_us: int) -> list[Span]:
        """Return what is recorded within [from, to), in order."""
        rows = self._database.here.execute(
            "select id, start_us, end_us, bytes from segment"
            " where camera = ? and start_us > ? and start_us < ? and end_us > ? order by start_us",
            (camera, from_us - LONGEST_US, to_us, from_us),
        )
        return list(map(Span._make, rows))

    def recorded(self, camera: str, from_us: int, to_us: int) -> list[Recorded]:
        """Return the stretches of footage within [from, to), in order, each whole."""
        rows = self._database.here.execute(
            "select from_us, to_us, bytes, files from recorded where camera = ? and from_us < ? and to_us > ?"
            " order by from_us",
            (camera, to_us, from_us),
        )
        return list(map(Recorded._make, rows))

    def rate(self, camera: str, from_us: int, to_us: int) -> dict[str, int]:
        """Return by disk the bytes of the files that began within [from, to), but of those that wait for a mark."""
        rows = self._database.here.execute(
            "select disk, sum(bytes) from segment where camera = ? and start_us >= ? and start_us < ? and class > ?"
            " group by disk",
            (camera, from_us, to_us, FootageClass.PENDING),
        )
        return dict(iter(rows))

    def first_us(self, camera: str) -> int | None:
        """Return when a camera's oldest file begins."""
        row = self._database.here.execute("select min(start_us) from segment where camera = ?", (camera,)).fetchone()
        return None if row[0] is None else int(row[0])

    def disk_bytes(self) -> dict[str, int]:
        """Return the bytes of each disk's files; sums what one index has: 0.1 s a million."""
        return dict(iter(self._database.here.execute("select disk, sum(bytes) from segment group by disk")))

    def held_bytes(self, now_us: int) -> dict[str, int]:
        """Return by disk the bytes of the files that a hold keeps."""
        held: dict[str, tuple[str, int]] = {}
        for hold in (each for each in self.holds() if each.alive(now_us)):
            streams = main_name(hold.camera), sub_name(main_name(hold.camera))
            rows = self._database.here.execute(
                "select id, disk, bytes from segment where camera in (?, ?)"
                " and start_us > ? and start_us < ? and end_us > ?",
                (*streams, hold.from_us - LONGEST_US, hold.to_us, hold.from_us),
            )
            held |= {row["id"]: (row["disk"], row["bytes"]) for row in rows}
        total: Counter[str] = Counter()
        for disk, size in held.values():
            total[disk] += size
        return dict(total)

    def exports(self) -> list[dict[str, object]]:
        """Return who took which footage away, newest first."""
        rows = self._database.here.execute("select * from export order by id desc limit 1000")
        return [dict(row) | {"cameras": json.loads(row["cameras"])} for row in rows]

    def segments(self, camera: str, from_us: int, to_us: int) -> list[Segment]:
        """Return the files that have footage within [from, to), in order."""
        rows = self._database.here.execute(
            _SEGMENT + "where camera = ? and start_us > ? and start_us < ? and end_us > ? order by start_us",
            (camera, from_us - LONGEST_US, to_us, from_us),
        )
        return [_segment(row) for row in rows]

    def segment(self, segment: str) -> Segment | None:
        """Return a file by its id."""
        row = self._database.here.execute(_SEGMENT + "where segment.id = ?", (segment,)).fetchone()
        return _segment(row) if row else None

    def last(self, camera: str, now_us: int = 1 << 62) -> Segment | None:
        """Return the newest file of a camera; with `now_us`, not of a time when this machine's clock was ahead."""
        query = _SEGMENT + "where camera = ? and start_us <= ? order by start_us desc limit 1"
        row = self._database.here.execute(query, (camera, now_us)).fetchone()
        return _segment(row) if row else None

    def shelf(self, camera: str, footage_class: FootageClass) -> Iterator[Segment]:
        """Yield a camera's files of a class, oldest first, without their structure; read as far as the caller goes."""
        where = "where camera = ? and class = ? order by start_us"
        for row in self._database.here.execute(_LIGHT + where, (camera, footage_class)):
            yield _segment(row)

    def disk_shelf(self, disk: str, footage_class: FootageClass) -> Iterator[Segment]:
        """Yield a disk's files of a class likewise."""
        where = "where disk = ? and class = ? order by start_us"
        for row in self._database.here.execute(_LIGHT + where, (disk, footage_class)):
            yield _segment(row)

    def chain(self, camera: str) -> Iterator[Segment]:
        """Yield a camera's files in the order of its hash chain."""
        for row in self._database.here.execute(_SEGMENT + "where camera = ? order by seq", (camera,)):
            yield _segment(row)

    def gaps(self, camera: str, from_us: int, to_us: int) -> list[Gap]:
        """Return what is missing within [from, to), in order."""
        rows = self._database.here.execute(
            "select camera, from_us, to_us, reason from gap where camera = ? and from_us < ?"
            " and (to_us is null or to_us > ?) order by from_us, id",
            (camera, to_us, from_us),
        )
        return [Gap(*row) for row in rows]

    def marks(self, camera: str, from_us: int, to_us: int) -> list[Mark]:
        """Return what happened within [from, to), in order."""
        rows = self._database.here.execute(
            "select camera, from_us, to_us, class, reason, id from mark where camera = ? and from_us < ? and to_us >= ?"
            " order by from_us, id",
            (camera, to_us, from_us),
        )
        return list(map(mark_of, rows))

    def event_marks(self, since_us: int) -> list[Mark]:
        """Return what happened at doors since a moment, in order."""
        rows = self._database.here.execute(
            "select camera, from_us, to_us, class, reason, id from mark where from_us >= ? and class = ?"
            " order by from_us",
            (since_us, FootageClass.EVENT),
        )
        return list(map(mark_of, rows))

    def erased(self, camera: str, from_us: int = 0, to_us: int = 1 << 62) -> list[Erased]:
        """Return what retention removed within [from, to), in the order of the chain."""
        rows = self._database.here.execute(
            "select * from erased where camera = ? and from_us < ? and to_us > ? order by from_seq",
            (camera, to_us, from_us),
        )
        return [Erased(*row) for row in rows]

    def holds(self, camera: str | None = None) -> list[Hold]:
        """Return the holds, of one camera or of all."""
        rows = self._database.here.execute(
            "select id, camera, from_us, to_us, reason, by, until_us from hold"
            " where ? is null or camera = ? order by id",
            (camera, camera),
        )
        return [Hold(*row) for row in rows]

    def used_bytes(self) -> dict[str, int]:
        """Return the bytes of each camera's files."""
        return dict(iter(self._database.here.execute("select name, bytes from camera")))

    def head(self, camera: str) -> tuple[int, str]:
        """Return number and hash of the chain's last link; (0, "") for an unknown camera."""
        row = self._database.here.execute("select seq, chain from camera where name = ?", (camera,)).fetchone()
        return (row["seq"], row["chain"]) if row else (0, "")

    def cameras(self) -> list[str]:
        """Return the cameras that ever had footage."""
        return [row["name"] for row in self._database.here.execute("select name from camera order by name")]

    def garbage(self) -> list[str]:
        """Return the paths whose deletion is not finished."""
        return [row["path"] for row in self._database.here.execute("select path from garbage")]

    def stored(self) -> dict[str, str]:
        """Return what the store elsewhere has: SHA-256 by key."""
        return dict(iter(self._database.here.execute("select key, sha256 from offsite where done_us is not null")))

    def begun_upload(self, key: str) -> str | None:
        """Return the store's id of an upload that was begun and did not end."""
        row = self._database.here.execute("select upload from offsite where key = ?", (key,)).fetchone()
        return row["upload"] if row else None

    def disks(self) -> dict[str, str]:
        """Return the folders of the other disks by name."""
        return dict(iter(self._database.here.execute("select name, folder from disk")))

    def used_disks(self) -> list[str]:
        """Return the disks that have footage."""
        return [row[0] for row in self._database.here.execute("select distinct disk from segment")]

    def open_runs(self) -> list[tuple[str, str]]:
        """Return (run, camera) of the runs that never ended: of a recorder that was killed."""
        return [tuple(row) for row in self._database.here.execute("select id, camera from run where ended_us is null")]


def mark_of(row: sqlite3.Row) -> Mark:
    """Return a row of `mark` as a value."""
    return Mark(row["camera"], row["from_us"], row["to_us"], FootageClass(row["class"]), row["reason"], row["id"])


def _segment(row: sqlite3.Row) -> Segment:
    return Segment(
        row["id"], row["camera"], row["start_us"], row["end_us"], row["bytes"], row["path"], row["init_bytes"],
        row["mime"], row["width"], row["height"], unpack_gops(row["gops"]), row["sha256"], bool(row["salvaged"]),
        row["seq"], row["prev"], row["chain"], row["disk"],
    )  # fmt: skip

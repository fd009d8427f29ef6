"""What the recorder knows of its footage: every change of the index. Reading is in `camera/timeline.py`."""

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from camera.clocks import Measured
from camera.database import Database
from camera.marks import FootageClass, Mark
from camera.modes import Modes, class_of
from camera.recorded import extend, shrink
from camera.segment import LONGEST_US, Hold, Segment, main_name, pack_gops, sub_name
from camera.timeline import mark_of

ALWAYS = Modes()
MARK_JOIN_US = 2_000_000  # motion that pauses for less is one motion
MARK_LONGEST_US = 3_600_000_000  # motion that lasts for longer is more than one


class Index:
    """Writes the index; each call is one durable transaction. `modes` says by camera which footage is kept when."""

    def __init__(self, database: Database, modes: Mapping[str, Modes] | None = None) -> None:
        self._database = database
        self._modes = modes or {}

    def know_disks(self, folders: Mapping[str, str]) -> None:
        """Note where the other disks are; one that is mounted elsewhere now takes its files' paths along.

        One whose folder was known under another name has another name now.
        """
        with self._database.writing() as rows:
            before = dict(iter(rows.execute("select name, folder from disk")))
            for name, folder in folders.items():
                for old in (each for each, there in before.items() if there == folder and each not in folders):
                    rows.execute("update segment set disk = ? where disk = ?", (name, old))
                    rows.execute("delete from disk where name = ?", (old,))
                rows.execute("insert or replace into disk values (?, ?)", (name, folder))
                if (old := before.get(name, folder)) != folder:
                    moved = (folder, len(old) + 1, name)
                    rows.execute("update segment set path = ? || substr(path, ?) where disk = ?", moved)

    def forget_disk(self, name: str) -> None:
        """Forget a disk that will not come back, with the deletions that wait for it; its rows are gone already."""
        with self._database.writing() as rows:
            (folder,) = rows.execute("select folder || '/' from disk where name = ?", (name,)).fetchone()
            rows.execute("delete from garbage where substr(path, 1, ?) = ?", (len(folder), folder))
            rows.execute("delete from disk where name = ?", (name,))

    def begin_run(self, run: str, camera: str, started_us: int) -> None:
        """Note that a connection began."""
        with self._database.writing() as rows:
            rows.execute("insert into run (id, camera, started_us) values (?, ?, ?)", (run, camera, started_us))

    def end_run(self, run: str, ended_us: int, reason: str, anchor_us: int | None = None) -> None:
        """Note that a connection ended, and why."""
        with self._database.writing() as rows:
            rows.execute(
                "update run set ended_us = ?, reason = ?, anchor_us = coalesce(?, anchor_us) where id = ?",
                (ended_us, reason, anchor_us, run),
            )

    def drop_idle_runs(self, before_us: int) -> None:
        """Forget ended runs without a file: a camera that is away makes some thousand a day."""
        with self._database.writing() as rows:
            rows.execute(
                "delete from run where ended_us < ? and not exists"
                " (select 1 from segment where segment.id > run.id || '-' and segment.id < run.id || '.')",
                (before_us,),
            )

    def add(self, segment: Segment, run: Measured | None = None) -> Segment:
        """Add a segment whose file is durable in its place, as the next link of its camera's chain.

        `run` is what is known of its run by now.
        """
        with self._database.writing() as rows:
            rows.execute("insert or ignore into camera (name) values (?)", (segment.camera,))
            seq, prev = rows.execute("select seq, chain from camera where name = ?", (segment.camera,)).fetchone()
            linked = segment.linked(seq + 1, prev)
            _insert(rows, linked, *self._worth(rows, linked))
            extend(rows, linked)
            rows.execute(
                "update camera set seq = ?, chain = ?, bytes = bytes + ? where name = ?",
                (linked.seq, linked.chain, linked.bytes, linked.camera),
            )
            if run:
                _note_run(rows, linked.run, run)
            if linked.number == 0:
                _settle_gap(rows, linked)
        return linked

    def _worth(self, rows: sqlite3.Connection, segment: Segment) -> tuple[FootageClass, FootageClass]:
        """Return a new file's class, and the lowest that its mode keeps."""
        camera = main_name(segment.camera)
        modes = self._modes.get(camera, ALWAYS)
        least = modes.least(segment.start_us, segment.end_us)
        marked = rows.execute(
            "select max(class) from mark where camera = ? and from_us < ? and to_us > ?",
            (camera, segment.end_us + modes.pre_us, segment.start_us - modes.post_us),
        ).fetchone()[0]
        return class_of(least, None if marked is None else FootageClass(marked)), least

    def _raise_class(self, rows: sqlite3.Connection, mark: Mark) -> None:
        """Give the files that a mark reaches its class, where their mode keeps such."""
        from_us, to_us = self._modes.get(mark.camera, ALWAYS).reach(mark)
        rows.executemany(
            "update segment set class = ? where camera = ? and start_us > ? and start_us < ? and end_us > ?"
            " and class < ? and least <= ?",
            (
                (
                    mark.footage_class,
                    stream,
                    from_us - LONGEST_US,
                    to_us,
                    from_us,
                    mark.footage_class,
                    mark.footage_class,
                )
                for stream in (mark.camera, sub_name(mark.camera))
            ),
        )

    def open_gap(self, camera: str, from_us: int, reason: str) -> None:
        """Note that footage is missing from here on; another reason during a gap begins another gap."""
        with self._database.writing() as rows:
            last = rows.execute(
                "select id, from_us, reason from gap where camera = ? and to_us is null order by id desc", (camera,)
            ).fetchone()
            if last and last["reason"] == reason:
                return
            if last:
                from_us = max(from_us, last["from_us"])
                rows.execute("update gap set to_us = ? where id = ?", (from_us, last["id"]))
            rows.execute("insert into gap (camera, from_us, reason) values (?, ?, ?)", (camera, from_us, reason))

    def close_gap(self, camera: str, to_us: int) -> None:
        """Note that footage arrives again; the run's first segment sets the moment right."""
        with self._database.writing() as rows:
            rows.execute("update gap set to_us = max(from_us, ?) where camera = ? and to_us is null", (to_us, camera))

    def add_hold(self, hold: Hold) -> Hold:
        """Keep footage; returns the hold with its id."""
        with self._database.writing() as rows:
            row = rows.execute(
                "insert into hold (camera, from_us, to_us, reason, by, until_us)"
                " values (?, ?, ?, ?, ?, ?) returning id",
                (hold.camera, hold.from_us, hold.to_us, hold.reason, hold.by, hold.until_us),
            ).fetchone()
        return Hold(row["id"], hold.camera, hold.from_us, hold.to_us, hold.reason, hold.by, hold.until_us)

    def drop_hold(self, hold: int) -> bool:
        """Lift a hold; False when there is none."""
        with self._database.writing() as rows:
            return rows.execute("delete from hold where id = ?", (hold,)).rowcount > 0

    def add_mark(self, mark: Mark) -> Mark:
        """Note that something happened; it joins the same camera's newest mark of the same class and reason."""
        with self._database.writing() as rows:
            last = rows.execute(
                "select camera, from_us, to_us, class, reason, id from mark where camera = ? and from_us > ?"
                " and class = ? and reason = ? order by from_us desc limit 1",
                (mark.camera, mark.from_us - MARK_LONGEST_US, mark.footage_class, mark.reason),
            ).fetchone()
            joined = mark_of(last).joined(mark, MARK_JOIN_US) if last else None
            if joined:
                place = (joined.from_us, joined.to_us, joined.id)
                rows.execute("update mark set from_us = ?, to_us = ? where id = ?", place)
                self._raise_class(rows, joined)
                return joined
            row = rows.execute(
                "insert into mark (camera, from_us, to_us, class, reason) values (?, ?, ?, ?, ?) returning id",
                (mark.camera, mark.from_us, mark.to_us, mark.footage_class, mark.reason),
            ).fetchone()
            self._raise_class(rows, mark)
        return replace(mark, id=row["id"])

    def drop_old_marks(self, before_us: int) -> None:
        """Forget marks of a time of which there is no footage any more."""
        with self._database.writing() as rows:
            rows.execute(
                "delete from mark where to_us < ? and not exists"
                " (select 1 from segment where segment.camera = mark.camera and segment.start_us <= mark.to_us)",
                (before_us,),
            )

    def add_export(self, by: str, reason: str, cameras: list[str], span_us: tuple[int, int], manifest: str) -> None:
        """Note who took footage away, and why."""
        with self._database.writing() as rows:
            rows.execute(
                "insert into export (at_us, by, reason, cameras, from_us, to_us, manifest)"
                " values (?, ?, ?, ?, ?, ?, ?)",
                (time.time_ns() // 1000, by, reason, json.dumps(cameras), *span_us, manifest),
            )

    def begin_upload(self, key: str, upload: str) -> None:
        """Note the store's id of an upload, to go on with it after any end."""
        with self._database.writing() as rows:
            rows.execute("insert or replace into offsite (key, upload) values (?, ?)", (key, upload))

    def end_upload(self, key: str, sha256: str, at_us: int) -> None:
        """Note that the store has it."""
        with self._database.writing() as rows:
            rows.execute("insert or replace into offsite (key, sha256, done_us) values (?, ?, ?)", (key, sha256, at_us))

    def to_garbage(self, doomed: Iterable[tuple[Segment, str]]) -> None:
        """Deletion, step 1: the rows go, their links and reasons stay in `erased`, the paths in `garbage`."""
        going = list(doomed)
        with self._database.writing() as rows:
            for segment, reason in going:
                rows.execute("insert into garbage (path) values (?)", (segment.path,))
                rows.execute("delete from segment where id = ?", (segment.id,))
                rows.execute("update camera set bytes = bytes - ? where name = ?", (segment.bytes, segment.camera))
                _erase(rows, segment, reason)
            shrink(rows, (segment for segment, _ in going))

    def drop_garbage(self, paths: Iterable[str]) -> None:
        """Deletion, step 2: the files are durably gone."""
        with self._database.writing() as rows:
            rows.executemany("delete from garbage where path = ?", ((path,) for path in paths))


def _note_run(rows: sqlite3.Connection, run: str, known: Measured) -> None:
    clocks = known.clocks
    rows.execute(
        "update run set anchor_us = ?, camera_ppm = ?, camera_offset_us = ?, host_ppm = ?, host_error_us = ?"
        " where id = ?",
        (known.anchor_us, clocks.camera_ppm, clocks.camera_offset_us, clocks.host_ppm, clocks.host_error_us, run),
    )


def _insert(rows: sqlite3.Connection, segment: Segment, worth: FootageClass, least: FootageClass) -> None:
    shape = (segment.init_bytes, segment.mime, segment.width, segment.height)
    rows.execute("insert or ignore into init (bytes, mime, width, height) values (?, ?, ?, ?)", shape)
    init = rows.execute("select id from init where bytes = ? and mime = ? and width = ? and height = ?", shape)
    place = (segment.id, segment.camera, segment.start_us, segment.end_us, segment.bytes, segment.path)
    proof = (segment.sha256, segment.salvaged, segment.seq, segment.prev, segment.chain)
    rows.execute(
        "insert into segment (id, camera, start_us, end_us, bytes, path, init, gops, sha256, salvaged, seq, prev,"
        " chain, class, least, disk) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*place, init.fetchone()["id"], pack_gops(segment.gops), *proof, worth, least, segment.disk),
    )


def _settle_gap(rows: sqlite3.Connection, first: Segment) -> None:
    """The run's first segment says exactly when the gap before it ended; one that begins after it is another."""
    rows.execute(
        "update gap set to_us = max(from_us, ?) where id = (select max(id) from gap where camera = ? and from_us <= ?)",
        (first.start_us, first.camera, (first.start_us + first.end_us) // 2),
    )


def _erase(rows: sqlite3.Connection, segment: Segment, reason: str) -> None:
    """Extend the neighbouring row of the chain's erased links, or begin one."""
    extended = rows.execute(
        "update erased set to_seq = ?, chain = ?, to_us = ? where camera = ? and to_seq = ? and reason = ?",
        (segment.seq, segment.chain, segment.end_us, segment.camera, segment.seq - 1, reason),
    )
    if not extended.rowcount:
        links = (segment.camera, segment.seq, segment.seq, segment.prev, segment.chain)
        rows.execute(
            "insert into erased values (?, ?, ?, ?, ?, ?, ?, ?)", (*links, segment.start_us, segment.end_us, reason)
        )

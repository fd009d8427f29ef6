"""The journal: what happened at the doors, on the disk before a door opens.

One thread writes. It takes all that is queued, and commits it as one transaction (group commit). When the database
cannot take a batch, the same batch goes to the reserve file; the database is opened anew, never trusted again, and
takes the reserve over once it works. Only when both refuse does an append fail, with `JournalFull`.
"""

import contextlib
import json
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from gateway import journal_db
from gateway.access.event import AccessEvent
from gateway.chain import Head, Sealed, seal
from gateway.journal_db import Left
from gateway.passage import Change, Passage, store
from gateway.reserve import Reserve, ReserveFull
from gateway.takeover import take_over

DAY_S = 86400.0
MIN_RETENTION_S = 180 * DAY_S  # network logs are kept six months (Cybersecurity Law of China, art. 21)
HEARTBEAT_S = 60.0  # the high-water time is written at least this often
PRUNE_ROWS = 5000

log = structlog.get_logger()


class JournalFull(Exception):
    """Neither journal nor reserve can take the event: nothing may happen that it was to record."""


@dataclass(frozen=True, slots=True)
class _Entry:
    event: AccessEvent
    changes: Sequence[Change]
    future: Future[int] = field(default_factory=Future)


class Journal:
    """The journal at `path`, with its reserve file beside it.

    Args:
        path: the database; `reserve.bin` stands in the same folder.
        now: the trusted time, Unix seconds.
        quality: what that time is worth (`Clock.quality`); what is kept for long is not forgotten by a doubtful one.
        on_commit: called in the writer's thread after each commit.
        queue_limit: events that may wait; more are refused with `JournalFull`.
        batch_limit: events in one transaction.
        retention_s: acknowledged records older than this are removed; at least 180 days.
        retry_s: how long to wait before a broken database is tried again.
        reserve_bytes: size of the reserve file.
    """

    def __init__(
        self,
        path: Path,
        now: Callable[[], float],
        *,
        quality: Callable[[], str] = lambda: "synced",
        on_commit: Callable[[], None] = lambda: None,
        queue_limit: int = 10_000,
        batch_limit: int = 1000,
        retention_s: float = MIN_RETENTION_S,
        retry_s: float = 1.0,
        reserve_bytes: int = 16 << 20,
    ) -> None:
        self._path, self._now, self._quality, self._on_commit = path, now, quality, on_commit
        self._queue_limit, self._batch_limit, self._retry_s = queue_limit, batch_limit, retry_s
        self._retention_s = max(retention_s, MIN_RETENTION_S)
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._head, self._acked, self._high_water = Head(), 0, 0.0
        self._beaten, self._tried = time.monotonic(), float("-inf")
        self._lost, self._fault = 0, ""
        self._stopping = False
        path.parent.mkdir(parents=True, exist_ok=True)
        self._reserve = Reserve(path.with_name("reserve.bin"), reserve_bytes)
        if self._reserve.size_bytes < reserve_bytes:
            log.error("reserve journal is short", bytes=self._reserve.size_bytes, wanted=reserve_bytes)
        self.passage = Passage()  # read once here; the caller keeps it up to date from now on
        self._db: sqlite3.Connection | None = None
        self._open_first()

    # --- any thread ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the writer."""
        self._thread.start()

    def append(self, event: AccessEvent, changes: Sequence[Change] = ()) -> Future[int]:
        """Queue an event; the future gives its sequence number once it is on the disk, or `JournalFull`."""
        entry = _Entry(event, changes)
        if self._stopping or self._queue.qsize() >= self._queue_limit:
            entry.future.set_exception(JournalFull("the queue is full"))
        else:
            self._queue.put(entry)
        return entry.future

    def after(self, seq: int, limit: int = 500) -> list[Sealed]:
        """The records behind `seq`, oldest first. Those in the reserve come when the database has taken them over."""
        with contextlib.closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as db:
            rows = db.execute("SELECT * FROM journal WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
            return [Sealed(*row) for row in rows]

    def acked(self, seq: int) -> None:
        """The management plane holds all up to `seq`: these may go when their retention is over."""
        self._acked = seq

    @property
    def head(self) -> Head:
        """The last record on the disk."""
        return self._head

    @property
    def acked_seq(self) -> int:
        """What the management plane acknowledged last."""
        return self._acked

    def first_seq(self) -> int:
        """The oldest record that retention left, or the next one to come."""
        with contextlib.closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT pruned_seq + 1 FROM state").fetchone()[0])

    @property
    def high_water(self) -> float:
        """The highest time ever recorded before this start, Unix seconds."""
        return self._high_water

    @property
    def degraded(self) -> bool:
        """Whether events go to the reserve now."""
        return self._db is None

    def close(self, timeout_s: float = 2.0) -> None:
        """Write what is queued, and stop."""
        self._stopping = True
        self._queue.put(None)
        self._thread.join(timeout_s)

    # --- the writer's thread ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not (self._stopping and self._queue.empty()):
            batch = self._take()
            if self._db is None and time.monotonic() - self._tried >= self._retry_s:
                self._reopen()
            if batch:
                self._commit(batch)
            if time.monotonic() - self._beaten >= HEARTBEAT_S or self._stopping:
                self._beat()
        if self._db is not None:
            self._db.close()
        self._reserve.close()

    def _take(self) -> list[_Entry]:
        """All that is queued; nothing when it was quiet for a while."""
        batch: list[_Entry] = []
        try:
            item = self._queue.get(timeout=HEARTBEAT_S if self._db else self._retry_s)
            while item is not None and item.future.set_running_or_notify_cancel():
                batch.append(item)
                if len(batch) >= self._batch_limit:
                    break
                item = self._queue.get_nowait()
        except queue.Empty:
            pass
        return batch

    def _commit(self, batch: Sequence[_Entry]) -> None:
        recorded_at = round(self._now(), 6)
        sealed, head = [], self._head
        for entry in batch:
            sealed.append(seal(head, entry.event.record(), recorded_at))
            head = Head(sealed[-1].seq, sealed[-1].hash)
        if self._store(sealed, list(_left(batch, sealed))):
            self._head = head
            for entry, each in zip(batch, sealed, strict=True):
                entry.future.set_result(each.seq)
        else:
            for entry in batch:
                self._commit_to_reserve(entry, recorded_at)
        self._on_commit()

    def _store(self, sealed: Sequence[Sealed], changes: Sequence[Left]) -> bool:
        if self._db is None:
            return False
        try:
            journal_db.write(self._db, sealed, changes, self._now(), self._acked)
        except sqlite3.Error as error:
            self._broke(error)
            return False
        return True

    def _commit_to_reserve(self, entry: _Entry, recorded_at: float) -> None:
        each = seal(self._head, entry.event.record(), recorded_at)
        changes = [row for change in entry.changes for row in store(change)]
        try:
            self._reserve.append(json.dumps([[(each.text.decode(), each.hash.hex())], changes]).encode())
        except ReserveFull as error:
            if not self._lost:
                log.error("journal full: events are lost, and no door opens", error=str(error))
            self._lost += 1
            entry.future.set_exception(JournalFull(str(error)))
            return
        self._head = Head(each.seq, each.hash)
        entry.future.set_result(each.seq)

    def _broke(self, error: sqlite3.Error) -> None:
        """After a failed commit the handle is never used again: what it thinks is on the disk may not be."""
        log.error("journal broken, the reserve takes over", error=str(error))
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
        self._db = None
        self._salvaged(error)

    def _beat(self) -> None:
        """Write the time and the acknowledgement, and remove what retention lets go.

        A use that was forgotten while the clock ran ahead would be good again: uses go by a synchronised clock alone.
        """
        self._beaten = time.monotonic()
        if self._db is None:
            return
        try:
            now = self._now()
            journal_db.write(self._db, (), (), now, self._acked)
            journal_db.forget_commands(self._db, now - DAY_S)
            quality = self._quality()
            if quality == "synced":
                journal_db.forget_uses(self._db, now - DAY_S)
            if quality in ("synced", "free"):
                journal_db.prune(self._db, now - self._retention_s, self._acked, PRUNE_ROWS)
        except sqlite3.Error as error:
            self._broke(error)

    # --- opening ------------------------------------------------------------------------------------------------------

    def _open_first(self) -> None:
        self._reopen()
        if self._db is not None:
            state = journal_db.read_state(self._db)
            self._acked, self._high_water = state.acked, state.high_water
            self.passage.load(journal_db.read_changes(self._db))
        else:
            self.passage = Passage(unknown_before=self._now())
            for frame in self._reserve.frames():
                self.passage.load(map(tuple, json.loads(frame)[1]))

    def _reopen(self) -> None:
        """Open the database and let it take over the reserve; on failure all stays as it is."""
        self._tried = time.monotonic()
        try:
            db = journal_db.connect(self._path)
        except sqlite3.Error as error:
            self._tell(f"journal cannot be opened: {error}")
            if self._salvaged(error):
                self._reopen()
            return
        try:
            known = self._head if self._reserve.empty else Head()
            self._head = take_over(db, self._reserve, known, self._now(), self._acked)
        except sqlite3.Error as error:
            self._tell(f"journal cannot take over the reserve: {error}")
            db.close()
            return
        if self._lost:
            log.error("journal takes events again", lost=self._lost)
        self._db, self._fault, self._lost = db, "", 0

    def _tell(self, fault: str) -> None:
        """Log a fault when it begins or changes."""
        if fault != self._fault:
            log.error(fault)
        self._fault = fault

    def _salvaged(self, error: sqlite3.Error) -> bool:
        """If the database is corrupt: set it aside and keep what can be read of it."""
        if getattr(error, "sqlite_errorcode", 0) not in journal_db.CORRUPT:
            return False
        broken = self._path.with_name(f"{self._path.name}.broken-{int(self._now())}")
        try:
            journal_db.salvage(self._path, broken)
        except (sqlite3.Error, OSError) as failure:
            log.error("journal cannot be salvaged", error=str(failure))
            return False
        log.error("journal was corrupt; a new one holds what could be read", kept_aside=broken.name)
        return True


def _left(batch: Sequence[_Entry], sealed: Sequence[Sealed]) -> Iterator[Left]:
    """Each change with the number of its record."""
    for entry, each in zip(batch, sealed, strict=True):
        for change in entry.changes:
            for row in store(change):
                yield each.seq, row

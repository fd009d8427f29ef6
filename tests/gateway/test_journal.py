"""The journal on a real disk: nothing acknowledged is ever lost."""

import contextlib
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway import journal_db
from gateway.access.decision import LiveUsed, Used
from gateway.access.event import AccessEvent, EventKind
from gateway.journal import DAY_S, Journal, JournalFull
from gateway.journal_db import LOG_BYTES
from gateway.passage import CommandTaken
from gateway.reserve import Reserve, ReserveFull
from gateway.verify import verify
from tests.gateway.world import small_disk

RESERVE_BYTES = 1 << 16
YEAR_S = 365 * 86_400


def event(number: int = 0) -> AccessEvent:
    return AccessEvent(EventKind.GRANTED, time.time(), door="lobby", credential=f"c-{number}")


@contextmanager
def opened(path: Path, **limits: Any) -> Iterator[Journal]:
    journal = Journal(
        path, limits.pop("now", time.time), reserve_bytes=limits.pop("reserve_bytes", RESERVE_BYTES), **limits
    )
    journal.start()
    try:
        yield journal
    finally:
        journal.close()


def append(journal: Journal, count: int) -> list[int]:
    return [future.result(10) for future in [journal.append(event(n)) for n in range(count)]]


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass


def test_numbers_have_no_gap_and_go_on_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path / "journal.db") as journal:
        assert append(journal, 20) == list(range(1, 21))
    with opened(tmp_path / "journal.db") as journal:
        assert append(journal, 5) == [21, 22, 23, 24, 25]
        assert [each.seq for each in journal.after(18, 4)] == [19, 20, 21, 22]
    assert verify(tmp_path / "journal.db") == []


def test_events_that_wait_together_are_committed_together(tmp_path: Path) -> None:
    commits: list[int] = []
    journal = Journal(tmp_path / "journal.db", time.time, on_commit=lambda: commits.append(1))
    futures = [journal.append(event(n)) for n in range(500)]
    journal.start()
    assert [future.result(10) for future in futures] == list(range(1, 501))
    journal.close()
    assert len(commits) == 1


def test_passage_state_is_written_with_its_event_and_read_again(tmp_path: Path) -> None:
    changes = (LiveUsed(b"h" * 8, 1000), Used(b"p" * 8, 1, 2_000_000_000), Used(b"p" * 8, 2, 2_000_000_000))
    with opened(tmp_path / "journal.db") as journal:
        journal.append(event(), (*changes, CommandTaken("order-1", 2e9))).result(10)
    with opened(tmp_path / "journal.db") as journal:
        assert journal.passage.last_iat(b"h" * 8) == 1000
        assert journal.passage.uses(b"p" * 8) == 2
        assert journal.passage.took("order-1")
        assert not journal.passage.took("order-2")
        assert journal.passage.last_iat(b"x" * 8) is None


@pytest.mark.parametrize(("quality", "uses"), [("leapt", 1), ("free", 1), ("synced", 0)])
def test_a_use_is_not_forgotten_by_a_clock_that_may_be_ahead(tmp_path: Path, quality: str, uses: int) -> None:
    path, used = tmp_path / "journal.db", Used(b"p" * 8, 1, int(time.time()) + 3600)
    with opened(path) as journal:
        journal.append(event(), (used,)).result(10)
    with opened(path, now=lambda: time.time() + YEAR_S, quality=lambda: quality):
        pass  # while the clock is ahead
    with opened(path) as journal:
        assert journal.passage.uses(b"p" * 8) == uses


@pytest.mark.parametrize(("quality", "first"), [("leapt", 1), ("stepped", 1), ("free", 4), ("synced", 4)])
def test_retention_goes_by_no_clock_that_was_set(tmp_path: Path, quality: str, first: int) -> None:
    with opened(tmp_path / "journal.db") as journal:
        append(journal, 3)
        journal.acked(3)
    with opened(tmp_path / "journal.db", now=lambda: time.time() + YEAR_S, quality=lambda: quality):
        pass
    with opened(tmp_path / "journal.db") as journal:
        assert journal.first_seq() == first


def test_the_highest_time_is_kept(tmp_path: Path) -> None:
    with opened(tmp_path / "journal.db", now=lambda: 5e9) as journal:
        append(journal, 1)
    with opened(tmp_path / "journal.db") as journal:
        assert journal.high_water == 5e9


def test_a_full_queue_refuses_and_says_so(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", time.time, queue_limit=3, reserve_bytes=RESERVE_BYTES)
    futures = [journal.append(event()) for _ in range(4)]
    with pytest.raises(JournalFull):
        futures[3].result(1)
    journal.start()
    assert [future.result(10) for future in futures[:3]] == [1, 2, 3]
    journal.close()


WRITER = """
import sys, time
from pathlib import Path
from gateway.access.event import AccessEvent, EventKind
from gateway.journal import Journal
journal = Journal(Path(sys.argv[1]), time.time, reserve_bytes=1 << 16)
journal.start()
while True:
    for future in [journal.append(AccessEvent(EventKind.GRANTED, time.time())) for _ in range(7)]:
        print(future.result(), flush=True)
"""


@pytest.mark.parametrize("life_s", [0.05, 0.15, 0.3])
def test_kill_9_loses_no_acknowledged_event(tmp_path: Path, life_s: float) -> None:
    path = tmp_path / "journal.db"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    first = writer.stdout.readline()
    time.sleep(life_s)
    writer.send_signal(signal.SIGKILL)
    acknowledged = [int(line) for line in (first + writer.stdout.read()).splitlines() if line]
    writer.wait()
    writer.stdout.close()
    with opened(path) as journal:
        assert journal.head.seq >= max(acknowledged)
        assert journal.append(event()).result(10) == journal.head.seq
    assert verify(path) == []
    with sqlite3.connect(path) as db:
        assert {seq for (seq,) in db.execute("SELECT seq FROM journal")} >= set(acknowledged)
    db.close()


def test_only_what_is_acknowledged_and_old_enough_is_removed(tmp_path: Path) -> None:
    old = time.time() - 181 * DAY_S
    with opened(tmp_path / "journal.db", now=lambda: old) as journal:
        append(journal, 10)
    with opened(tmp_path / "journal.db", retention_s=1.0) as journal:
        append(journal, 3)
        journal.acked(6)
    db = journal_db.connect(tmp_path / "journal.db")
    assert [seq for (seq,) in db.execute("SELECT seq FROM journal")] == [7, 8, 9, 10, 11, 12, 13]
    db.close()
    assert verify(tmp_path / "journal.db") == []
    with opened(tmp_path / "journal.db") as journal:
        assert append(journal, 1) == [14]
        assert journal.acked_seq == 6


def test_the_log_has_its_whole_length_from_the_start_but_on_a_disk_with_little_room(tmp_path: Path) -> None:
    with opened(tmp_path / "journal.db") as journal:
        assert (tmp_path / "journal.db-wal").stat().st_size == LOG_BYTES
        append(journal, 300)
        assert (tmp_path / "journal.db-wal").stat().st_size == LOG_BYTES
    with small_disk(tmp_path / "disk", "20m") as disk, opened(disk / "journal.db") as journal:
        assert (disk / "journal.db-wal").stat().st_size < LOG_BYTES / 10
        append(journal, 10)


def test_what_a_killed_journal_left_in_a_long_log_is_there_again(tmp_path: Path) -> None:
    with opened(tmp_path / "journal.db") as journal:
        append(journal, 20)
        (tmp_path / "copy").mkdir()
        for name in ("journal.db", "journal.db-wal"):
            shutil.copy(tmp_path / name, tmp_path / "copy" / name)
    with opened(tmp_path / "copy" / "journal.db") as journal:
        assert append(journal, 5) == [21, 22, 23, 24, 25]
    assert verify(tmp_path / "copy" / "journal.db") == []


def test_a_full_disk_falls_back_to_the_reserve_and_back_again(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "2m") as disk:
        with opened(disk / "journal.db", reserve_bytes=1 << 18, retry_s=0.1) as journal:
            assert append(journal, 10)[-1] == 10
            filler = disk / "filler"
            fill(filler)
            numbers = append(journal, 300)
            for _ in range(100):
                if journal.degraded:
                    break
                numbers += append(journal, 20)
            assert journal.degraded
            numbers += [
                journal.append(event(), (LiveUsed(b"h" * 8, 77),)).result(10),
                journal.append(event()).result(10),
            ]
            assert numbers == list(range(11, 11 + len(numbers)))
            filler.unlink()
            deadline = time.monotonic() + 5
            while journal.degraded and time.monotonic() < deadline:
                time.sleep(0.05)
            assert not journal.degraded
            assert append(journal, 1) == [numbers[-1] + 1]
        assert verify(disk / "journal.db") == []
        with opened(disk / "journal.db", reserve_bytes=1 << 18) as journal:
            assert journal.passage.last_iat(b"h" * 8) == 77
            assert journal.head.seq == numbers[-1] + 1


def test_the_reserve_is_taken_over_after_a_restart_too(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with opened(path) as journal:
        append(journal, 3)
    path.rename(tmp_path / "away.db")
    path.mkdir()  # no database can be opened here
    with opened(path, retry_s=60) as journal:
        assert journal.degraded
        taken = CommandTaken("order-1", 2e9)
        assert journal.append(event(), (taken,)).result(10) == 1  # where the journal ended is not known
        assert journal.passage.uses(b"p" * 8) > 255  # a pass may have been used: it counts as used up
    path.rmdir()
    (tmp_path / "away.db").rename(path)
    with opened(path) as journal:
        assert journal.head.seq == 4
        assert journal.passage.took("order-1")
        assert journal.passage.uses(b"p" * 8) == 0
    assert verify(path) == []


def test_when_the_reserve_is_full_too_the_append_fails(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.mkdir()
    with opened(path, reserve_bytes=2048, retry_s=60) as journal:
        assert append(journal, 1) == [1]
        futures = [journal.append(event()) for _ in range(50)]
        with pytest.raises(JournalFull):
            futures[-1].result(10)
        path.rmdir()


def test_a_corrupt_journal_is_set_aside_and_what_is_readable_stays(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with opened(path) as journal:
        append(journal, 2000)
        journal.append(event(), (LiveUsed(b"h" * 8, 5),)).result(10)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = bytes(4096)
    path.write_bytes(data)
    journal = Journal(path, time.time, reserve_bytes=RESERVE_BYTES)
    journal._salvaged(_corrupt())
    journal._reopen()
    journal.start()
    assert journal.append(event()).result(10) == 2002
    journal.close()
    assert list(tmp_path.glob("journal.db.broken-*"))
    faults = verify(path)
    assert [fault.where for fault in faults] == ["rows"]
    assert "missing" in faults[0].what


def _corrupt() -> sqlite3.Error:
    error = sqlite3.DatabaseError("malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def test_a_file_that_is_no_database_is_set_aside_at_start(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"no database " * 1000)
    with opened(path) as journal:
        assert append(journal, 1) == [1]
    assert list(tmp_path.glob("journal.db.broken-*"))


def test_the_reserve_gives_back_whole_frames_and_stops_at_a_torn_one(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve.bin", 4096)
    for payload in (b"one", b"two", b"three"):
        reserve.append(payload)
    assert list(reserve.frames()) == [b"one", b"two", b"three"]
    with pytest.raises(ReserveFull):
        reserve.append(bytes(4096))
    reserve.close()
    data = bytearray((tmp_path / "reserve.bin").read_bytes())
    data[8 + 3 + 8] ^= 1  # in "two"
    (tmp_path / "reserve.bin").write_bytes(data)
    torn = Reserve(tmp_path / "reserve.bin", 4096)
    assert list(torn.frames()) == [b"one"]
    torn.append(b"four")
    assert list(torn.frames()) == [b"one", b"four"]
    torn.clear()
    assert torn.empty
    assert list(torn.frames()) == []
    torn.close()


def test_a_frame_that_the_disk_takes_in_part_alone_is_refused(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve.bin", 4096)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        with pytest.raises(ReserveFull, match="64 of"):
            reserve.append(b"x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(reserve.frames()) == []
    reserve.append(b"after")
    assert list(reserve.frames()) == [b"after"]
    reserve.close()

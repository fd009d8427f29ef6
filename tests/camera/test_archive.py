"""Disk and index agree, whatever happened: start-up takes in what is there, a check names what is wrong."""

import shutil
import sqlite3
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from camera import disk
from camera.boxes import layout
from camera.check import Fault, Kind, check
from camera.clocks import Measured
from camera.command import FRAGMENTED
from camera.database import Database, IndexTooNew
from camera.index import Index
from camera.recording import Archive, Unusable
from camera.recovery import Recovered, recover
from camera.segment import US, Hold, Segment
from camera.timeline import Timeline
from tests.camera.site import clocks

NOW_US = 1 << 60


class Opened:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = Database(root / "index.db")
        self.index, self.timeline = Index(self.database), Timeline(self.database)
        self.archive = Archive(root, self.index)

    def recover(self) -> Recovered:
        return recover(self.archive, self.timeline, NOW_US)


@pytest.fixture
def opened(archive: Path) -> Iterator[Opened]:
    one = Opened(archive)
    yield one
    one.database.close()


def files(root: Path) -> list[Path]:
    return sorted(root.glob("gate/*/*/*.mp4"))


def forget(opened: Opened, path: Path) -> None:
    """Undo a file's row, as if the recorder had been killed before it was committed."""
    with opened.database.writing() as rows:
        rows.execute("delete from segment where id = ?", (path.stem,))
        seq, chain = rows.execute("select seq, chain from segment order by seq desc limit 1").fetchone()
        rows.execute("update camera set seq = ?, chain = ?", (seq, chain))


def test_recorded_footage_is_whole(archive: Path) -> None:
    assert len(files(archive)) >= 3
    assert check(archive) == []


def test_a_second_start_finds_nothing_to_do(opened: Opened) -> None:
    assert opened.recover() == Recovered((), (), ())


def test_a_torn_file_is_cut_at_its_last_whole_fragment_and_plays(opened: Opened) -> None:
    last = files(opened.root)[-1]
    forget(opened, last)
    data = last.read_bytes()
    torn = opened.archive.incoming("gate") / last.name
    torn.write_bytes(data[: layout(memoryview(data)).fragments[-1].offset + 100])
    last.unlink()
    assert opened.recover().salvaged == (last.stem,)
    found = opened.timeline.segment(last.stem)
    assert found is not None
    assert found.salvaged
    assert clocks(opened.root / found.path)
    assert check(opened.root) == []


def test_a_file_that_lost_only_its_row_is_taken_in_again(opened: Opened) -> None:
    last = files(opened.root)[-1]
    before = opened.timeline.segment(last.stem)
    forget(opened, last)
    assert [fault.kind for fault in check(opened.root)] == [Kind.ORPHAN_FILE]
    assert opened.recover().salvaged == (last.stem,)
    after = opened.timeline.segment(last.stem)
    assert before is not None
    assert after is not None
    assert after.sha256 == before.sha256
    assert abs(after.start_us - before.start_us) < US
    assert check(opened.root) == []


def test_a_crash_between_two_names_of_one_file_leaves_one(opened: Opened) -> None:
    last = files(opened.root)[-1]
    forget(opened, last)
    (opened.archive.incoming("gate") / last.name).hardlink_to(last)
    assert opened.recover().salvaged == (last.stem,)
    assert [path.name for path in opened.root.rglob("*.mp4")].count(last.name) == 1
    assert check(opened.root) == []


def test_files_without_footage_are_put_aside_not_deleted(opened: Opened) -> None:
    folder = opened.archive.incoming("gate")
    (folder / "20261123T000000Z-00000a-000000.mp4").write_bytes(b"not a film at all, but long enough")
    (folder / "20261123T000000Z-00000a-000001.mp4").write_bytes(files(opened.root)[0].read_bytes()[:900])
    (folder / "20261123T000000Z-00000a-000002.mp4").write_bytes(b"")
    (folder / "holiday.mp4").write_bytes(b"mine")
    assert len(opened.recover().unusable) == 3
    assert len(list(opened.root.glob("unusable/gate/*.mp4"))) == 2
    assert (folder / "holiday.mp4").read_bytes() == b"mine"


def leap(source: Path, target: Path, at_s: float) -> Path:
    """Copy a file whose time leaps by two hours, more than the index can say of a group."""
    change = f"setts=ts='TS+gte(TS*TB,{at_s})*7200/TB'"
    argv = ["ffmpeg", "-v", "error", "-i", str(source), "-c", "copy", "-bsf:v", change]
    argv += ["-movflags", f"+frag_keyframe{FRAGMENTED}", "-frag_duration", "250000", "-f", "mp4", str(target)]
    subprocess.run(argv, check=True)
    return target


def test_a_file_whose_time_leaps_keeps_what_was_before_and_goes_aside_if_that_is_nothing(opened: Opened) -> None:
    film, folder = files(opened.root)[1], opened.archive.incoming("gate")
    late, soon = (leap(film, folder / f"20261123T000000Z-00000a-00000{n}.mp4", at_s) for n, at_s in enumerate((1, 0.1)))
    recovered = opened.recover()
    assert recovered.salvaged == (late.stem,)
    (why,) = recovered.unusable
    assert "stream time leaps" in why
    assert (opened.root / disk.UNUSABLE / "gate" / soon.name).exists()
    found = opened.timeline.segment(late.stem)
    assert found
    assert 0 < found.end_us - found.start_us <= US
    assert clocks(opened.root / found.path)
    assert check(opened.root) == []


def test_a_file_longer_than_any_that_is_recorded_is_put_aside(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("camera.recording.LONGEST_US", US // 2)
    last = files(opened.root)[1]
    forget(opened, last)
    waiting = opened.archive.incoming("gate") / last.name
    last.rename(waiting)
    with pytest.raises(Unusable, match="no such file is recorded"):
        opened.archive.adopt(waiting, "gate", 0)
    assert (opened.root / disk.UNUSABLE / "gate" / last.name).exists()


def test_a_file_that_cannot_be_taken_in_for_whatever_reason_stays_and_the_others_are(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = files(opened.root)[-2:]
    for path in (two, one):
        forget(opened, path)
        path.rename(opened.archive.incoming("gate") / path.name)
    add = opened.index.add

    def fail(segment: Segment, run: Measured | None = None) -> Segment:
        if segment.id == one.stem:
            raise struct.error
        return add(segment, run)

    monkeypatch.setattr(opened.index, "add", fail)
    recovered = opened.recover()
    assert (recovered.salvaged, recovered.orphans) == ((two.stem,), (one.name,))
    assert (opened.archive.incoming("gate") / one.name).exists()


def test_a_deletion_that_a_crash_cut_short_is_finished(opened: Opened) -> None:
    first = next(opened.timeline.chain("gate"))
    opened.index.to_garbage([(first, "age")])
    assert (opened.root / first.path).exists()
    assert Kind.UNFINISHED_DELETION in {fault.kind for fault in check(opened.root)}
    opened.recover()
    assert not (opened.root / first.path).exists()
    assert check(opened.root) == [], "the chain still proves the rest"


def test_an_index_that_cannot_be_written_leaves_the_file_in_incoming_for_later(opened: Opened) -> None:
    last = files(opened.root)[-1]
    forget(opened, last)
    waiting = opened.archive.incoming("gate") / last.name
    last.rename(waiting)
    rows = opened.database.here
    rows.execute("create trigger full before insert on segment begin select raise(abort, 'disk is full'); end")
    with pytest.raises(sqlite3.Error, match="full"):
        opened.archive.salvage("gate", waiting)
    assert waiting.exists()
    assert not last.exists()
    rows.execute("drop trigger full")
    assert opened.recover().salvaged == (last.stem,)
    assert check(opened.root) == []


def test_a_full_disk_is_recognised_and_the_reserve_given_up(tmp_path: Path) -> None:
    rows = sqlite3.connect(tmp_path / "small.db")
    rows.execute("create table filler (x blob)")
    rows.execute("pragma max_page_count = 3")
    with pytest.raises(sqlite3.OperationalError) as full:
        rows.execute("insert into filler values (randomblob(100000))")
    rows.close()
    assert disk.is_full(full.value)
    assert not disk.is_full(OSError())
    disk.keep_reserve(tmp_path, 4096)
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 4096
    disk.give_reserve(tmp_path)
    disk.give_reserve(tmp_path)
    assert not (tmp_path / "reserve").exists()


def test_a_run_without_an_end_becomes_a_gap_with_its_reason(opened: Opened) -> None:
    opened.archive.begin("gate", 1)
    opened.recover()
    assert opened.timeline.gaps("gate", 0, NOW_US)[-1].reason == "recorder_killed"


def test_a_gap_begins_after_the_last_footage_before_now_although_the_clock_was_ahead_once(opened: Opened) -> None:
    one, two, *_ = opened.timeline.chain("gate")
    opened.index.close_gap("gate", NOW_US)
    opened.archive.begin("gate", 1)
    recover(opened.archive, opened.timeline, two.start_us - 1)
    assert one.end_us in [gap.from_us for gap in opened.timeline.gaps("gate", 0, NOW_US)]


@pytest.mark.parametrize("share", [0.001, 0.2, 0.5, 0.9])
def test_one_altered_byte_is_named_with_its_place(archive: Path, share: float) -> None:
    path = files(archive)[1]
    data = bytearray(path.read_bytes())
    at = int(len(data) * share)
    data[at] ^= 0x10
    path.write_bytes(data)
    faults = check(archive)
    assert {fault.path for fault in faults} == {str(path.relative_to(archive))}
    assert any(covers(fault, at) for fault in faults), faults


def covers(fault: Fault, at: int) -> bool:
    return fault.offset is not None and fault.offset <= at < fault.offset + (fault.size or 1)


def test_missing_swapped_and_retold_footage_is_found(archive: Path) -> None:
    one, two, three = files(archive)[:3]
    two.unlink()
    shutil.copyfile(three, one)
    rows = sqlite3.connect(archive / "index.db")
    rows.execute("update segment set start_us = start_us - 60000000 where id = ?", (three.stem,))
    rows.commit()
    rows.close()
    kinds = {(Path(fault.path).name, fault.kind) for fault in check(archive)}
    assert {(two.name, Kind.MISSING_FILE), (three.name, Kind.ALTERED_ROW)} <= kinds
    assert one.name in {name for name, _ in kinds}


@pytest.mark.parametrize("which", [0, 1, -1])
def test_a_row_that_vanished_breaks_the_chain(archive: Path, which: int) -> None:
    rows = sqlite3.connect(archive / "index.db")
    rows.execute("delete from segment where id = ?", (files(archive)[which].stem,))
    rows.commit()
    rows.close()
    assert {Kind.MISSING_ROW, Kind.ORPHAN_FILE} == {fault.kind for fault in check(archive)}


def test_a_folder_without_an_index_is_said_to_be_one(tmp_path: Path) -> None:
    assert [fault.kind for fault in check(tmp_path)] == [Kind.NO_INDEX]


def test_an_index_of_a_newer_recorder_is_left_alone(tmp_path: Path) -> None:
    Database(tmp_path / "index.db").close()
    rows = sqlite3.connect(tmp_path / "index.db")
    rows.execute("pragma user_version = 99")
    rows.close()
    with pytest.raises(IndexTooNew):
        Database(tmp_path / "index.db")


def test_a_gap_tells_one_reason_after_the_other_and_ends_once(tmp_path: Path) -> None:
    opened = Opened(tmp_path)
    opened.index.open_gap("gate", 100, "stalled")
    opened.index.open_gap("gate", 200, "stalled")
    opened.index.open_gap("gate", 300, "refused")
    opened.index.close_gap("gate", 400)
    opened.index.close_gap("gate", 500)
    gaps = [(gap.from_us, gap.to_us, gap.reason) for gap in opened.timeline.gaps("gate", 0, 1000)]
    assert gaps == [(100, 300, "stalled"), (300, 400, "refused")]
    opened.database.close()


def test_a_hold_is_kept_and_lifted(opened: Opened) -> None:
    hold = opened.index.add_hold(Hold(0, "gate", 1, 2, "police", "guard"))
    assert opened.timeline.holds("gate") == [hold]
    assert opened.index.drop_hold(hold.id)
    assert not opened.index.drop_hold(hold.id)

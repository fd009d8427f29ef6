"""Repair: whatever was done to a folder of footage, afterwards index and disk agree, and what was good still plays."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from camera import disk
from camera.check import Kind, check
from camera.database import Database
from camera.disks import MARKER
from camera.index import Index
from camera.repair import Repaired, RepairRefused, repair
from camera.segment import Segment
from camera.timeline import Timeline
from mgmt_api.cli.command import app
from tests.camera.site import clocks

NOW_US = time.time_ns() // 1000


def rows(archive: Path) -> list[Segment]:
    database = Database(archive / "index.db")
    try:
        return list(Timeline(database).chain("gate"))
    finally:
        database.close()


def mended(archive: Path) -> list[Repaired]:
    done = repair(archive, NOW_US)
    assert check(archive) == []
    assert repair(archive, NOW_US) == [], "nothing is left to do"
    return done


def test_a_whole_folder_is_left_as_it_is(archive: Path) -> None:
    before = [each.chain for each in rows(archive)]
    assert mended(archive) == []
    assert [each.chain for each in rows(archive)] == before


def test_a_lost_file_leaves_its_link_and_says_that_it_was_lost(archive: Path) -> None:
    one, two, *rest = rows(archive)
    (archive / two.path).unlink()
    assert [(each.kind, each.path) for each in mended(archive)] == [(Kind.MISSING_FILE, two.path)]
    assert [each.id for each in rows(archive)] == [one.id, *(each.id for each in rest)]
    database = Database(archive / "index.db")
    assert [each.reason for each in Timeline(database).erased("gate")] == ["lost"]
    database.close()


def test_a_file_that_lost_its_end_keeps_the_groups_that_are_as_recorded(archive: Path) -> None:
    one = next(each for each in rows(archive) if len(each.gops) > 1)
    cut = one.gops[-1].offset + one.gops[-1].size // 2
    with (archive / one.path).open("r+b") as file:
        file.truncate(cut)
    (done,) = mended(archive)
    assert done.done.startswith("taken in anew")
    (anew,) = (each for each in rows(archive) if each.id == one.id)
    assert anew.salvaged
    assert (anew.start_us, anew.gops[:-1]) == (one.start_us, one.gops[: len(anew.gops) - 1])
    assert clocks(archive / anew.path)


def test_a_file_that_grew_is_cut_to_what_was_recorded(archive: Path) -> None:
    one = rows(archive)[0]
    with (archive / one.path).open("ab") as file:
        file.write(b"more")
    assert [each.done for each in mended(archive)] == ["cut to what was recorded"]
    assert rows(archive)[0] == one


def test_a_file_with_other_pictures_is_set_aside_and_never_taken_for_footage(archive: Path) -> None:
    one = rows(archive)[0]
    with (archive / one.path).open("r+b") as file:
        file.seek(one.gops[0].offset + one.gops[0].size // 2)
        file.write(b"\xff" * 64)
    assert [each.done for each in mended(archive)] == ["put into unusable/"]
    assert one.id not in [each.id for each in rows(archive)]
    assert (archive / disk.UNUSABLE / "gate" / f"{one.id}.mp4").stat().st_size == one.bytes


def test_a_file_without_a_row_is_taken_in(archive: Path) -> None:
    one = rows(archive)[0]
    database = Database(archive / "index.db")
    with database.writing() as write:
        write.execute("delete from segment where id = ?", (one.id,))
    database.close()
    done = {each.kind: each.done for each in repair(archive, NOW_US)}
    assert done[Kind.ORPHAN_FILE] == "taken in"
    assert [fault.kind for fault in check(archive)] == [Kind.MISSING_ROW], "what its link stated is not known again"
    assert one.id in [each.id for each in rows(archive)]


def test_a_lost_index_is_made_anew_from_the_files(archive: Path) -> None:
    before = {each.id: each for each in rows(archive)}
    for path in archive.glob("index.db*"):
        path.unlink()
    mended(archive)
    after = {each.id: each for each in rows(archive)}
    assert after.keys() == before.keys()
    for name, each in after.items():
        assert each.sha256 == before[name].sha256
        assert abs(each.start_us - before[name].start_us) < 1_000_000, "by the time of its last write"


def test_nothing_is_repaired_while_most_files_are_gone_or_a_recorder_runs(archive: Path) -> None:
    for each in rows(archive)[1:]:
        (archive / each.path).unlink()
    with pytest.raises(RepairRefused, match="right disk"):
        repair(archive, NOW_US)
    held = disk.lock(archive)
    with pytest.raises(disk.FolderInUse):
        repair(archive, NOW_US)

    os.close(held)


def test_the_command_repairs_and_tells_what_it_did(archive: Path) -> None:
    one = rows(archive)[0]
    (archive / one.path).unlink()
    argv = ["recordings", "check", "--dir", str(archive), "--json"]
    assert CliRunner().invoke(app, argv).exit_code == 1
    answer = CliRunner().invoke(app, [*argv, "--repair"])
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.output)
    assert told["ok"]
    assert [each["kind"] for each in told["repaired"]] == ["missing_file"]
    shutil.rmtree(archive)
    assert CliRunner().invoke(app, argv).exit_code != 0


@pytest.mark.parametrize("place", [0, 3 * 4096])
def test_an_index_that_cannot_be_read_is_named_put_aside_and_made_anew(archive: Path, place: int) -> None:
    before = {each.id for each in rows(archive)}
    with (archive / "index.db").open("r+b") as file:
        file.seek(place)
        file.write(b"no index" * 1024)
    hurt = (archive / "index.db").read_bytes()
    assert [fault.kind for fault in check(archive)] == [Kind.DAMAGED_INDEX]
    assert Kind.DAMAGED_INDEX in [each.kind for each in mended(archive)]
    assert {each.id for each in rows(archive)} == before
    assert [path.read_bytes() for path in archive.glob(f"{disk.UNUSABLE}/index-*/index.db")] == [hurt]


@pytest.fixture
def two(archive: Path, tmp_path: Path) -> Path:
    """Another disk, to which the newest files were moved, and an index that knows both."""
    folder = tmp_path / "two"
    for path in sorted(archive.glob("gate/*/*/*.mp4"))[2:]:
        target = folder / path.relative_to(archive)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    (folder / MARKER).write_text("two")
    for path in archive.glob("index.db*"):
        path.unlink()
    repair(archive, NOW_US, disks={"two": folder})
    return folder


def test_a_lost_index_is_made_anew_from_all_disks(archive: Path, two: Path) -> None:
    assert {path.stem for path in archive.glob("gate/*/*/*.mp4")} == {e.id for e in rows(archive) if not e.disk}
    assert (
        {path.stem for path in two.glob("gate/*/*/*.mp4")} == {e.id for e in rows(archive) if e.disk == "two"} != set()
    )
    assert check(archive) == []


def test_a_disk_that_will_not_come_back_is_said_to_be_lost(archive: Path, two: Path) -> None:
    with pytest.raises(RepairRefused, match="it is not taken as lost"):
        repair(archive, NOW_US, lost=["two"])
    shutil.rmtree(two)
    assert [fault.kind for fault in check(archive)] == [Kind.MISSING_DISK]
    with pytest.raises(RepairRefused, match="--lost NAME"):
        repair(archive, NOW_US)
    assert [each.kind for each in repair(archive, NOW_US, lost=["two"])] == [Kind.MISSING_DISK]
    assert {each.disk for each in rows(archive)} == {""}
    assert mended(archive) == []
    database = Database(archive / "index.db")
    assert {each.reason for each in Timeline(database).erased("gate")} == {"lost"}
    database.close()


def test_a_disk_with_another_name_keeps_its_files(archive: Path, two: Path) -> None:
    database = Database(archive / "index.db")
    Index(database).know_disks({"zwei": str(two)})
    assert Timeline(database).disks() == {"zwei": str(two)}
    database.close()
    assert {each.disk for each in rows(archive)} == {"", "zwei"}
    assert check(archive) == []


def test_copied_files_that_lost_their_times_are_dated_by_name_and_folder(archive: Path) -> None:
    before = {each.id: each for each in rows(archive)}
    for path in (*archive.glob("index.db*"), *archive.glob("gate/*/*/*.mp4")):
        path.unlink() if path.suffix != ".mp4" else os.utime(path, (2_000_000_000, 2_000_000_000))
    assert "dated by its name and folder" in mended(archive)[0].done
    for each in rows(archive):
        assert abs(each.start_us - before[each.id].start_us) < 60_000_000

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

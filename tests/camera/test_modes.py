"""Which footage is kept when: the week's modes, marks with their reach, and what a real recorder drops."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera.check import check
from camera.database import Database
from camera.index import Index
from camera.marks import FootageClass, Mark
from camera.modes import Mode, Modes, Window, class_of
from camera.segment import US, Segment
from camera.timeline import Timeline
from config.cameras import Recording, SubStream
from tests.camera.site import CameraSite, RecorderProcess, eventually, wired

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEK = Modes(
    Mode.EVENT,
    (Window(frozenset(range(5)), 7 * 60, 19 * 60, Mode.CONTINUOUS), Window(frozenset({4}), 22 * 60, 6 * 60, Mode.OFF)),
    SHANGHAI,
)


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()) * US


@pytest.mark.parametrize(
    ("moment", "mode"),
    [
        ("2026-11-23T06:59:59", Mode.EVENT),  # a Monday
        ("2026-11-23T07:00:00", Mode.CONTINUOUS),
        ("2026-11-23T19:00:00", Mode.EVENT),
        ("2026-11-27T22:00:00", Mode.OFF),  # Friday night
        ("2026-11-28T05:59:59", Mode.OFF),
        ("2026-11-28T06:00:00", Mode.EVENT),
        ("2026-11-28T22:30:00", Mode.EVENT),  # Saturday night is none of the window's days
    ],
)
def test_a_window_rules_in_the_sites_own_time_and_over_midnight(moment: str, mode: Mode) -> None:
    assert WEEK.at(us(moment)) is mode


def test_a_file_over_the_edge_of_a_window_is_kept_by_the_more_generous_mode() -> None:
    edge = us("2026-11-23T07:00:00")
    assert WEEK.least(edge - 60 * US, edge) is FootageClass.EVENT
    assert WEEK.least(edge - 59 * US, edge + US) is FootageClass.CONTINUOUS


@given(st.sampled_from([c for c in FootageClass if c]), st.none() | st.sampled_from([c for c in FootageClass if c > 1]))
def test_a_file_is_kept_exactly_if_its_mode_or_its_mark_keeps_it(
    least: FootageClass, marked: FootageClass | None
) -> None:
    worth = class_of(least, marked)
    kept = least is FootageClass.CONTINUOUS or (marked is not None and marked >= least)
    assert (worth is not FootageClass.PENDING) == kept
    if kept:
        assert worth is (marked if marked else FootageClass.CONTINUOUS)


def file(n: int, from_s: int, to_s: int, camera: str = "gate") -> Segment:
    return Segment(f"run-{n:06d}", camera, from_s * US, to_s * US, 10, f"{camera}/{n}", 1, "", 0, 0, ())


def classes(reads: Timeline, camera: str = "gate") -> dict[int, int]:
    return {int(one.path.split("/")[1]): worth for worth in FootageClass for one in reads.shelf(camera, worth)}


@pytest.mark.parametrize("mark_first", [True, False])
def test_an_event_keeps_its_footage_with_pre_and_post_roll_whether_told_before_or_after(
    tmp_path: Path, mark_first: bool
) -> None:
    database = Database(tmp_path / "index.db")
    modes = Modes(Mode.EVENT, pre_us=10 * US, post_us=20 * US)
    writes, reads = Index(database, {"gate": modes}), Timeline(database)
    event = Mark("gate", 75 * US, 75 * US, FootageClass.EVENT, "door forced")
    files = [file(n, n * 10, n * 10 + 10) for n in range(12)]
    if mark_first:
        writes.add_mark(event)
    for each in files:
        writes.add(each)
    writes.add(file(99, 70, 80, "gate.sub"))
    if not mark_first:
        writes.add_mark(event)
    kept = {n for n, worth in classes(reads).items() if worth}
    assert kept == {6, 7, 8, 9}, "65 s to 95 s"
    writes.add_mark(Mark("gate", 5 * US, 6 * US, FootageClass.MOTION, "zone"))
    assert {n for n, worth in classes(reads).items() if worth} == kept, "motion keeps nothing in mode event"


def test_motion_and_events_raise_the_class_of_continuous_footage_and_never_lower_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "index.db")
    writes, reads = Index(database), Timeline(database)
    for n in range(3):
        writes.add(file(n, n * 60, n * 60 + 60))
    writes.add_mark(Mark("gate", 90 * US, 90 * US, FootageClass.EVENT, "card"))
    writes.add_mark(Mark("gate", 10 * US, 95 * US, FootageClass.MOTION, "zone"))
    assert classes(reads) == {0: FootageClass.MOTION, 1: FootageClass.EVENT, 2: FootageClass.CONTINUOUS}


def test_an_index_of_before_gets_its_classes(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    database = Database(path)
    Index(database).add(file(1, 0, 60))
    with database.writing() as rows:
        for index in ("segment_shelf", "segment_room"):
            rows.execute(f"drop index {index}")
        for column in ("class", "least", "disk"):
            rows.execute(f"alter table segment drop column {column}")
        rows.execute("drop table run")
        rows.execute(
            "create table run (id text primary key, camera text not null, started_us integer not null,"
            " ended_us integer, reason text, anchor_us integer) without rowid"
        )
        rows.execute("pragma user_version = 2")
    database.close()
    assert classes(Timeline(Database(path))) == {1: FootageClass.CONTINUOUS}


def test_event_mode_keeps_the_event_with_its_pre_roll_and_drops_the_rest(
    rtsp: CameraSite, record: Callable[..., RecorderProcess]
) -> None:
    mode = Recording(mode="event", pre_s=2, post_s=1, linger_s=4)
    recorder = record(wired("gate", rtsp.url("/gate"), recording=mode, doors=("main",)))
    eventually(lambda: recorder.recorded("gate", 2))
    moment = datetime.now(UTC)
    recorder.http.post("/marks", json={"door": "main", "from": moment.isoformat(), "reason": "granted"})
    eventually(lambda: recorder.timeline("gate")["erased"], 60)
    dropped = recorder.timeline("gate")["erased"]
    assert {each["reason"] for each in dropped} == {"unmarked"}
    (stretch, *_) = recorder.timeline("gate")["recorded"]
    assert datetime.fromisoformat(stretch["start"]) <= moment - timedelta(seconds=2)

    def until() -> datetime:
        return datetime.fromisoformat(recorder.timeline("gate")["recorded"][0]["end"])

    eventually(lambda: until() >= moment + timedelta(seconds=1))  # its last file may still be written
    assert recorder.end() == 0
    assert check(recorder.dir) == []


def test_in_mode_off_nothing_is_recorded_and_the_timeline_says_why(
    rtsp: CameraSite, record: Callable[..., RecorderProcess]
) -> None:
    recorder = record(
        wired("gate", rtsp.url("/gate"), recording=Recording(mode="off")), wired("garage", rtsp.url("/garage"))
    )
    eventually(lambda: recorder.recorded("garage", 1))
    assert recorder.state("gate") == "not_scheduled"
    assert [gap["reason"] for gap in recorder.timeline("gate")["gaps"]] == ["not_scheduled"]
    assert not recorder.recorded("gate", 1)
    assert len(recorder.ffmpegs()) == 1


def test_a_sub_stream_is_recorded_beside_the_main_one_under_a_name_of_its_own(
    rtsp: CameraSite, record: Callable[..., RecorderProcess]
) -> None:
    recorder = record(
        wired("gate", rtsp.url("/gate"), sub=SubStream(url=rtsp.url("/garage"), record=True)),
        wired("shown", rtsp.url("/gate"), sub=SubStream(url=rtsp.url("/garage"))),
    )
    eventually(lambda: recorder.recorded("gate", 1) and recorder.recorded("gate.sub", 1))
    assert [(each["name"], each["sub"]) for each in recorder.get("/cameras")] == [
        ("gate", "gate.sub"),
        ("shown", "shown.sub"),
    ]
    assert recorder.timeline("gate.sub")["segments"]
    assert recorder.timeline("shown.sub")["recorded"] == []
    assert recorder.get("/status")["cameras"]["shown.sub"] == "not_recorded"

"""Faults on the wire, of ffmpeg and of the recorder: what is lost, what is said, and that the others go on."""

import os
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from camera import disk
from camera.check import check
from config.settings import Camera
from tests.camera.leaping import LeapingRelay
from tests.camera.site import CameraSite, RecorderProcess, alive, clocks, eventually, kill, wired

Record = Callable[..., RecorderProcess]


def all_clocks(recorder: RecorderProcess, camera: str) -> list[int]:
    return [ms for path in sorted(recorder.dir.glob(f"{camera}/*/*/*.mp4")) for ms in clocks(path)]


def reasons(recorder: RecorderProcess, camera: str) -> list[str]:
    return [str(gap["reason"]) for gap in recorder.timeline(camera)["gaps"]]


def runs(recorder: RecorderProcess, camera: str) -> int:
    rows = sqlite3.connect(recorder.dir / "index.db")
    try:
        return int(rows.execute("select count(*) from run where camera = ?", (camera,)).fetchone()[0])
    finally:
        rows.close()


def test_killing_ffmpeg_loses_seconds_at_most_and_all_files_play(rtsp: CameraSite, record: Record) -> None:
    recorder = record(wired("gate", rtsp.url("/gate")), segment_s=4)
    eventually(lambda: recorder.recorded("gate", 1))
    time.sleep(1.5)
    kill(recorder.ffmpegs()[0])
    eventually(lambda: runs(recorder, "gate") == 2 and recorder.recorded("gate", 3))
    assert reasons(recorder, "gate") == ["ended"]
    assert recorder.end() == 0
    assert check(recorder.dir) == []
    lost_s = max(b - a for a, b in pairwise(sorted(all_clocks(recorder, "gate")))) / 1000
    assert lost_s < 10, "0.5 s of buffer, and what a busy machine takes to connect again"


def test_killing_the_recorder_loses_less_than_two_seconds_and_start_up_takes_in_the_rest(
    rtsp: CameraSite, record: Record
) -> None:
    recorder = record(wired("gate", rtsp.url("/gate")), segment_s=8)
    eventually(lambda: recorder.state("gate") == "recording")
    time.sleep(3)
    children = recorder.ffmpegs()
    recorder.crash()
    killed_ms = time.time() * 1000
    assert list(recorder.dir.glob("incoming/gate/*.mp4"))
    recorder.start()
    assert not any(map(alive, children)), "no writer outlives its recorder"
    salvaged = all_clocks(recorder, "gate")
    assert killed_ms - salvaged[-1] < 5000
    assert reasons(recorder, "gate") == ["recorder_killed"]
    eventually(lambda: recorder.state("gate") == "recording")
    assert recorder.end() == 0
    assert check(recorder.dir) == []


def test_a_stalled_stream_is_a_fault_with_a_gap_and_recording_resumes(rtsp: CameraSite, record: Record) -> None:
    recorder = record(wired("gate", rtsp.url("/gate")), wired("garage", rtsp.url("/garage")))
    eventually(lambda: recorder.recorded("gate", 2))
    rtsp.tell("stall /gate")
    stalled_at = time.time()
    eventually(lambda: recorder.state("gate") == "stalled")
    assert time.time() - stalled_at < 15
    assert recorder.state("garage") == "recording"
    rtsp.tell("resume /gate")
    eventually(lambda: recorder.state("gate") == "recording")
    eventually(lambda: recorder.timeline("gate")["gaps"][-1]["to"])
    assert "stalled" in reasons(recorder, "gate")
    assert reasons(recorder, "garage") == []


def test_a_camera_that_restarts_is_recorded_again(rtsp: CameraSite, record: Record) -> None:
    recorder = record(wired("gate", rtsp.url("/gate")))
    eventually(lambda: recorder.state("gate") == "recording")
    rtsp.kill()
    eventually(lambda: recorder.state("gate") == "refused")
    rtsp.start()
    eventually(lambda: recorder.state("gate") == "recording")
    assert {"ended", "refused"} & set(reasons(recorder, "gate"))


def test_a_wrong_password_is_said_and_not_hammered_nor_leaked(record: Record, tmp_path: Path) -> None:
    site = CameraSite("/gate", "/garage", user="menjin", password="r1ght'p@ss")
    for name, text in (("wrong", "wr0ng-secret"), ("right", "r1ght'p@ss")):
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_text(text)
    url = site.url("/gate")
    recorder = record(
        wired("wrong", url, username="menjin", password_file=tmp_path / "wrong"),
        wired("right", url, username="menjin", password_file=tmp_path / "right"),
        wired("lost", site.url("/none"), username="menjin", password_file=tmp_path / "right"),
    )
    try:
        eventually(lambda: recorder.state("right") == "recording" and recorder.state("wrong") == "unauthorised")
        eventually(lambda: recorder.state("lost") == "not_found")
        everything = b"".join(path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if is_ours(path))
        assert b"r1ght" not in everything
        time.sleep(3)
        assert runs(recorder, "wrong") == 1
        log = recorder.log_path.read_text()
        assert "wr0ng" not in log
        assert "r1ght" not in log
    finally:
        recorder.close()
        site.kill()


def is_ours(cmdline: Path) -> bool:
    try:
        return b"rtsp_camera.py" not in cmdline.read_bytes()
    except OSError:
        return False


@contextmanager
def answering(said: bytes) -> Iterator[int]:
    """A server that says the same to everybody and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    link, _ = listener.accept()
                except OSError:
                    return
                with link, suppress(OSError):
                    link.sendall(said)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.fixture
def noise() -> Iterator[int]:
    """A server that answers anything with rubbish."""
    with answering(b"\x00\xff garbage\r\n" * 500) as port:
        yield port


@pytest.fixture
def nothing() -> Iterator[int]:
    """A server whose streams have no byte."""
    with answering(b"") as port:
        yield port


@pytest.fixture
def endless() -> Iterator[int]:
    """A server whose answer's first line has no end."""
    with answering(b"RTSP/1.0 200 " + b"O" * 8_000_000) as port:
        yield port


def test_absent_cameras_and_garbage_are_clear_faults_and_the_others_record(
    rtsp: CameraSite, record: Record, noise: int, nothing: int, endless: int, tmp_path: Path
) -> None:
    recorder = record(
        wired("absent", "rtsp://127.0.0.1:1/gate"),
        wired("noise", f"rtsp://127.0.0.1:{noise}/gate"),
        wired("nothing", f"rtsp://127.0.0.1:{nothing}/gate"),
        wired("endless", f"rtsp://127.0.0.1:{endless}/gate"),
        wired("keyless", rtsp.url("/garage"), username="u", password_file=tmp_path / "no-such-file"),
        wired("badport", "rtsp://127.0.0.1:99999/gate"),
        wired("gate", rtsp.url("/gate")),
    )
    eventually(lambda: recorder.recorded("gate", 2))
    states = {each["name"]: each["state"] for each in recorder.get("/cameras")}
    assert states["absent"] == "refused"
    assert states["noise"] in ("bad_stream", "ended")
    assert states["nothing"] in ("bad_stream", "ended")
    eventually(lambda: recorder.state("endless") in ("bad_stream", "ended", "stalled"))
    assert states["keyless"] == states["badport"] == "misconfigured"
    assert states["gate"] == "recording"
    assert len(recorder.timeline("gate")["recorded"]) == 1, "without a gap since its first picture"
    assert recorder.end(signal.SIGINT) == 0


def test_garbage_and_an_endless_stream_take_only_the_workers_that_look_at_them(
    rtsp: CameraSite, record: Record, noise: int, endless: int
) -> None:
    def watched(name: str, port: int) -> Camera:
        return wired(name, rtsp.url(f"/{name}"), sub={"url": f"rtsp://127.0.0.1:{port}/x"})

    recorder = record(watched("gate", noise), watched("garage", endless))
    eventually(lambda: recorder.recorded("gate", 2) and recorder.recorded("garage", 2))
    for name in ("gate", "garage"):
        fault = eventually(
            lambda name=name: (told := recorder.get("/drawings")[name]["watched"]) != "connecting" and told
        )
        assert fault in ("bad_stream", "ended", "stalled", "unreachable")
    assert [runs(recorder, name) for name in ("gate", "garage")] == [1, 1]
    assert recorder.state("gate") == recorder.state("garage") == "recording"
    for child in psutil.Process(recorder.process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            assert child.memory_info().rss < 300 << 20
    assert "Traceback" not in recorder.log_path.read_text()


@pytest.mark.parametrize("leap_s", [7200, -3600])
def test_a_camera_that_sets_its_clock_begins_another_run_and_no_footage_lands_in_another_time(
    rtsp: CameraSite, record: Record, leap_s: int
) -> None:
    relay = LeapingRelay(rtsp.port)
    began_ms = time.time() * 1000
    recorder = record(wired("gate", f"rtsp://127.0.0.1:{relay.port}/gate"))
    try:
        eventually(lambda: recorder.recorded("gate", 2))
        relay.leap_s = leap_s
        eventually(lambda: "stream_leapt" in reasons(recorder, "gate"))
        relay.leap_s = 0
        before = len(recorder.timeline("gate")["segments"])
        eventually(lambda: len(recorder.timeline("gate")["segments"]) > before + 1)
        rows = recorder.timeline("gate")["segments"]
        assert all(began_ms - 2000 < unix_ms(row["start"]) < unix_ms(row["end"]) < unix_ms_now() for row in rows)
    finally:
        recorder.close()
        relay.close()
    assert check(recorder.dir) == []


def unix_ms(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1000


def unix_ms_now() -> float:
    return time.time() * 1000 + 1000  # times are told in whole ms, and by arrivals


def test_two_recorders_do_not_share_a_folder(tmp_path: Path) -> None:
    held = disk.lock(tmp_path)
    with pytest.raises(disk.FolderInUse, match="another recorder writes here"):
        disk.lock(tmp_path, patience_s=0.2)
    os.close(held)
    os.close(disk.lock(tmp_path))

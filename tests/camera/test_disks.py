"""Real file systems that fill up, go away and come back, under a real recorder. Needs root to mount them."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from camera.check import Kind, check
from camera.disk import RESERVE, free_bytes
from camera.disks import MARKER
from camera.repair import RepairRefused, repair
from config.cameras import Disk, Recording
from tests.camera.site import CameraSite, RecorderProcess, eventually, wired

Record = Callable[..., RecorderProcess]
MB = 1 << 20
SOON = Recording(linger_s=2)  # sweeps every two seconds

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts file systems")


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
    """Mount with these arguments; unmounted with the test."""
    mounted: list[str] = []

    def run(*argv: Any) -> None:
        subprocess.run(["/bin/mount", *map(str, argv)], check=True)
        mounted.append(str(argv[-1]))

    yield run
    for folder in reversed(mounted):
        subprocess.run(["/bin/umount", "-l", folder], check=False, capture_output=True)


def written(disk: Path) -> set[str]:
    """The files of the garage on a disk, open ones too."""
    return {path.name for path in disk.rglob("garage/**/*.mp4")}


def reasons(recorder: RecorderProcess, camera: str) -> list[str]:
    return [str(gap["reason"]) for gap in recorder.timeline(camera)["gaps"]]


def test_a_full_disk_stops_the_recording_before_its_room_is_used_up_and_it_goes_on_with_room(
    rtsp: CameraSite, record: Record, mount: Callable[..., None], tmp_path: Path
) -> None:
    root = tmp_path / "recordings"
    root.mkdir()
    mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", root)
    recorder = record(wired("gate", rtsp.url("/gate"), recording=SOON), min_free_bytes=24 * MB)
    eventually(lambda: recorder.recorded("gate", 1))
    filler = root / "filler"
    filler.write_bytes(bytes(free_bytes(root) - 8 * MB))
    eventually(lambda: recorder.state("gate") == "disk_full")
    assert recorder.timeline("gate")["erased"], "all that may go went first"
    assert free_bytes(root) > 4 * MB, "room is left for the index, and for others on this disk"
    assert recorder.ffmpegs() == []
    filler.unlink()
    eventually(lambda: recorder.state("gate") == "recording")
    assert "disk_full" in reasons(recorder, "gate")
    recorder.close()
    assert check(root) == []


def test_a_disk_that_is_full_to_the_last_byte_does_not_keep_the_recorder_from_starting(
    rtsp: CameraSite, record: Record, mount: Callable[..., None], tmp_path: Path
) -> None:
    root = tmp_path / "recordings"
    root.mkdir()
    mount("-t", "tmpfs", "-o", "size=272m", "tmpfs", root)
    recorder = record(wired("gate", rtsp.url("/gate")), min_free_bytes=MB)
    eventually(lambda: recorder.recorded("gate", 1) and (root / RESERVE).exists())
    recorder.crash()
    with suppress(OSError), (root / "filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(MB)):
            pass
    assert free_bytes(root) == 0
    recorder.start()
    eventually(lambda: recorder.state("gate") == "recording")


def test_a_disk_that_became_read_only_holds_up_no_start_and_its_camera_goes_on_on_another(
    rtsp: CameraSite, record: Record, mount: Callable[..., None], tmp_path: Path
) -> None:
    two = tmp_path / "two"
    two.mkdir()
    mount("-t", "tmpfs", "tmpfs", two)
    recorder = record(wired("garage", rtsp.url("/garage"), disk="two"), disks=(Disk(name="two", dir=two),))
    eventually(lambda: list(two.glob("garage/*/*/*.mp4")))
    recorder.crash()
    eventually(lambda: not subprocess.run(["/bin/mount", "-o", "remount,ro", str(two)], check=False).returncode)
    recorder.start()
    eventually(lambda: written(recorder.dir))
    assert "mounted read-only" in recorder.log_path.read_text()


def test_a_disk_that_goes_away_is_passed_over_and_taken_again_when_it_is_back(
    rtsp: CameraSite, record: Record, mount: Callable[..., None], tmp_path: Path
) -> None:
    real, two = tmp_path / "real", tmp_path / "two"
    real.mkdir()
    two.mkdir()
    mount("--bind", real, two)
    recorder = record(
        wired("gate", rtsp.url("/gate")),
        wired("garage", rtsp.url("/garage"), disk="two"),
        disks=(Disk(name="two", dir=two),),
    )
    eventually(lambda: list(two.glob("garage/*/*/*.mp4")) and recorder.recorded("gate", 1))
    first = recorder.timeline("garage")["segments"][0]["id"]
    newest = recorder.timeline("garage")["segments"][-1]["id"]  # it may be written still
    for name in (first, newest):
        assert recorder.http.get(f"/cameras/garage/media/{name}").status_code == 200
    subprocess.run(["/bin/umount", "-l", str(two)], check=True)
    eventually(lambda: written(recorder.dir), 30)
    assert list(two.iterdir()) == [], "nothing is written under the mount point"
    assert recorder.state("gate") == "recording"
    assert recorder.http.get(f"/cameras/garage/media/{first}").status_code == 404
    assert Kind.MISSING_DISK in [fault.kind for fault in check(recorder.dir)]
    before = written(real)
    mount("--bind", real, two)
    eventually(lambda: written(two) - before, 30)
    assert "disk_changed" in reasons(recorder, "garage")
    recorder.close()
    assert check(recorder.dir) == []
    subprocess.run(["/bin/umount", "-l", str(two)], check=True)
    with pytest.raises(RepairRefused, match="a disk is missing"):
        repair(recorder.dir, time.time_ns() // 1000)


def test_a_disk_that_does_not_answer_holds_up_nobody_else(rtsp: CameraSite, record: Record, tmp_path: Path) -> None:
    """A pipe in the marker's place: who opens it waits, as on a network disk whose server is gone; its writer too."""
    two = tmp_path / "two"
    two.mkdir()
    recorder = record(
        wired("gate", rtsp.url("/gate")),
        wired("garage", rtsp.url("/garage"), disk="two"),
        disks=(Disk(name="two", dir=two),),
    )
    eventually(lambda: recorder.state("gate") == "recording" and written(two))
    marker = (two / MARKER).read_text()
    (two / MARKER).unlink()
    os.mkfifo(two / MARKER)
    (writer,) = (pid for pid in recorder.ffmpegs() if str(two) in " ".join(psutil.Process(pid).cmdline()))
    os.kill(writer, signal.SIGSTOP)
    longest_s = 0.0
    until = time.monotonic() + 60
    while not written(recorder.dir) and time.monotonic() < until:
        asked = time.monotonic()
        assert recorder.state("gate") == "recording"
        longest_s = max(longest_s, time.monotonic() - asked)
        time.sleep(0.05)
    assert written(recorder.dir), "it goes on on the disk that answers"
    assert longest_s < 5, "and the recorder answered all the while"
    assert "it does not answer" in recorder.log_path.read_text()
    (two / "again").write_text(marker)
    before = written(two)
    with (two / MARKER).open("w") as server:
        (two / "again").replace(two / MARKER)
        server.write(marker)
    eventually(lambda: written(two) - before)
    recorder.close()
    assert check(recorder.dir) == []


def test_what_a_kill_left_on_a_disk_is_taken_in_once_the_disk_is_back(
    rtsp: CameraSite, record: Record, tmp_path: Path
) -> None:
    two, away = tmp_path / "two", tmp_path / "away"
    two.mkdir()
    recorder = record(
        wired("garage", rtsp.url("/garage"), disk="two"), segment_s=30, disks=(Disk(name="two", dir=two),)
    )
    eventually(lambda: recorder.state("garage") == "recording" and recorder.timeline("garage")["recorded"])
    recorder.crash()
    left = {path.name for path in two.glob("incoming/garage/*.mp4")}
    two.rename(away)
    recorder.start()
    eventually(lambda: written(recorder.dir))
    away.rename(two)
    eventually(lambda: left <= {path.name for path in two.glob("garage/*/*/*.mp4")})
    recorder.close()
    assert check(recorder.dir) == []


def test_start_up_takes_in_what_a_kill_left_on_every_disk(rtsp: CameraSite, record: Record, tmp_path: Path) -> None:
    two = tmp_path / "two"
    two.mkdir()
    recorder = record(
        wired("garage", rtsp.url("/garage"), disk="two"), segment_s=30, disks=(Disk(name="two", dir=two),)
    )
    eventually(lambda: recorder.state("garage") == "recording")
    time.sleep(1.5)
    recorder.crash()
    recorder.start()
    assert list(two.glob("garage/*/*/*.mp4"))
    assert list(two.glob("incoming/garage/*"))[1:] == []
    recorder.close()
    assert check(recorder.dir) == []

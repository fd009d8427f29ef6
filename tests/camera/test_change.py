"""A camera that comes back with another coding, and a disk that is not there."""

import json
import signal
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from camera import __main__ as process
from camera.clip import MANIFEST, verify
from camera.database import Database
from camera.disks import Disks
from camera.index import Index
from camera.recording import Archive
from tests.camera.site import ROOT, CameraSite, RecorderProcess, clocks, eventually, free_port, wired


@pytest.fixture
def site() -> Iterator[CameraSite]:
    made = CameraSite("/gate")
    yield made
    made.kill()


def test_another_coding_is_another_run_and_another_part_of_an_export(
    record: Callable[..., RecorderProcess], site: CameraSite, tmp_path: Path
) -> None:
    recorder = record(wired("gate", site.url("/gate")))
    began = datetime.now(UTC)
    eventually(lambda: recorder.recorded("gate", 2))
    site.kill()
    site.recode("h265")
    eventually(lambda: len({each["id"][:23] for each in recorder.timeline("gate")["segments"]}) > 1, 50)
    eventually(lambda: recorder.recorded("gate", 5), 40)
    span = {"from": began.isoformat(), "to": (datetime.now(UTC) + timedelta(seconds=1)).isoformat()}
    first = recorder.http.get("/cameras/gate/clip", params=span)
    assert "avc1" in first.headers["content-type"]
    ended = datetime.fromisoformat(first.headers["x-clip-end"]) + timedelta(milliseconds=20)  # told in whole ms
    after = {"from": ended.isoformat(), "to": span["to"]}
    second = recorder.http.get("/cameras/gate/clip", params=after)
    assert "hvc1" in second.headers["content-type"], "as Safari asks for it"
    shown = recorder.http.get("/cameras/gate/clip", params={**after, "codec": "h264"})
    assert "avc1" in shown.headers["content-type"]
    assert clocks(shown.content) == clocks(second.content)
    recorder.export(tmp_path / "x.zip", cameras=["gate"], **span, by="x", reason="y")
    assert verify(tmp_path / "x.zip") == []
    with zipfile.ZipFile(tmp_path / "x.zip") as archived:
        (camera,) = json.loads(archived.read(MANIFEST))["cameras"]
        assert [part["mime"].split('"')[1][:4] for part in camera["parts"]] == ["avc1", "hvc1"]
        assert camera["gaps"]
        assert all(clocks(archived.read(part["file"])) for part in camera["parts"])


def test_another_resolution_while_it_streams_begins_another_run(
    record: Callable[..., RecorderProcess], tmp_path: Path
) -> None:
    film, port = tmp_path / "film.h264", free_port()
    for n, size in enumerate(("640x360", "320x180")):
        source = f"testsrc2=size={size}:rate=12:duration=4"
        argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast"]
        argv += ["-g", "12", "-pix_fmt", "yuv420p", "-bf", "0", "-bsf:v", "h264_metadata=aud=insert"]
        argv += [str(tmp_path / f"{n}.h264")]
        subprocess.run(argv, check=True)
    film.write_bytes((tmp_path / "0.h264").read_bytes() + (tmp_path / "1.h264").read_bytes())
    script = ROOT / "tests" / "bench" / "film_camera.py"
    argv = ["/usr/bin/python3", str(script), "--port", str(port), "--fps", "12", str(film)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as camera:
        try:
            assert camera.stdout
            assert camera.stdout.readline() == "ready\n"
            recorder = record(wired("gate", f"rtsp://127.0.0.1:{port}/film"), segment_s=30)
            eventually(lambda: gap_reasons(recorder).count("codec_changed") > 1, 50)
        finally:
            camera.kill()
    runs = [each["id"][:23] for each in recorder.timeline("gate")["segments"]]
    assert len(set(runs)) > 1


def gap_reasons(recorder: RecorderProcess) -> list[str]:
    return [each["reason"] for each in recorder.timeline("gate")["gaps"]]


@pytest.fixture
def disks(tmp_path: Path) -> Disks:
    """Two folders that stand for disks, as first seen."""
    (tmp_path / "two").mkdir()
    found = Disks(tmp_path / "one", {"two": tmp_path / "two"}, tmp_path / "known.json")
    assert set(found.there()) == {"", "two"}
    return found


def fresh(disks: Disks) -> Disks:
    return Disks(disks.folders[""], {"two": disks.folders["two"]}, disks._known)


def test_the_recorder_waits_for_its_disk_and_writes_nothing_meanwhile(
    disks: Disks, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = disks.folders[""]
    away = root.rename(root.with_name("away"))
    threading.Timer(0.2, lambda: away.rename(root)).start()
    assert process._mounted(fresh(disks), poll_s=0.01)
    assert [path.name for path in root.iterdir()] == [".menjin-disk"]


def test_a_recorder_that_waits_for_its_disk_ends_on_a_signal(disks: Disks) -> None:
    disks.folders[""].rename(disks.folders[""].with_name("away"))
    threading.Timer(0.1, signal.raise_signal, (signal.SIGTERM,)).start()
    before = signal.getsignal(signal.SIGTERM)
    assert not process._mounted(fresh(disks), poll_s=0.05)
    assert signal.getsignal(signal.SIGTERM) is before


def test_nothing_is_written_where_a_disk_was(disks: Disks, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "one", Index(Database(tmp_path / "one" / "index.db")), disks)
    (tmp_path / "two" / ".menjin-disk").unlink()  # what a mount point shows without its disk
    archive.disks = fresh(disks)
    with pytest.raises(OSError, match="not there"):
        archive.incoming("gate", "two")
    assert list((tmp_path / "two").iterdir()) == []
    assert "its disk is not there" in str(archive.disks.missing("two"))


def test_another_disk_in_its_place_is_not_taken_for_it(disks: Disks, tmp_path: Path) -> None:
    (tmp_path / "two" / ".menjin-disk").write_text("another")
    assert "another disk is there" in str(fresh(disks).missing("two"))


def test_cameras_share_the_disks_and_go_on_on_those_that_are_left(disks: Disks, tmp_path: Path) -> None:
    assert [disks.place("x", n) for n in range(4)] == ["", "two", "", "two"]
    assert disks.place("x", 0, "two") == "two"
    (tmp_path / "two").rename(tmp_path / "away")
    left = fresh(disks)
    assert [left.place("x", n, "two") for n in range(2)] == ["", ""]
    three = Disks(tmp_path / "one", {"two": tmp_path / "away", "three": tmp_path / "away"})
    before = [three.place("x", n) for n in range(6)]
    three.full.add("three")
    after = [three.place("x", n) for n in range(6)]
    assert [a for a, b in zip(before, after, strict=True) if a != b] == ["three"] * 2, "the others stay where they are"
    left.full.add("")
    with pytest.raises(OSError, match="full"):
        left.place("x", 0)

"""A camera that comes back with another coding, and a disk that is not there."""

import json
import signal
import threading
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from camera import __main__ as process
from camera import disk
from camera.clip import MANIFEST, verify
from camera.database import Database
from camera.index import Index
from camera.recording import Archive
from tests.camera.site import CameraSite, RecorderProcess, clocks, eventually, wired


def test_another_coding_is_another_run_and_another_part_of_an_export(
    record: Callable[..., RecorderProcess], tmp_path: Path
) -> None:
    site = CameraSite("/gate")
    recorder = record(wired("gate", site.url("/gate")))
    began = datetime.now(UTC)
    eventually(lambda: recorder.recorded("gate", 2))
    site.kill()
    site.recode("h265")
    eventually(lambda: len({each["id"][:23] for each in recorder.timeline("gate")["segments"]}) > 1, 40)
    eventually(lambda: recorder.get("/cameras")[0]["state"] == "recording")
    eventually(lambda: recorder.recorded("gate", 5), 40)
    span = {"from": began.isoformat(), "to": (datetime.now(UTC) + timedelta(seconds=1)).isoformat()}
    first = recorder.http.get("/cameras/gate/clip", params=span)
    assert "avc1" in first.headers["content-type"]
    ended = datetime.fromisoformat(first.headers["x-clip-end"]) + timedelta(milliseconds=20)  # told in whole ms
    after = {"from": ended.isoformat(), "to": span["to"]}
    second = recorder.http.get("/cameras/gate/clip", params=after)
    assert "hvc1" in second.headers["content-type"]
    shown = recorder.http.get("/cameras/gate/clip", params={**after, "codec": "h264"})
    assert "avc1" in shown.headers["content-type"]
    assert clocks(shown.content) == clocks(second.content)
    recorder.export(tmp_path / "x.zip", cameras=["gate"], **span, by="x", reason="y")
    assert verify(tmp_path / "x.zip") == []
    with zipfile.ZipFile(tmp_path / "x.zip") as archived:
        (camera,) = json.loads(archived.read(MANIFEST))["cameras"]
        assert "avc1" in camera["parts"][0]["mime"]
        assert "hvc1" in camera["parts"][-1]["mime"]
        assert camera["gaps"]
        assert all(clocks(archived.read(part["file"])) for part in camera["parts"])
    site.kill()


def test_the_recorder_waits_for_its_disk_and_writes_nothing_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([tmp_path, tmp_path, None])
    monkeypatch.setattr(disk, "missing_mount", lambda _: next(answers))
    assert process._mounted(tmp_path / "recordings", poll_s=0.01)
    assert not (tmp_path / "recordings").exists()


def test_a_recorder_that_waits_for_its_disk_ends_on_a_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "missing_mount", lambda root: root)
    threading.Timer(0.1, signal.raise_signal, (signal.SIGTERM,)).start()
    before = signal.getsignal(signal.SIGTERM)
    assert not process._mounted(tmp_path, poll_s=0.05)
    assert signal.getsignal(signal.SIGTERM) is before


def test_nothing_is_written_where_a_disk_was(tmp_path: Path) -> None:
    archive = Archive(tmp_path, Index(Database(tmp_path / "index.db")))
    archive._device += 1
    with pytest.raises(OSError, match="not mounted"):
        archive.incoming("gate")
    assert not (tmp_path / "incoming").exists()

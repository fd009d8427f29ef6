"""Campaign 8: recorder and ffmpegs die at once, again and again, also while they still take in what the last end left.

What one kill of either alone loses stands in tests/camera; here all die together, and starts are interrupted.
"""

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from camera.check import check
from tests.camera.site import ROOT, CameraSite, RecorderProcess, alive, eventually, kill, packets, wired

CAMERAS = ("gate", "garage")
FFMPEG = str(shutil.which("ffmpeg"))


@pytest.fixture
def rtsp() -> Iterator[CameraSite]:
    site = CameraSite("/gate", "/garage")
    yield site
    site.kill()


@pytest.fixture
def recorder(rtsp: CameraSite, tmp_path: Path) -> Iterator[RecorderProcess]:
    made = RecorderProcess(tmp_path, [wired(name, rtsp.url(f"/{name}")) for name in CAMERAS])
    yield made
    made.close()


def kill_all(recorder: RecorderProcess) -> None:
    """The process and its children, in an order that chance makes."""
    family = [recorder.process.pid, *(child.pid for child in psutil.Process(recorder.process.pid).children(True))]
    random.shuffle(family)
    for pid in family:
        kill(pid)
    recorder.process.wait()
    eventually(lambda: not any(map(alive, family)))


def start_and_kill(recorder: RecorderProcess, after_s: float) -> None:
    """A start that does not get far."""
    code = (
        "import sys; from config.settings import Settings; from camera.__main__ import run;"
        "sys.exit(run(Settings.model_validate_json(sys.argv[1])))"
    )
    argv = [sys.executable, "-c", code, recorder.settings.model_dump_json()]
    with recorder.log_path.open("a") as log:
        recorder.process = subprocess.Popen(argv, cwd=ROOT, stderr=log)
    time.sleep(after_s)
    kill_all(recorder)


def assert_all_plays(recorder: RecorderProcess) -> int:
    """Each file on its place has pictures that a player reads without complaint; how many files."""
    files = sorted(recorder.dir.glob("*/????-??-??/??/*.mp4"))
    for path in files:
        assert packets(path), path
        said = subprocess.run(
            [FFMPEG, "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (said.returncode, said.stderr) == (0, ""), path
    return len(files)


def test_killed_whole_again_and_again_all_footage_plays_and_the_index_is_right(
    recorder: RecorderProcess, long: bool
) -> None:
    dice = random.Random(8)
    for _ in range(60 if long else 1):
        eventually(lambda: all(recorder.state(name) == "recording" for name in CAMERAS))
        time.sleep(1 + dice.random() * 2)
        kill_all(recorder)
        for _ in range(2):
            start_and_kill(recorder, 0.3 + dice.random() * 1.2)
        recorder.start()
        assert check(recorder.dir) == []
    eventually(lambda: all(recorder.state(name) == "recording" for name in CAMERAS))
    time.sleep(2.5)
    assert recorder.end() == 0
    assert check(recorder.dir) == []
    assert assert_all_plays(recorder) >= len(CAMERAS)
    assert list(recorder.dir.glob("incoming/*/*")) == []

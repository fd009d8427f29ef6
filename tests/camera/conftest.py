import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import Camera
from tests.camera.site import CameraSite, RecorderProcess, eventually, wired


@pytest.fixture
def rtsp() -> Iterator[CameraSite]:
    """Two cameras, without a password."""
    site = CameraSite("/gate", "/garage")
    yield site
    site.kill()


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Callable[..., RecorderProcess]]:
    """Start recorders; they end with the test."""
    started: list[RecorderProcess] = []

    def start(*cameras: Camera, **more: Any) -> RecorderProcess:
        started.append(RecorderProcess(tmp_path, cameras, **more))
        return started[-1]

    yield start
    for recorder in started:
        recorder.close()


@pytest.fixture(scope="session")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with four files of one camera, recorded once."""
    site = CameraSite("/gate")
    recorder = RecorderProcess(tmp_path_factory.mktemp("archived"), [wired("gate", site.url("/gate"))])
    eventually(lambda: recorder.recorded("gate", 3))
    time.sleep(1.6)  # so that the last file has several fragments
    recorder.close()
    site.kill()
    return recorder.dir


@pytest.fixture
def archive(archived: Path, tmp_path: Path) -> Path:
    """A copy of recorded footage that a test may harm."""
    return Path(shutil.copytree(archived, tmp_path / "archive"))

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import Camera
from tests.camera.site import CameraSite, RecorderProcess


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

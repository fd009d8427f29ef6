"""Live tiles in Chromium: many cameras by their small streams, one by its large one; recorder and plane are real."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from config.cameras import SubStream
from mgmt_api.console import build_hook
from tests.camera.site import CameraSite, RecorderProcess, eventually, wired

from .footage_house import Front, picture_ms

pytestmark = pytest.mark.timeout(300)
LATE_MS = 2000  # a busy machine's camera burns the clock in this much earlier at most


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    build_hook.build()
    rtsp = CameraSite("/gate", "/gate-small", "/garage")
    small = SubStream(url=rtsp.url("/gate-small"))
    recorder = RecorderProcess(
        tmp_path, [wired("gate", rtsp.url("/gate"), sub=small), wired("garage", rtsp.url("/garage"))]
    )
    made = Front(tmp_path, recorder)
    eventually(lambda: all(recorder.state(name) == "recording" for name in ("gate", "garage")))
    yield made
    made.close()
    recorder.close()
    rtsp.kill()


def plays(page: Page, camera: str) -> bool:
    tile = page.locator(f"figure[data-camera={camera}][data-state=playing] video")
    return tile.count() == 1 and abs(time.time() * 1000 - picture_ms(tile)) < LATE_MS


def test_one_of_many_cameras_is_shown_by_its_small_stream_and_alone_by_its_large_one(
    front: Front, browser: Browser
) -> None:
    page = front.sign_in(browser).new_page()
    opened: list[str] = []
    page.on("websocket", lambda socket: opened.append(socket.url.split("/cameras/")[-1]))
    page.goto(f"{front.url}/#/board")
    eventually(lambda: plays(page, "gate") and plays(page, "garage"))
    assert set(opened) >= {"gate.sub/live", "garage/live"}
    assert "gate/live" not in opened
    page.locator("figure[data-camera=gate]").click()
    expect(page.locator("figure[data-camera=garage]")).to_have_count(0)
    eventually(lambda: plays(page, "gate"))
    assert "gate/live" in opened
    page.context.close()

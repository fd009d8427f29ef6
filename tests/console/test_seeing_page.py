"""Zones drawn on a live picture in Chromium, and the alarms that come of them; recorder, stream and plane are real."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from mgmt_api.recorders import RecorderAddress
from tests.camera.site import TOKEN, CameraSite, RecorderProcess, eventually, wired
from tests.console.conftest import V1, Site

QUICK = {"stream": "main", "learn_s": 3}
LANE = ((0.02, 0.28), (0.98, 0.28), (0.98, 0.52), (0.02, 0.52))
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def cameras() -> Iterator[CameraSite]:
    site = CameraSite("/gate")
    yield site
    site.kill()


@pytest.fixture(scope="module")
def recorder(cameras: CameraSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecorderProcess]:
    camera = wired("gate-camera", cameras.url("/gate"), analytics=QUICK, doors=("main-gate",))
    started = RecorderProcess(tmp_path_factory.mktemp("recorder"), [camera])
    yield started
    started.close()


@pytest.fixture(scope="module")
def recorders(recorder: RecorderProcess) -> Sequence[RecorderAddress]:
    return (RecorderAddress(f"http://127.0.0.1:{recorder.port}", TOKEN),)


def shot(page: Page, name: str, tmp_path: Path) -> None:
    """A picture for people to look at, in both languages."""
    folder = Path(os.environ.get("MENJIN_PICTURES", tmp_path))
    for language, switch in (("zh", "English"), ("en", "中文")):
        page.screenshot(path=folder / f"{name}-{language}.png")
        page.get_by_role("button", name=switch).click()


def test_a_zone_is_drawn_on_the_picture_and_whoever_is_in_it_is_told(
    site: Site, recorder: RecorderProcess, cameras: CameraSite, page: Page, tmp_path: Path
) -> None:
    page.goto(f"{site.url}/#/cameras?camera=gate-camera")
    surface = page.locator(".surface")
    expect(page.locator(".surface[data-state=playing]")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="画监控区域").click()
    box = surface.bounding_box()
    assert box is not None
    for x, y in LANE:
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.get_by_role("button", name="完成").click()
    page.get_by_label("位于哪扇门之后").click()
    page.get_by_text("正门", exact=True).last.click()
    page.get_by_role("button", name="保存", exact=True).click()
    eventually(lambda: recorder.get("/cameras/gate-camera/drawing")["revision"] == 1, 30)
    expect(page.get_by_text("录像机已按此分析")).to_be_visible(timeout=30_000)
    drawing = recorder.get("/cameras/gate-camera/drawing")
    assert drawing["zones"][0]["door"] == "main-gate"
    for (x, y), (drawn_x, drawn_y) in zip(LANE, drawing["zones"][0]["polygon"], strict=True):
        assert (drawn_x, drawn_y) == pytest.approx((x, y), abs=0.02)
    page.locator(".shape-list button").first.click()
    shot(page, "draw", tmp_path)

    eventually(lambda: recorder.get("/drawings")["gate-camera"]["learnt"], 60)
    cameras.tell("walk /gate on")
    site.report()
    strip = page.get_by_role("alert", name="摄像机报警")
    eventually(lambda: site.report() or strip.get_by_text("疑似尾随").count(), 90, 1.0)
    cameras.tell("walk /gate off")
    page.goto(f"{site.url}/#/camera-alarms")
    expect(page.locator(".alarm-card img").first).to_be_visible(timeout=30_000)
    expect(page.locator(".alarm-card").first.get_by_text("无通行记录")).to_be_visible()
    shot(page, "alarms", tmp_path)
    page.locator(".alarm-card").get_by_role("button", name="知道了").first.click()
    expect(page.get_by_text("admin 已确认")).to_be_visible()


def test_an_unsaved_drawing_outlives_what_somebody_else_saves(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/#/cameras?camera=gate-camera")
    shapes = page.locator(".shape-list button")
    page.get_by_role("button", name="画隐私遮挡").wait_for()
    draw_a_mask(page)
    drawn = shapes.count()
    url = f"{site.url}{V1}/cameras/gate-camera/drawing"
    known = page.request.get(url).json()["drawing"]
    other = {"name": "别人的", "polygon": [[0.1, 0.6], [0.3, 0.6], [0.3, 0.8]]}
    saved = page.request.put(url, data=known | {"masks": [other]}, headers={"Origin": site.url})
    assert saved.ok, saved.text()
    expect(page.get_by_text("别人刚刚保存了另一份图")).to_be_visible()
    expect(page.get_by_role("button", name="保存", exact=True)).to_be_disabled()
    assert shapes.count() == drawn
    page.get_by_role("button", name="放弃修改").click()
    expect(shapes.filter(has_text="别人的")).to_be_visible()
    before = shapes.count()
    draw_a_mask(page)
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_role("button", name="保存", exact=True)).to_be_disabled()
    page.reload()
    expect(shapes).to_have_count(before + 1)


def draw_a_mask(page: Page) -> None:
    page.get_by_role("button", name="画隐私遮挡").click()
    box = page.locator(".surface").bounding_box()
    assert box is not None
    for x, y in ((0.6, 0.6), (0.9, 0.6), (0.9, 0.9)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.get_by_role("button", name="完成").click()

"""Footage in the console: looked at with a reason, to the picture; taken, kept, and all of it in the register."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from camera.clip import verify
from mgmt_api.console import build_hook
from tests.camera.site import eventually

from .footage_house import House, deck_ms, picture_ms

FRAME_MS = 1000 / 12
LATE_MS = 1500  # a busy machine's camera: it burns the clock in, and its picture arrives this much later at most
pytestmark = pytest.mark.timeout(300)  # the first of them waits until there is something recorded


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    build_hook.build()
    made = House(tmp_path_factory.mktemp("house"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def guard(house: House, browser: Browser) -> Iterator[BrowserContext]:
    context = house.sign_in(browser)
    yield context
    context.close()


@pytest.fixture
def page(guard: BrowserContext) -> Iterator[Page]:
    opened = guard.new_page()
    opened.set_default_timeout(40_000)
    yield opened
    opened.close()


def look(page: Page, house: House, at_ms: float, reason: str = "快递丢失") -> None:
    at = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
    page.goto(f"{house.url}/#/footage?{urlencode({'at': at, 'reason': reason, 'cameras': 'gate,garage'})}")


def shows(page: Page, camera: str, at_ms: float) -> bool:
    shown = picture_ms(page.locator(f".screen[data-camera={camera}] video"))
    return at_ms - LATE_MS <= shown <= at_ms + 3 * FRAME_MS


def test_nobody_looks_without_saying_why(house: House, page: Page) -> None:
    page.goto(f"{house.url}/#/footage")
    expect(page.get_by_role("region", name="为什么查看录像？")).to_be_visible()
    assert page.locator("video").count() == 0
    page.get_by_role("button", name="住户求助").click()
    expect(page.get_by_text("事由：住户求助")).to_be_visible()


def test_a_moment_of_two_cameras_shows_to_the_picture_and_steps_by_one(house: House, page: Page) -> None:
    at = house.recorded[0][0] + 4000
    look(page, house, at)
    for camera in ("gate", "garage"):
        eventually(lambda camera=camera: shows(page, camera, at))  # type: ignore[misc] # called at once
    video = page.locator(".screen[data-camera=gate] video")
    seen = [picture_ms(video)]
    for _ in range(2):
        page.keyboard.press(".")
        eventually(lambda: seen[-1] < picture_ms(video) <= seen[-1] + 6 * FRAME_MS)
        seen.append(picture_ms(video))
    page.keyboard.press(",")
    eventually(lambda: picture_ms(video) == seen[1])


def test_a_press_on_the_timeline_fetches_already_what_its_release_shows(house: House, page: Page) -> None:
    here, there = house.recorded[1][0] + 2000, house.recorded[0][0] + 3000
    look(page, house, here)
    eventually(lambda: shows(page, "gate", here))
    page.locator(".timeline").press("+")
    for _ in range(3):  # from an hour to four minutes
        page.keyboard.press("+")
    canvas = page.locator(".timeline canvas").bounding_box()
    assert canvas
    page.mouse.move(canvas["x"] + canvas["width"] * (0.5 + (there - here) / (3_600_000 / 16)), canvas["y"] + 60)
    with page.expect_request("**/gate/clip?*"):
        page.mouse.down()
    page.wait_for_load_state("networkidle")
    assert deck_ms(page) == pytest.approx(here, abs=1), "a press alone goes nowhere"
    page.mouse.up()
    eventually(lambda: shows(page, "gate", deck_ms(page)) and shows(page, "garage", deck_ms(page)))
    assert deck_ms(page) == pytest.approx(there, abs=500)


def test_a_gap_is_shown_with_its_reason_and_leapt_over(house: House, page: Page) -> None:
    back = house.recorded[1][0]
    look(page, house, back - 2500)
    screen = page.locator(".screen[data-camera=gate]")
    expect(screen).to_contain_text("没有录像")
    expect(screen).to_contain_text("没有数据")  # connected, but no data arrived
    eventually(lambda: shows(page, "garage", back - 2500))
    page.get_by_role("button", name="播放").click()
    expect(screen).not_to_contain_text("没有录像")
    eventually(lambda: picture_ms(screen.locator("video")) >= back - LATE_MS)


def test_footage_is_exported_kept_and_registered(house: House, page: Page, tmp_path: Path) -> None:
    at = house.recorded[0][0] + 3000
    house.tell(1, "Denied", "gate-door", at + 1000, reason="CredentialExpired")
    look(page, house, at, "公安调取")
    eventually(lambda: shows(page, "gate", at))
    page.keyboard.press("i")
    page.keyboard.press("ArrowRight")
    eventually(lambda: deck_ms(page) >= at + 4900)
    page.keyboard.press("o")
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog", name="导出录像")
    dialog.get_by_role("button", name="开始导出").press("Enter")  # a dialog that is still opening moves under a pointer
    save = dialog.get_by_role("link", name="保存到本机")
    eventually(lambda: save.count() or dialog.get_by_role("alert").count())
    assert save.count(), dialog.inner_text()
    with page.expect_download() as saved:
        save.press("Enter")
    saved.value.save_as(tmp_path / "x.zip")
    assert verify(tmp_path / "x.zip", house.recorder.get("/signing-key")["public_key"]) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="保留", exact=True).click()
    page.get_by_role("dialog", name="保留录像").get_by_role("button", name="保留", exact=True).press("Enter")
    eventually(lambda: len(house.recorder.get("/holds")) == 2)
    page.goto(f"{house.url}/#/register")
    expect(page.get_by_text("登记完整，未被改动")).to_be_visible()
    for deed in ("查看录像", "导出", "下载导出包", "保留"):
        expect(page.locator("tr", has_text="admin").get_by_text(deed, exact=True).first).to_be_visible()
    page.get_by_text("保留中的录像").click()
    page.get_by_role("button", name="解除保留").first.click()
    page.get_by_label("解除事由").fill("已结案")
    page.get_by_role("dialog").get_by_role("button", name="解除保留").press("Enter")
    eventually(lambda: len(house.recorder.get("/holds")) == 1)


def test_an_event_shows_its_picture_and_then_its_film(house: House, page: Page) -> None:
    at = house.recorded[0][0] + 4000
    house.tell(2, "DoorForcedOpen", "garage-door", at)
    page.goto(f"{house.url}/#/board")
    page.locator(".event", has_text="强行开门").first.click()
    eventually(lambda: picture_ms(page.locator(".event-clip video")) >= at - 2500)
    page.get_by_role("button", name="在回放中查看").click()
    expect(page.get_by_text(re.compile(r"事由：事件 \d+"))).to_be_visible()


def test_where_nothing_was_recorded_nothing_is_taken_or_kept_and_it_is_said(house: House, page: Page) -> None:
    look(page, house, house.recorded[0][0] - 600_000)
    page.get_by_role("button", name="设起点").click()
    for act, dialog, begin in (("导出", "导出录像", "开始导出"), ("保留", "保留录像", "保留")):
        page.get_by_role("button", name=act, exact=True).click()
        opened = page.get_by_role("dialog", name=dialog)
        opened.get_by_role("button", name=begin, exact=True).press("Enter")
        expect(opened.get_by_role("alert")).to_contain_text("这段时间没有录像")
        page.keyboard.press("Escape")
        expect(opened).to_be_hidden()


def test_space_presses_the_button_that_has_the_focus_and_no_key_works_behind_a_dialog(house: House, page: Page) -> None:
    look(page, house, house.recorded[0][0] + 2000, "patrol")
    expect(page.get_by_text("事由：巡查复核")).to_be_visible()  # a preset reason, in the page's language
    eventually(lambda: shows(page, "gate", house.recorded[0][0] + 2000))
    begin = deck_ms(page)
    page.get_by_role("button", name="设起点").focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("未选时段")).to_have_count(0)
    expect(page.get_by_role("button", name="播放 (空格)")).to_be_visible()
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog", name="导出录像")
    expect(dialog.get_by_role("textbox")).to_have_value("巡查复核")
    dialog.get_by_role("button", name="开始导出").focus()
    page.keyboard.press("l")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert deck_ms(page) == begin


def test_the_events_beside_the_film_name_whom_they_let_in(house: House, page: Page) -> None:
    at = house.recorded[0][0] + 2000
    house.tell(3, "Granted", "gate-door", at, holder="r-9", command_id="c-9")
    house.tell(4, "Taken", "gate-door", at + 1000, command_id="c-9")
    house.tell(5, "Taken", "garage-door", at + 1000)
    look(page, house, at)
    rows = page.get_by_role("region", name="这段时间的事件").locator(".event")
    expect(rows.filter(has_text="r-9")).to_contain_text("已通过")
    alone = rows.filter(has_text="garage-door").filter(has_text="已通过")
    expect(alone).to_have_count(1)
    expect(alone).not_to_contain_text("未识别的人员")  # a passage alone tells nobody


def test_a_recorder_that_is_away_is_not_called_a_lack_of_footage(house: House, page: Page) -> None:
    house.recorder.close()
    now_ms = time.time() * 1000
    house.tell(6, "DoorForcedOpen", "gate-door", now_ms)
    look(page, house, house.recorded[0][0] + 2000)
    expect(page.locator(".screen[data-camera=gate]")).to_contain_text("录像机无响应")
    page.goto(f"{house.url}/#/board")
    page.locator(".event", has_text="强行开门").first.click()
    footage = page.get_by_role("region", name="事件录像")
    expect(footage).to_contain_text("录像机无响应")
    expect(footage).not_to_contain_text("正在写入")

"""What stands around every page: it fits a phone, keeps what was chosen, and says how a session ended."""

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from .conftest import PASSWORD, V1, Site

PAGES = ("board", "footage?reason=patrol", "register", "people", "camera-alarms", "cameras")


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
def test_no_page_is_wider_than_a_phone(site: Site, context: BrowserContext, page: Page, language: str) -> None:
    site.report("north-gate", alarm="DoorForcedOpen", open=True)
    site.tell("DoorForcedOpen", door="north-gate")
    page.set_viewport_size({"width": 390, "height": 844})
    if language == "en-US":
        page.get_by_role("button", name="Switch to English").click()
    for name in PAGES:
        page.goto(f"{site.url}/#/{name}")
        page.locator("main").wait_for()
        page.wait_for_load_state("networkidle")
        cut_off = page.evaluate(
            """() => [...document.querySelectorAll('button, a, input, h2, time')]
                .filter(node => node.checkVisibility() && node.getBoundingClientRect().right > innerWidth)
                .filter(node => { for (let up = node; (up = up.parentElement); )
                    if (['auto', 'scroll'].includes(getComputedStyle(up).overflowX)) return false; return true })
                .map(node => node.outerHTML.slice(0, 120))"""
        )
        assert cut_off == [], name
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 390, name
    moment = page.locator(".alarm time").first
    assert moment.evaluate(
        "node => node.getBoundingClientRect().right <= node.parentElement.getBoundingClientRect().right"
    )


def test_the_sound_of_alarms_stays_on_after_a_reload(site: Site, page: Page) -> None:
    page.get_by_role("button", name="启用告警声").click()
    expect(page.get_by_role("button", name="告警声已开启")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="在本页按一下即恢复告警声").click()
    page.get_by_role("button", name="告警声已开启").click()
    expect(page.get_by_role("button", name="启用告警声")).to_be_visible()


def test_a_session_that_ended_by_itself_says_so_where_one_logs_in(site: Site, browser: Browser, page: Page) -> None:
    own = browser.new_context()
    guest = own.new_page()
    guest.goto(site.url)
    ended = guest.get_by_text("登录已失效，请重新登录")
    for _ in range(2):
        guest.get_by_label("用户名").fill("admin")
        guest.get_by_label("密码", exact=True).fill(PASSWORD)
        expect(ended).to_have_count(0)
        guest.get_by_role("button", name="登录").click()
        expect(guest.get_by_text("连接正常")).to_be_visible()
        guest.get_by_role("button", name="用户 admin").click()
        guest.get_by_role("menuitem", name="退出登录").click()
    guest.get_by_label("用户名").fill("admin")
    guest.get_by_label("密码", exact=True).fill(PASSWORD)
    guest.get_by_role("button", name="登录").click()
    expect(guest.get_by_text("连接正常")).to_be_visible()
    own.request.delete(f"{site.url}{V1}/session", headers={"Origin": site.url})
    site.report()
    expect(ended).to_be_visible()
    own.close()

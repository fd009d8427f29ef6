"""The guard's page in Chromium, before a real management plane."""

import time
from datetime import datetime
from zoneinfo import ZoneInfo

from playwright.sync_api import BrowserContext, Locator, Page, expect

from .conftest import Heard, Site


def door(page: Page, name: str) -> Locator:
    return page.locator(f"[data-door={name}]")


def last_command(site: Site) -> str:
    with site.plane.database.read() as session:
        query = "select id from command order by issued_at desc limit 1"
        return str(session.connection().exec_driver_sql(query).scalar_one())


def test_the_page_lives_under_the_planes_own_policy_and_asks_nobody_else(site: Site, context: BrowserContext) -> None:
    page = context.new_page()
    heard = Heard(page)
    page.goto(site.url)
    expect(page.get_by_text("连接正常")).to_be_visible()
    expect(door(page, "main-gate")).to_be_visible()
    assert heard.hosts == {f"127.0.0.1:{site.wire.port}"}
    assert not [error for error in heard.errors if "Security Policy" in error or "Error:" in error]
    panel = page.locator(".ant-btn").first
    assert panel.evaluate("node => getComputedStyle(node).borderRadius") != "0px"  # antd's styles were let in


def test_a_doors_state_is_shown_by_word_in_the_pages_language_without_a_reload(site: Site, page: Page) -> None:
    site.report("north-gate", alarm="DoorForcedOpen", open=True)
    expect(door(page, "north-gate")).to_contain_text("强行开门")
    expect(page.get_by_role("alert", name="正在发生的告警")).to_contain_text("北门")
    page.evaluate("window.kept = true")
    page.get_by_role("button", name="Switch to English").click()
    expect(door(page, "north-gate")).to_contain_text("Forced open")
    expect(page.get_by_role("alert", name="Alarms now")).to_contain_text("North gate")
    assert page.evaluate("window.kept")
    assert page.evaluate("document.documentElement.lang") == "en-US"
    site.report("north-gate", alarm="Normal", open=False)
    expect(door(page, "north-gate")).to_contain_text("Locked")


def test_a_choice_of_theme_and_language_is_kept_and_a_year_without_holidays_is_told_in_both(
    site: Site, page: Page
) -> None:
    this_year = datetime.now(ZoneInfo("Asia/Shanghai")).year
    site.office("special_days/china", {"days": [{"date": f"{this_year - 1}-10-01"}]})
    site.office("schedules/office-hours", {"windows": [], "special": ["china"]})
    page.reload()
    missing = page.get_by_role("status").filter(has_text="special_days/china")
    expect(missing).to_contain_text(f"缺少 {this_year} 年的节假日与调休")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.get_by_role("button", name="切换为浅色").click()
    page.get_by_role("button", name="Switch to English").click()
    page.reload()
    expect(page.get_by_text("Connected")).to_be_visible()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    expect(missing).to_contain_text(f"make-up workdays of {this_year} are missing")
    site.office("special_days/china", {"days": [{"date": f"{this_year + n}-10-01"} for n in range(2)]})
    page.reload()
    expect(page.get_by_text("Connected")).to_be_visible()
    expect(missing).to_have_count(0)


def test_refusals_arrive_as_sentences_and_repeats_fold_into_one_row(site: Site, page: Page) -> None:
    for _ in range(3):
        site.tell("Denied", door="pool", reader="pool-in", reason="NotPermittedAtThisTime", credential_type="card")
    row = page.locator(".event", has_text="泳池").first
    expect(row).to_contain_text("×3")
    expect(row).to_contain_text("这个时间不允许进出")


def test_five_refusals_stay_above_all_until_somebody_says_so(site: Site, page: Page) -> None:
    site.tell("ReaderAlarm", door="pool", reader="pool-in")
    page.keyboard.press("/")
    page.keyboard.type("正门")
    strip = page.get_by_role("alert", name="正在发生的告警")
    expect(strip).to_contain_text("连续五次被拒")
    strip.get_by_role("button", name="知道了", exact=True).click()
    expect(strip).not_to_contain_text("连续五次被拒")


def test_an_unlock_by_keys_tells_sent_then_confirmed_then_open(site: Site, page: Page) -> None:
    page.keyboard.press("1")
    expect(page.get_by_role("group", name="选择原因即开门：正门")).to_be_visible()
    page.keyboard.press("3")
    row = door(page, "main-gate")
    expect(row).to_contain_text("已发送")
    command = last_command(site)
    site.tell("CommandOutcome", door="main-gate", command_id=command, reason="Done")
    expect(row).to_contain_text("控制器已确认")
    site.tell("Taken", door="main-gate", command_id="somebody else's")
    site.report("main-gate", open=True)
    expect(row).to_contain_text("门开着")
    expect(row).not_to_contain_text("门磁")
    site.tell("Taken", door="main-gate", command_id=command)
    expect(row).to_contain_text("门已打开（门磁）")


def test_an_order_that_never_left_says_so(site: Site, page: Page) -> None:
    door(page, "pool").get_by_role("button", name="开门").click()
    door(page, "pool").get_by_role("button", name="快递").click()
    expect(door(page, "pool")).to_contain_text("命令已过期，未送达")


def test_escape_takes_the_question_back_and_nothing_opens(site: Site, page: Page) -> None:
    page.keyboard.press("2")
    expect(door(page, "north-gate").get_by_role("group")).to_be_visible()
    page.keyboard.press("Escape")
    expect(door(page, "north-gate").get_by_role("group")).to_have_count(0)
    expect(door(page, "north-gate")).not_to_contain_text("已发送")


def test_digits_typed_into_the_filter_open_nothing(site: Site, page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("3")
    expect(page.locator(".door")).to_have_count(1)
    expect(page.get_by_role("group", name="选择原因即开门")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator(".door")).to_have_count(3)


def test_a_frozen_line_is_called_broken_within_seconds_and_nothing_is_missed(site: Site, page: Page) -> None:
    page.wait_for_timeout(1500)
    site.wire.freeze()
    frozen_at = time.monotonic()
    try:
        banner = page.get_by_text("连接中断：")
        banner.wait_for(timeout=15_000)
        shown_after_s = time.monotonic() - frozen_at
        site.tell("Tamper", reader="north-in", door="north-gate")
    finally:
        site.wire.thaw()
    assert shown_after_s < 10
    expect(page.get_by_text("连接正常")).to_be_visible(timeout=15_000)
    expect(page.locator(".event", has_text="防拆告警")).to_have_count(1)
    expect(banner).to_have_count(0)


def test_an_event_without_footage_says_why(site: Site, page: Page) -> None:
    site.tell("Granted", door="pool", credential_type="card")
    page.locator(".event", has_text="已放行").first.click()
    expect(page.get_by_role("region", name="事件录像")).to_contain_text("没有摄像机，因此没有录像")
    page.keyboard.press("Escape")
    expect(page.get_by_role("region", name="摄像机")).to_be_visible()


def test_a_camera_without_a_recorder_never_looks_alive(site: Site, page: Page) -> None:
    tile = page.locator("[data-camera=gate-camera]")
    expect(tile).to_contain_text("画面中断")
    expect(tile).not_to_contain_text("实时")


def test_every_control_has_a_name_and_is_large_enough(site: Site, page: Page) -> None:
    site.report("north-gate", alarm="DoorForcedOpen", open=True)
    expect(page.get_by_role("alert", name="正在发生的告警")).to_contain_text("强行开门")
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, a, input, [role=radio]')]
            .filter(node => node.offsetParent && node.type !== 'radio')
            .map(node => [node, node.getBoundingClientRect(), node.closest('.ant-input-affix-wrapper')])
            .filter(([node, box, frame]) => (frame ?? node).getBoundingClientRect().height < 24 || box.width < 24)
            .map(([node]) => node.outerHTML.slice(0, 120))"""
    )
    assert small == []
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button')]
            .filter(node => node.offsetParent && !node.innerText.trim())
            .filter(node => !node.getAttribute('aria-label') && !node.querySelector('[aria-label]'))
            .map(node => node.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


def test_the_users_menu_leads_to_help_and_out(site: Site, page: Page) -> None:
    page.get_by_role("button", name="用户 admin").click()
    expect(page.get_by_role("menuitem", name="退出登录")).to_be_visible()
    page.get_by_role("menuitem", name="快捷键").click()
    expect(page.get_by_role("dialog", name="快捷键")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="快捷键")).to_be_hidden()


def test_a_guard_sets_a_mode_for_a_time_and_sees_who_holds_the_door(site: Site, page: Page) -> None:
    row = door(page, "pool")
    row.get_by_role("button", name="设置泳池的模式").click()
    form = page.get_by_role("form", name="设置泳池的模式")
    expect(form.get_by_text("封闭", exact=True)).to_have_count(0)  # no way out without a reader is known
    form.get_by_text("常开", exact=True).click()
    form.get_by_text("1 小时", exact=True).click()
    expect(form.get_by_role("button", name="执行")).to_be_disabled()
    form.get_by_label("原因（必填）").fill("游泳比赛")
    form.get_by_role("button", name="执行").click()
    expect(form).to_contain_text("已发送，等待网关")
    site.tell("CommandOutcome", door="pool", command_id=last_command(site), reason="Done")
    expect(form).to_contain_text("已生效")
    site.report("pool", mode="LockedOpen", by="guard", until=time.time() + 3600)
    expect(row).to_contain_text("值班设定，至")
    form.get_by_role("button", name="关闭").click()
    site.report("pool", mode="Locked", by="rest", until=None)


def test_an_order_that_the_gateway_refuses_says_why(site: Site, page: Page) -> None:
    page.keyboard.press("1")
    page.keyboard.press("3")
    row = door(page, "main-gate")
    expect(row).to_contain_text("已发送")
    refused = {"reason": "Refused", "detail": {"detail": "the door is LockedDown", "why": "DoorBlocked"}}
    site.tell("CommandOutcome", door="main-gate", command_id=last_command(site), **refused)
    expect(row).to_contain_text("失败：此门已封锁。")


def test_lockdown_and_fire_stand_above_all_and_end_by_a_reason(site: Site, page: Page) -> None:
    site.report("pool", zones=["club"])
    page.get_by_role("button", name="封控", exact=True).click()
    form = page.get_by_role("form", name="封控")
    form.get_by_label("原因（必填）").fill("演练")
    form.get_by_role("button", name="开始封控").click()
    expect(form).to_contain_text("已发送，等待网关")
    site.tell("CommandOutcome", command_id=last_command(site), reason="Done")
    expect(form).to_contain_text("已生效")
    site.report("pool", mode="LockedDown", by="lockdown", locked_down_by=["site"])
    site.report("north-gate", mode="LockedOpen", by="fire", fire="Burning", fire_zone="north-fire")
    strip = page.get_by_role("alert", name="正在生效的消防释放和封控")
    expect(strip).to_contain_text("north-fire")
    expect(strip.get_by_role("button", name="复位")).to_be_disabled()
    site.report("north-gate", fire="Latched")
    strip.get_by_role("button", name="复位").click()
    strip.get_by_label("原因（必填）").fill("误报")
    strip.get_by_role("button", name="复位").click()
    expect(strip).to_contain_text("已发送，等待网关")
    site.report("north-gate", mode="Locked", by="rest", fire="Clear")
    site.report("pool", mode="Locked", by="rest", locked_down_by=[])
    expect(strip).to_have_count(0)

"""Orders from the console: none is carried out late, and no key reaches a door past a dialog or menu."""

from playwright.sync_api import BrowserContext, Locator, Page, expect

from .conftest import Site


def door(page: Page, name: str) -> Locator:
    return page.locator(f"[data-door={name}]")


def ordered(site: Site) -> int:
    with site.plane.database.read() as session:
        return int(session.connection().exec_driver_sql("select count(*) from command").scalar_one())


def test_an_order_given_while_the_network_is_away_fails_at_once_and_is_not_given_later(
    site: Site, context: BrowserContext, page: Page
) -> None:
    before = ordered(site)
    context.set_offline(True)
    door(page, "main-gate").get_by_role("button", name="开门").click()
    door(page, "main-gate").get_by_role("button", name="快递").click()
    expect(door(page, "main-gate")).to_contain_text("失败：服务器没有应答")
    context.set_offline(False)
    expect(page.get_by_text("连接正常")).to_be_visible()
    site.report("pool", open=True)
    expect(door(page, "pool")).to_contain_text("门开着")
    assert ordered(site) == before


def test_an_order_that_a_frozen_line_brings_late_is_told_to_be_over_and_dropped(site: Site, page: Page) -> None:
    before = ordered(site)
    page.get_by_role("button", name="封控", exact=True).click()
    form = page.get_by_role("form", name="封控")
    form.get_by_label("原因（必填）").fill("演练")
    page.wait_for_timeout(1500)  # an answer to a ping has told the time
    site.wire.freeze()
    try:
        form.get_by_role("button", name="开始封控").click()
        expect(form).to_contain_text("5 秒内没有回应")
    finally:
        site.wire.thaw()
    expect(page.get_by_text("连接正常")).to_be_visible()
    site.report("pool", open=True)
    expect(door(page, "pool")).to_contain_text("门开着")
    assert ordered(site) == before


def test_digits_reach_no_door_past_a_dialog_or_a_menu(site: Site, page: Page) -> None:
    asked = page.get_by_role("group", name="选择原因即开门")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="快捷键")
    expect(dialog).to_be_visible()
    page.keyboard.press("1")
    expect(asked).to_have_count(0)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="用户 admin").click()
    expect(page.get_by_role("menuitem", name="快捷键")).to_be_visible()
    page.keyboard.press("1")
    expect(asked).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("menuitem", name="快捷键")).to_be_hidden()
    page.keyboard.press("1")
    expect(asked).to_be_visible()
    page.get_by_role("button", name="用户 admin").click()
    expect(page.get_by_role("menuitem", name="快捷键")).to_be_visible()
    page.keyboard.press("2")
    expect(asked).to_be_visible()
    expect(door(page, "main-gate")).not_to_contain_text("已发送")


def test_escape_shuts_an_open_choice_before_the_form_around_it(site: Site, page: Page) -> None:
    site.report("pool", zones=["club"])
    site.office("zones/club", {"parent": None, "public": False, "name": {"zh": "会所", "en": "Club house"}})
    page.reload()
    page.get_by_role("button", name="封控", exact=True).click()
    form = page.get_by_role("form", name="封控")
    form.get_by_label("范围").click()
    expect(page.get_by_title("区域 会所")).to_be_visible()  # by its name
    page.keyboard.press("Escape")
    expect(page.get_by_title("区域 会所")).to_be_hidden()
    expect(form).to_be_visible()
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)


def test_the_focus_stays_where_it_was_after_an_unlock_by_keys(site: Site, page: Page) -> None:
    row = door(page, "north-gate")
    row.locator(".door-face").focus()
    page.keyboard.press("2")
    expect(row.get_by_role("group")).to_be_visible()
    page.keyboard.press("3")
    expect(row).to_contain_text("已发送")
    expect(row.locator(".door-face")).to_be_focused()


def test_a_lockdown_is_told_with_its_zone(site: Site, page: Page) -> None:
    site.report("pool", zones=["club"])
    site.office("zones/club", {"parent": None, "public": False, "name": {"zh": "会所", "en": "Club house"}})
    page.reload()
    told = {"operator": "admin", "reason": "演练"}
    site.tell("Ordered", detail={"action": "lockdown", "zone": "club"}, **told)
    expect(page.locator(".event", has_text="开始封控").first).to_contain_text("区域 会所")
    site.tell("Ordered", detail={"action": "lockdown_release"}, **told)
    expect(page.locator(".event", has_text="解除封控").first).to_contain_text("全部区域")
    site.report("pool", mode="LockedDown", by="lockdown", locked_down_by=["zone club"])
    expect(page.get_by_role("alert", name="正在生效的消防释放和封控")).to_contain_text("区域 会所")
    site.report("pool", mode="Locked", by="rest", locked_down_by=[])

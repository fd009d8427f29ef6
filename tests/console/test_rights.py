"""Why, and who: a guard asks an event why it was refused, and stops a lost card with a reason; in both languages."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import V1, Site

CENTRAL = {"Authorization": "Bearer central-token"}
GATEWAY = {"Authorization": "Bearer gateway-token"}
STEP = {"reason": "CredentialNotFound", "outcome": "passed", "facts": {"credential": "c-1"}, "zh": "凭证已登记。",
        "en": "The credential is registered."}  # fmt: skip
FACTS = {"valid_to": 1_790_000_000, "now": 1_800_000_000}
REFUSED = {"reason": "CredentialExpired", "outcome": "refused", "facts": FACTS, "zh": "此凭证已过期。",
           "en": "This credential has expired."}  # fmt: skip
ALSO = {"reason": "Unauthorized", "outcome": "also refuses", "facts": {"access_point": "pool-in", "policies": []},
        "zh": "此凭证无权通过此门。", "en": "This credential has no right to this door."}  # fmt: skip
SAID = {
    "at": "2026-11-26T02:00:00.000Z", "table_version": 41, "credential": "c-1", "resident": "r-1", "what_if": False,
    "answers": [{"door": "pool", "access_point": "pool-in", "decision": "Denied", "reason": "CredentialExpired",
                 "policy": "", "zh": REFUSED["zh"], "en": REFUSED["en"], "agrees": True,
                 "steps": [STEP, REFUSED, ALSO]}],
}  # fmt: skip


@contextmanager
def answering(site: Site, answer: dict[str, Any]) -> Iterator[None]:
    """The site's gateway answers every question so."""
    stop = threading.Event()
    url = f"http://127.0.0.1:{site.port}{V1}/gateways/gateway-1"

    def watch() -> None:
        with (
            httpx2.Client(headers=GATEWAY, timeout=30, trust_env=False) as client,
            client.stream("GET", f"{url}/watch") as response,
        ):
            kind = ""
            for line in response.iter_lines():
                word, _, data = line.partition(":")
                kind = data.strip() if word == "event" else kind
                if word == "data" and kind == "question":
                    client.post(f"{url}/answers/{json.loads(data)['id']}", json=answer)
                if stop.is_set():
                    return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield
    stop.set()


@pytest.fixture
def people(site: Site) -> Site:
    client = httpx2.Client(base_url=f"http://127.0.0.1:{site.port}{V1}", headers=CENTRAL, trust_env=False)
    card = {"resident": "r-1", "type": "card", "format": "H10301", "facility": 1, "card": 1337, "profiles": []}
    for path, body in {
        "residents/r-1": {
            "name": "王小明",
            "unit": "3-2-501",
            "phone": "13800001234",
            "id_number": "11010519491231002X",
        },
        "residents/r-2": {"name": "李雷", "unit": "3-2-502", "holder_class": "visitor"},
        "credentials/c-1": card | {"valid_to": "2030-01-01T00:00:00+08:00"},
        "credentials/c-2": card | {"resident": "r-2", "card": 77, "state": "disabled"},
    }.items():
        client.put(f"/{path}", json=body).raise_for_status()
    client.close()
    return site


def refusal(page: Page, site: Site) -> Locator:
    site.tell("Denied", door="pool", access_point="pool-in", credential="c-1", holder="r-1", reason="CredentialExpired",
              credential_type="card")  # fmt: skip
    return page.locator(".event", has_text="王小明").first


def test_a_guard_asks_an_event_why_it_was_refused(people: Site, page: Page) -> None:
    with answering(people, SAID):
        refusal(page, people).click()
        page.get_by_role("button", name="为什么？").click()
        why = page.get_by_role("dialog")
        expect(why).to_contain_text("此凭证已过期。")
        expect(why.locator(".why-step")).to_have_count(3)
        expect(why.locator(".why-refused")).to_contain_text("失效: 2026-09-21")
        expect(why).to_contain_text("权限表版本 41")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Switch to English").click()
        page.get_by_role("button", name="Why?").click()
        expect(why).to_contain_text("This credential has expired.")
        expect(why).to_contain_text("would refuse too")


def test_a_lost_card_is_stopped_with_a_reason_and_restored(people: Site, page: Page) -> None:
    page.goto(f"{people.url}/#/people")
    page.get_by_label("姓名、房号").fill("王小")
    resident = page.locator("[data-resident=r-1]")
    expect(resident).to_contain_text("138****1234")
    card = resident.locator("[data-credential=c-1]")
    expect(card).to_contain_text("正常")
    card.get_by_role("button", name="停用").click()
    card.get_by_text("挂失").click()
    expect(card.get_by_role("button", name="停用")).to_be_disabled()
    card.get_by_label("原因").fill("丢在地铁上")
    card.get_by_role("button", name="停用").click()
    expect(card).to_contain_text("挂失")
    expect(card).to_contain_text("丢在地铁上")
    page.get_by_role("button", name="Switch to English").click()
    page.get_by_label("Name, unit").fill("")
    expect(page.locator("[data-resident=r-2]")).to_contain_text("only the office restores it")
    card.get_by_role("button", name="Restore").click()
    card.get_by_label("Reason").fill("found")
    card.get_by_role("button", name="Restore").click()
    expect(card).to_contain_text("In order")


def test_whole_numbers_are_shown_for_a_reason(people: Site, page: Page) -> None:
    page.goto(f"{people.url}/#/people")
    resident = page.locator("[data-resident=r-1]")
    resident.get_by_role("button", name="显示完整号码").click()
    resident.get_by_label("原因").fill("快递联系")
    resident.get_by_role("button", name="显示完整号码").click()
    expect(resident).to_contain_text("13800001234")


def test_where_somebody_may_go_is_told_by_the_gateway(people: Site, page: Page) -> None:
    held = {"resident": "r-1", "class": "resident", "credential": "c-1", "type": "card", "valid_to": None}
    right = held | {"door": "pool", "access_point": "pool-in", "from": "out", "to": "pool", "policy": "@home:p/@always"}
    with answering(people, {"at": SAID["at"], "table_version": 41, "rights": [right]}):
        time.sleep(0.5)
        page.goto(f"{people.url}/#/people")
        resident = page.locator("[data-resident=r-1]")
        resident.get_by_role("button", name="可通行的门").click()
        expect(resident.locator(".where-doors")).to_contain_text("泳池")
        expect(resident.get_by_role("link", name="CSV")).to_be_visible()


def test_each_credential_of_a_resident_has_its_own_answer(people: Site, page: Page) -> None:
    card = {"resident": "r-1", "type": "card", "format": "H10301", "facility": 1, "card": 4711, "profiles": []}
    people.office("credentials/c-3", card)
    with answering(people, SAID):
        time.sleep(0.5)
        page.goto(f"{people.url}/#/people")
        resident = page.locator("[data-resident=r-1]")
        resident.get_by_label("为什么能或不能过这扇门？").click()
        page.get_by_title("泳池").click()
        why = page.get_by_role("dialog")
        for number in ("1337", "4711"):
            expect(why.get_by_role("region", name=f"卡片 ····{number}")).to_contain_text("此凭证已过期。")


def test_residents_past_the_first_fifty_are_a_press_away(people: Site, page: Page) -> None:
    for n in range(60):
        people.office(f"residents/many-{n}", {"name": f"赵{n}", "unit": f"9-{n:02}"})
    page.goto(f"{people.url}/#/people")
    page.get_by_label("姓名、房号").fill("赵")
    expect(page.locator(".resident")).to_have_count(50)
    page.get_by_role("button", name="已显示前 50 人").click()
    expect(page.locator(".resident")).to_have_count(60)
    expect(page.get_by_role("button", name="显示更多")).to_have_count(0)

import json
import threading
import time
from typing import Any
from uuid import uuid4

import httpx2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from mgmt_api import doors, events
from mgmt_api.office.reading import read_document
from mgmt_api.plane import Plane
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, V1, Served, event, ground, staff

URL = f"{V1}/gateways/gateway-1/events"


def send(client: TestClient, *sent: dict[str, Any], **extra: Any) -> Any:
    return client.post(URL, json={"events": list(sent), **extra}, headers=GATEWAY)


def feed(client: TestClient, after: int = 0, **extra: Any) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{V1}/events", params={"after": after, **extra}, headers=CENTRAL).json()
    return found


def test_events_are_taken_once_and_acknowledged_without_a_gap(client: TestClient) -> None:
    assert send(client).json() == {"acked": 0}
    assert send(client, event(1), event(2)).json() == {"acked": 2}
    assert send(client, event(4), event(5)).json() == {"acked": 2}
    assert send(client, event(2), event(3), event(4)).json() == {"acked": 5}
    assert send(client, event(1), event(2)).json() == {"acked": 5}
    assert sorted(each["seq"] for each in feed(client)["events"]) == [1, 2, 3, 4, 5]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(st.integers(1, 12), max_size=6), max_size=8))
def test_whatever_the_order_each_event_stands_once(bare: Plane, batches: list[list[int]]) -> None:
    gateway = uuid4().hex
    sent: set[int] = set()
    for seqs in batches:
        upload = read_document(json.dumps({"events": [event(seq) for seq in seqs]}).encode(), events.Upload)
        with bare.database.write() as session:
            doors.know(session, gateway)
            found = events.ingest(session, gateway, upload, events.read_heads(upload), 0.0)
        sent |= set(seqs)
        assert found.acked == next(n for n in range(14) if n + 1 not in sent)


def test_the_feed_keeps_the_gateways_record_and_adds_its_own(client: TestClient) -> None:
    ground(client)
    send(client, event(1, holder="r1", detail={"a": [1]}, table_version=9))
    [found] = feed(client)["events"]
    assert found == {
        "seq": 1,
        "kind": "Granted",
        "occurred_at": "2027-01-15T08:00:01.250Z",
        "recorded_at": "2027-01-15T08:00:01.500Z",
        "hash": f"{1:064x}",
        "door": "lobby-door",
        "holder": "r1",
        "detail": {"a": [1]},
        "table_version": 9,
        "cursor": 1,
        "gateway": "gateway-1",
    }


def test_the_console_sees_names_and_the_newest_first(admin: TestClient) -> None:
    ground(admin)
    send(admin, *[event(seq, "Denied" if seq % 2 else "Granted", holder="r1") for seq in range(1, 7)])
    page = admin.get(f"{V1}/events", params={"limit": 4}).json()
    assert [each["cursor"] for each in page["events"]] == [6, 5, 4, 3]
    assert {each["holder_name"] for each in page["events"]} == {"王小明"}
    rest = admin.get(f"{V1}/events", params={"before": page["next"], "kind": "Denied", "door": "lobby-door"}).json()
    assert [each["cursor"] for each in rest["events"]] == [1]
    assert admin.get(f"{V1}/events", params={"door": "x"}).json() == {"events": [], "next": None}


def test_a_card_s_bits_are_for_who_registers_cards(admin: TestClient) -> None:
    stranger, known = event(1, "Denied", raw="26:0ca0a73"), event(2, credential="c1", raw="26:1234567")
    send(admin, stranger, known)
    guard, others = staff(admin, "guard", "guard"), TestClient(admin.app)

    def seen(headers: dict[str, str], **after: int) -> dict[int, str | None]:
        found = others.get(f"{V1}/events", params=after, headers=headers).json()["events"]
        return {each["seq"]: each.get("raw") for each in found}

    for after in ({}, {"after": 0}):
        assert seen(guard, **after) == {1: None, 2: None}
    assert seen(CENTRAL) == {1: "26:0ca0a73", 2: None}, "a known card's number is nobody's business"
    assert {each["seq"]: each.get("raw") for each in admin.get(f"{V1}/events").json()["events"]} == {
        1: "26:0ca0a73",
        2: "26:1234567",
    }


def test_a_lost_journal_does_not_pass_for_the_old_one(client: TestClient) -> None:
    send(client, event(1), event(2))
    answer = send(client, event(1, hash="f" * 64), event(3))
    assert (answer.status_code, answer.json()["type"], answer.json()["seq"]) == (409, "journal-fork", 1)
    assert len(feed(client)["events"]) == 2


def test_a_gateway_that_forgot_its_oldest_events_says_so(client: TestClient) -> None:
    assert send(client, event(100)).json() == {"acked": 0}
    assert send(client, event(101), first_seq=100).json() == {"acked": 101}


def test_a_wrong_event_is_named_and_none_is_taken(client: TestClient) -> None:
    for wrong, pointer in (
        (event(0), "/events/1/seq"),
        (event(2, kind=""), "/events/1/kind"),
        (event(2, occurred_at=-1), "/events/1/occurred_at"),
        (event(2, occurred_at=1e15), "/events/1/occurred_at"),
        (event(2, door=7), "/events/1/door"),
        ({}, "/events/1/seq"),
        ([], "/events/1"),
    ):
        answer = client.post(URL, json={"events": [event(1), wrong]}, headers=GATEWAY)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert feed(client)["events"] == []


def test_central_waits_for_the_next_event(served: Served) -> None:
    def later() -> None:
        time.sleep(0.3)
        httpx2.post(
            f"{served.url}{URL}", json={"events": [event(1)]}, headers=GATEWAY, trust_env=False
        ).raise_for_status()

    threading.Thread(target=later).start()
    start = time.monotonic()
    answer = httpx2.get(f"{served.url}{V1}/events?after=0&wait=30", headers=CENTRAL, timeout=40, trust_env=False)
    assert [each["seq"] for each in answer.json()["events"]] == [1]
    assert time.monotonic() - start < 20


def test_footage_says_when_no_recorder_answers(admin: TestClient) -> None:
    send(admin, event(1))
    [clip] = admin.get(f"{V1}/events/1/footage").json()["clips"]
    assert (clip["camera"], clip["recorded"]) == ("lobby", False)
    assert clip["from"] == "2027-01-15T07:59:51.250Z"
    assert clip["to"] == "2027-01-15T08:00:21.250Z"
    assert clip["gaps"][0]["reason"] == "recorder-unreachable"
    assert admin.get(f"{V1}/events/2/footage").status_code == 404

"""Why, who and where by the API: asked of the gateway over its watch, answered by its own functions."""

import csv
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from mgmt_api.rights_csv import rights_csv
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, INVENTORY, V1, Served, event, ground

PLACE = {"door": "lobby-door", "access_point": "lobby-in", "from": "out", "to": "z1"}
HELD = {"resident": "r1", "class": "resident", "credential": "c1", "type": "card"}
RIGHT = {**HELD, **PLACE, "policy": "@home:z1/@always", "valid_to": None}
STOOD = {"at": "2027-01-15T08:00:00.000Z", "table_version": 7}


@contextmanager
def gateway(served: Served, answer: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """A gateway that answers every question so; what it was asked."""
    asked: list[dict[str, Any]] = []
    ready = threading.Event()

    def watch() -> None:
        with (
            httpx2.Client(base_url=served.url, headers=GATEWAY, timeout=20, trust_env=False) as client,
            client.stream("GET", f"{V1}/gateways/gateway-1/watch") as response,
        ):
            kind = ""
            for line in response.iter_lines():
                ready.set()
                word, _, data = line.partition(":")
                kind = data.strip() if word == "event" else kind
                if word == "data" and kind == "question":
                    body = json.loads(data)
                    asked.append(body["question"])
                    url = f"{V1}/gateways/gateway-1/answers/{body['id']}"
                    assert client.post(url, json=answer).status_code == 204
                    assert client.post(url, json=answer).status_code == 404, "an answer is taken once"
                    return

    thread = threading.Thread(target=watch)
    thread.start()
    ready.wait(10)
    yield asked
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def console(served: Served) -> Iterator[httpx2.Client]:
    with served.sign_in() as client:
        plain = httpx2.Client(base_url=served.url, trust_env=False)
        ground(plain)
        plain.put(f"{V1}/gateways/gateway-1/inventory", json=INVENTORY, headers=GATEWAY).raise_for_status()
        events = {"events": [event(1, "Denied", credential="c1", holder="r1", reason="Unauthorized")]}
        plain.post(f"{V1}/gateways/gateway-1/events", json=events, headers=GATEWAY).raise_for_status()
        yield client
        plain.close()


def test_an_event_is_explained_by_the_gateway_that_wrote_it(served: Served, console: httpx2.Client) -> None:
    said = {**STOOD, "answers": [{"decision": "Denied", "reason": "Unauthorized", "steps": []}]}
    cursor = console.get(f"{V1}/events").json()["events"][0]["cursor"]
    with gateway(served, said) as asked:
        answer = console.get(f"{V1}/events/{cursor}/explanation")
    assert (answer.status_code, answer.json()) == (200, {"gateway": "gateway-1", **said})
    assert asked == [{"ask": "explain", "event": 1}]


def test_a_plan_travels_with_the_question(served: Served, console: httpx2.Client) -> None:
    plan = {"credentials": {"c1": {"state": "lost"}, "c2": None}}
    with gateway(served, {**STOOD, "answers": []}) as asked:
        body = {"credential": "c1", "at": "2027-01-15T08:00:00Z", "what_if": plan}
        assert console.post(f"{V1}/doors/lobby-door/explain", json=body).status_code == 200
    [question] = asked
    assert (question["what_if"], question["at"], question["door"]) == (plan, 1800000000.0, "lobby-door")


def test_now_is_left_to_the_door_and_uses_elsewhere_travel_with_the_question(
    served: Served, console: httpx2.Client
) -> None:
    card = {"resident": "r1", "type": "card", "format": "H10301", "facility": 7, "card": 1, "profiles": ["p1"]}
    made = {"json": card | {"max_uses": 3}, "headers": CENTRAL, "trust_env": False}
    httpx2.put(f"{served.url}{V1}/credentials/c1", **made).raise_for_status()
    spent = {"events": [event(2, "Granted", credential="c1"), event(3, "Granted", credential="c1")]}
    url = f"{served.url}{V1}/gateways/gateway-1/events"
    httpx2.post(url, json=spent, headers=GATEWAY, trust_env=False).raise_for_status()
    with gateway(served, {**STOOD, "answers": []}) as asked:
        assert console.post(f"{V1}/doors/lobby-door/explain", json={"credential": "c1"}).status_code == 200
    assert [(each["at"], each["used"]) for each in asked] == [(None, 2)]


def test_rights_have_names_and_leave_as_csv_with_every_id_as_it_is(served: Served, console: httpx2.Client) -> None:
    with gateway(served, {**STOOD, "rights": [RIGHT]}):
        found = console.get(f"{V1}/doors/lobby-door/who-can").json()
    assert [(each["name"], each["unit"], each["policy"]) for each in found["rights"]] == [
        ("王小明", "3-2-501", "@home:z1/@always")
    ]
    with gateway(served, {**STOOD, "rights": [RIGHT]}):
        answer = console.get(f"{V1}/residents/r1/where-can?format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    [row] = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert (row["name"], row["policy"], row["valid_to"]) == ("王小明", "@home:z1/@always", "")
    actions = [each["action"] for each in console.get(f"{V1}/audit").json()["entries"]]
    assert actions[:2] == ["rights.where-can", "rights.who-can"]


@pytest.mark.parametrize("typed", ["=1+1", "+1", "-1-02", "@SUM(1)", "\t=1", "\r=1", "＝1+1", "＋1", "－1", "＠SUM(1)"])
def test_what_people_typed_is_no_formula_in_a_spreadsheet(typed: str) -> None:
    text = rights_csv([{**RIGHT, "name": typed, "unit": typed}])
    [row] = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    assert (row["name"], row["unit"]) == (f"'{typed}", f"'{typed}")


def test_what_the_gateway_cannot_answer_is_said(served: Served, console: httpx2.Client) -> None:
    with gateway(served, {"error": "there was no credential 'c9' at that time"}):
        answer = console.post(f"{V1}/doors/lobby-door/explain", json={"credential": "c9"})
    assert (answer.status_code, answer.json()["type"]) == (502, "no-answer")
    assert "c9" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("type_", "status", "zh"),
    [
        ("not-found", 404, "不存在"),
        ("no-history", 404, "没有该时刻的记录"),
        ("no-decision", 422, "该事件不是通行判定"),
        ("no-reader", 422, "此门的读卡器不能读取该凭证"),
        ("bad-plan", 422, "部分字段有误"),
        ("internal", 502, "网关无法回答"),
    ],
)
def test_what_is_wrong_with_a_question_is_the_asker_s_problem_in_his_language(
    served: Served, console: httpx2.Client, type_: str, status: int, zh: str
) -> None:
    with gateway(served, {"error": "credentials.c9: says why", "type": type_}):
        headers = {"Accept-Language": "zh-CN"}
        answer = console.post(f"{V1}/doors/lobby-door/explain", json={"credential": "c9"}, headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (status, zh)
    assert "credentials.c9: says why" in answer.text
    if type_ == "bad-plan":
        assert answer.json()["errors"][0]["pointer"] == "/what_if"


def test_a_moment_beyond_all_calendars_is_refused_by_its_place(console: httpx2.Client) -> None:
    at = "9999-12-31T23:59:59Z"
    said = console.post(f"{V1}/doors/lobby-door/explain", json={"credential": "c1", "at": at})
    assert (said.status_code, said.json()["errors"][0]["pointer"]) == (422, "/at")
    for path in ("doors/lobby-door/who-can", "residents/r1/where-can"):
        said = console.get(f"{V1}/{path}", params={"at": at})
        assert (said.status_code, said.json()["errors"][0]["pointer"]) == (422, "/query/at")


def test_a_gateway_that_is_away_is_not_waited_for(served: Served, console: httpx2.Client) -> None:
    served.plane.presence = type(served.plane.presence)()
    answer = console.post(f"{V1}/doors/lobby-door/explain", json={"credential": "c1"})
    assert answer.json()["type"] == "gateway-offline"
    assert console.get(f"{V1}/residents/nobody/where-can").status_code == 404
    assert console.get(f"{V1}/doors/none/who-can").status_code == 404
    central = httpx2.get(f"{served.url}{V1}/doors/lobby-door/who-can", headers=CENTRAL, trust_env=False)
    assert central.status_code == 403


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"\xff", b"[" * 100_000])
def test_an_answer_that_cannot_be_read_is_refused(served: Served, body: bytes) -> None:
    url = f"{served.url}{V1}/gateways/gateway-1/answers/{'0' * 32}"
    headers = GATEWAY | {"Content-Type": "application/json"}
    answer = httpx2.post(url, content=body, headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["type"]) == (400, "malformed")

import json
from typing import Any

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from mgmt_api.office import feed
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, V1, card, ground

HOSTILE = [
    b"",
    b"{",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"\xff\xfe",
    b'"\\ud800"',
    b"null",
    b"[]",
    b"1e999",
    b"NaN",
    b'{"name":"\\ud800"}',
    b'{"public":' + b"9" * 5000 + b"}",
    b'{"name":"a\\u0000b"}',
    json.dumps({"a" * 100_000: "b"}).encode(),
]
WRITES = [
    ("PUT", "/zones/z1", CENTRAL),
    ("PUT", "/schedules/z1", CENTRAL),
    ("PUT", "/profiles/z1", CENTRAL),
    ("PUT", "/residents/z1", CENTRAL),
    ("PUT", "/credentials/z1", CENTRAL),
    ("POST", "/sync/changes", CENTRAL),
    ("POST", "/sync/snapshots", CENTRAL),
    ("POST", "/passes", CENTRAL),
    ("POST", "/gateways/gateway-1/events", GATEWAY),
    ("PUT", "/gateways/gateway-1/inventory", GATEWAY),
    ("POST", "/session", {}),
    ("POST", "/users", {}),
    ("POST", "/doors/lobby-door/unlock", {}),
    ("POST", "/orders", {}),
]


def problem(answer: Any) -> dict[str, Any]:
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "instance"} <= body.keys()
    assert body["status"] == answer.status_code
    return body


def test_whatever_comes_as_a_body_gets_a_clean_answer(admin: TestClient) -> None:
    for method, path, headers in WRITES:
        for body in HOSTILE:
            if path.endswith("inventory") and body in (HOSTILE[11], HOSTILE[12], HOSTILE[13], HOSTILE[3]):
                continue  # members that it does not know are none of its business
            extra = {"Content-Type": "application/json", "Idempotency-Key": "k"}
            problem(admin.request(method, V1 + path, content=body, headers=headers | extra))
        for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            problem(admin.request(method, V1 + path, content=b"{}", headers=headers | {"Content-Type": media}))


@pytest.mark.parametrize(
    "id_",
    ["..%2f..%2fetc%2fpasswd", "..", "%2e%2e", "'%20OR%201=1--", "a;b", "%00", "a%0d%0ab", "é", "x" * 65, "-x", "%2f"],
)
def test_an_odd_id_names_nothing(admin: TestClient, id_: str) -> None:
    for kind in ("zones", "residents", "credentials"):
        problem(admin.put(f"{V1}/{kind}/{id_}", json={}, headers=CENTRAL))
        problem(admin.delete(f"{V1}/{kind}/{id_}", headers=CENTRAL))
    problem(admin.delete(f"{V1}/passes/{id_}"))
    problem(admin.delete(f"{V1}/users/{id_}"))
    problem(admin.get(f"{V1}/commands/{id_}"))
    problem(admin.get(f"{V1}/cameras/{id_}/media/{id_}"))
    problem(admin.get(f"{V1}/events/{id_}/footage"))
    problem(admin.get(f"{V1}/gateways/gateway-1%2f..%2fgateway-2/table", headers=GATEWAY))


def test_numbers_out_of_range_are_refused(admin: TestClient) -> None:
    for number in (-1, 1 << 63, 10**400, "1.5", "x"):
        for name in ("after", "before", "limit"):
            problem(admin.get(f"{V1}/events", params={name: number}))
        problem(admin.get(f"{V1}/audit", params={"before": number}))
        problem(admin.get(f"{V1}/events/{number}/footage"))
        problem(admin.get(f"{V1}/gateways/gateway-1/changes", params={"after": number}, headers=GATEWAY))
    for moment in ("x", "2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "1e300"):
        problem(admin.get(f"{V1}/cameras/lobby/timeline", params={"from": moment, "to": moment}))


def test_sql_in_a_query_finds_nothing_and_breaks_nothing(admin: TestClient) -> None:
    ground(admin)
    for query in ("' OR '1'='1", "'; DROP TABLE resident;--", "%", "_", "\\", "王' --"):
        assert admin.get(f"{V1}/residents", params={"query": query}).json() == []
        assert admin.get(f"{V1}/events", params={"door": query, "kind": query}).json()["events"] == []
    assert len(admin.get(f"{V1}/residents").json()) == 1
    for query in ("\x00", "a\nb"):
        problem(admin.get(f"{V1}/residents", params={"query": query}))
        problem(admin.get(f"{V1}/events", params={"door": query}))


def test_a_wrong_method_and_an_unknown_path_are_problems(admin: TestClient) -> None:
    assert problem(admin.post("/healthz"))["type"] == "method-not-allowed"
    assert problem(admin.get(f"{V1}/nothing"))["type"] == "not-found"
    assert problem(admin.patch(f"{V1}/doors"))["type"] == "method-not-allowed"
    assert problem(admin.post(f"{V1}/nothing"))["type"] == "not-found"


def test_a_body_has_a_limit(admin: TestClient) -> None:
    assert problem(admin.put(f"{V1}/zones/z1", content=b" " * (2 << 20), headers=CENTRAL))["type"] == "too-large"
    many = json.dumps({"epoch": 1, "base_seq": 0, "to_seq": 1, "ops": [], "pad": "x" * (9 << 20)})
    headers = CENTRAL | {"Content-Type": "application/json"}
    assert problem(admin.post(f"{V1}/sync/changes", content=many, headers=headers))["type"] == "too-large"


def test_titles_come_in_the_caller_s_language(client: TestClient) -> None:
    assert client.get(f"{V1}/doors", headers={"Accept-Language": "zh-CN,zh;q=0.9"}).json()["title"] == "请先登录"
    assert client.get(f"{V1}/doors", headers={"Accept-Language": "en"}).json()["title"] == "Sign in first"


def test_a_card_number_is_as_wide_as_the_widest_format(client: TestClient) -> None:
    ground(client)
    widest = card(number=(1 << 64) - 1, format="WG66", facility=0)
    assert client.put(f"{V1}/credentials/c1", json=widest, headers=CENTRAL).status_code == 201
    wider = card(number=1 << 64, format="WG66", facility=0)
    assert client.put(f"{V1}/credentials/c2", json=wider, headers=CENTRAL).status_code == 422


def test_a_failure_here_is_a_problem_without_its_inside(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr(feed, "page", broken)
    quiet = TestClient(client.app, raise_server_exceptions=False)
    with capture_logs() as logs:
        answer = quiet.get(f"{V1}/gateways/gateway-1/table", headers=GATEWAY)
    assert [each["event"] for each in logs] == ["request_broke"]
    assert (answer.status_code, answer.json()["type"]) == (500, "internal")
    assert "inside" not in answer.text

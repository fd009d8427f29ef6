"""Campaign 3a: malformed, huge and foreign bodies to each route of the management process, with and without a right."""

import json
from collections.abc import Iterator

import httpx2
import pytest

from mgmt_api.access import API
from tests.faults.bodies import FOREIGN, RIGHT, spoilt
from tests.faults.grounds import Grounds
from tests.faults.plane import Plane, address, reading, taking_bodies

KEY = {"Idempotency-Key": "k"}
MOST_BYTES = 350 << 20
OPEN = ("/", "/healthz", "/metrics", "/{path:path}")
STRANGERS: dict[str, dict[str, str]] = {
    "nobody": {},
    "a wrong token": {"Authorization": "Bearer wrong"},
    "no token": {"Authorization": "Bearer"},
    "no words": {"Authorization": ""},
    "a token in the clear": {"Authorization": "wrong"},
    "basic": {"Authorization": "Basic YWRtaW46YWRtaW4="},
    "a wrong cookie": {"Cookie": "menjin=AAAA; __Host-menjin=AAAA"},
    "a long token": {"Authorization": "Bearer " + "A" * 30_000},
    "a strange token": {"Authorization": "Bearer \u00ff\u00fe' OR 1=1 --"},
}
JUNK = (
    "-1", "1e99", "9" * 400, "' OR 1=1 --", "\x00", "\U0001f511", "..%2f", "NaN", "true", "", " ", "0x10",
    "2026-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
)  # fmt: skip


@pytest.fixture(scope="module")
def plane(ground: Grounds) -> Iterator[Plane]:
    made = Plane(ground)
    yield made
    made.close()


@pytest.mark.parametrize(("method", "route"), taking_bodies())
def test_foreign_bodies_are_refused_and_change_nothing(plane: Plane, method: str, route: str) -> None:
    before, headers = plane.kept(), plane.headers(method, route)
    if (method, route) == ("DELETE", f"{API}/session"):
        headers = {"Cookie": "menjin=other"}  # a right one would end our own session
    for name, body in FOREIGN.items():
        answer = plane.http.request(method, address(route), content=body.data, headers=headers | body.headers() | KEY)
        nothing_to_read = method == "DELETE" and answer.status_code < 300  # there was nothing to delete
        assert 400 <= answer.status_code < 500 or nothing_to_read, f"{name}: {answer.status_code} {answer.text[:300]}"
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", name
    assert plane.kept() == before
    plane.assert_serves()


@pytest.mark.parametrize("route", RIGHT)
def test_a_right_body_with_one_wrong_spot_is_refused_whole(plane: Plane, route: str) -> None:
    method, _, path = route.partition(" ")
    before, headers = plane.kept(), plane.headers(method, API + path)
    for body in spoilt(route):
        text = json.dumps(body)
        answer = plane.http.request(
            method, address(API + path), content=text, headers=headers | KEY | {"Content-Type": "application/json"}
        )
        assert 400 <= answer.status_code < 500, f"{answer.status_code} {answer.text[:300]} for {text[:500]}"
    assert plane.kept() == before
    plane.assert_serves()


@pytest.mark.parametrize(("method", "route"), [each for each in [*taking_bodies(), *reading()] if each[1] not in OPEN])
def test_strangers_get_nothing(plane: Plane, method: str, route: str) -> None:
    before = plane.kept()
    for name, headers in STRANGERS.items():
        raw = {key: value.encode("latin-1") for key, value in headers.items()}
        answer = plane.http.request(method, address(route), headers=raw, json={})
        wanted = (422, 429) if (method, route) == ("POST", f"{API}/session") else (401,)
        assert answer.status_code in wanted, f"{name}: {answer.status_code} {answer.text[:300]}"
    assert plane.kept() == before


@pytest.mark.parametrize(("method", "route"), [each for each in reading() if not each[1].endswith("/watch")])
def test_junk_in_a_query_is_refused_or_ignored(plane: Plane, method: str, route: str) -> None:
    before, headers = plane.kept(), plane.headers(method, route)
    for junk in JUNK:
        all_of_them = dict.fromkeys([*plane.parameters(method, route), "more"], junk)
        for params in (all_of_them, *({name: junk} for name in plane.parameters(method, route))):
            answer = plane.http.request(method, address(route), headers=headers, params=params)
            assert answer.status_code < 500 or _away(answer), f"{params}: {answer.status_code} {answer.text[:300]}"
    assert plane.kept() == before
    plane.assert_serves()


def _away(answer: httpx2.Response) -> bool:
    """No gateway is here, of which a good question could be asked."""
    return (answer.status_code, answer.json()["type"]) == (502, "gateway-offline")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_junk_in_a_path_is_refused(plane: Plane, method: str) -> None:
    before = plane.kept()
    routes = [route for verb, route in [*taking_bodies(), *reading()] if verb == method and "{" in route]
    for route in routes:
        for junk in (
            "%00",
            "%ff",
            "..",
            "..%2f..%2f",
            "%2e%2e",
            "a" * 3000,
            "-1",
            "9" * 60,
            "a;b",
            "%F0%9F%98%80",
            "'",
        ):
            place = route[route.index("{") : route.index("}") + 1]
            answer = plane.http.request(
                method, address(route.replace(place, junk)), headers=plane.headers(method, route) | KEY, json={"x": 1}
            )
            assert answer.status_code < 500, f"{route} {junk}: {answer.status_code} {answer.text[:300]}"
    assert plane.kept() == before
    plane.assert_serves()


def test_the_right_bodies_are_right(plane: Plane) -> None:
    """Else those with one wrong spot would be refused for something else. What they are about need not be there."""
    for route, body in RIGHT.items():
        method, _, path = route.partition(" ")
        headers = plane.headers(method, API + path) | {"Idempotency-Key": str(len(path))}
        place = address(API + path.replace("doors/{name}", "doors/nowhere"))  # no gateway is here to be asked
        answer = plane.http.request(method, place, json=body, headers=headers)
        assert answer.status_code < 500, f"{route}: {answer.text[:500]}"
        assert answer.status_code not in (400, 422), f"{route}: {answer.text[:500]}"
    plane.assert_serves()


def test_after_all_of_it_the_process_is_no_larger(plane: Plane) -> None:
    plane.assert_serves()
    assert plane.ground.rss_bytes("api") < MOST_BYTES

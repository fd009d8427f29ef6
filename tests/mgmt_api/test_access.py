from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from mgmt_api.access import OPEN, ROUTES
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, V1, staff

FILL = {
    "{gateway}": "gateway-1",
    "{id}": "abc",
    "{snapshot}": "0" * 32,
    "{part}": "0",
    "{kid}": "15",
    "{pass_id}": "0" * 16,
    "{cursor}": "1",
    "{name}": "nobody",
    "{segment}": "s1",
    "{path:path}": "favicon.ico",
}


def routes_of(app: Any) -> Iterator[tuple[str, str]]:
    """(method, path) of every route, however deep it was included."""
    for route in app.routes:
        if (inner := getattr(route, "original_router", None)) is not None:
            yield from routes_of(inner)
        elif (methods := getattr(route, "methods", None)) is not None:
            yield from ((method, route.path) for method in methods)
        else:
            yield "WS", route.path


def filled(path: str) -> str:
    for hole, value in FILL.items():
        path = path.replace(hole, value)
    return path


def ask(client: TestClient, method: str, path: str, headers: dict[str, str]) -> int:
    url = filled(path)
    if method != "WS":
        if path.endswith("/watch") and headers == GATEWAY:
            return 200  # a stream without end; test_watch reads it
        return client.request(method, url, headers=headers).status_code
    extra = {"connection": "Upgrade", "upgrade": "websocket"}
    try:
        with client.websocket_connect(url, headers=headers | extra):
            return 200
    except Exception as error:  # noqa: BLE001 - the refusal's class is private to the test client
        return int(getattr(error, "status_code", 200))


def test_the_table_names_every_route_and_no_other(client: TestClient) -> None:
    assert isinstance(client.app, FastAPI)
    assert set(routes_of(client.app)) == set(ROUTES)


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
def test_without_credentials_nothing_but_the_open_routes_answers(client: TestClient, method: str, path: str) -> None:
    status = ask(client, method, path, {})
    if ROUTES[method, path] == OPEN:
        assert status not in (401, 403)
    else:
        assert status == 401


def test_each_role_enters_its_own_routes_alone(admin: TestClient) -> None:
    guard = staff(admin, "guard", "guard")
    auditor = staff(admin, "auditor", "auditor")
    chief = {"Cookie": f"menjin={admin.cookies['menjin']}"}
    admin.cookies.clear()
    roles = {"gateway": GATEWAY, "central": CENTRAL, "guard": guard, "auditor": auditor, "admin": chief}
    order = sorted(ROUTES, key=lambda route: route == ("DELETE", f"{V1}/session"))  # it ends the session: last
    for method, path in order:
        for role, headers in roles.items():
            allowed = role in ROUTES[method, path] or ROUTES[method, path] == OPEN
            assert (ask(admin, method, path, headers) != 403) == allowed, (role, method, path)


def test_a_gateway_reads_no_other_gateways_commands(client: TestClient) -> None:
    assert client.get(f"{V1}/gateways/gateway-2/table", headers=GATEWAY).status_code == 403


def test_a_foreign_token_is_refused(client: TestClient) -> None:
    for token in ("", "x", "central-token ", "Bearer", "é"):
        headers = {b"Authorization": f"Bearer {token}x".encode()}
        assert client.get(f"{V1}/sync/state", headers=headers).status_code == 401


def test_a_page_of_another_site_can_neither_write_nor_listen(admin: TestClient) -> None:
    for headers in (
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        answer = admin.post(f"{V1}/users", json={}, headers=headers)
        assert answer.json()["type"] == "foreign-origin"
        assert ask(admin, "WS", f"{V1}/ws", headers) == 403
    assert admin.post(f"{V1}/users", json={}, headers={"Origin": "http://testserver"}).status_code == 422


def test_every_answer_tells_the_browser_to_keep_it_to_itself(client: TestClient) -> None:
    for path in ("/", "/healthz", f"{V1}/doors", "/nowhere.js"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_the_interface_document_is_for_admins_alone(admin: TestClient) -> None:
    assert admin.get(f"{V1}/openapi.json").json()["openapi"].startswith("3.1")
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert "swagger" not in admin.get(path).text

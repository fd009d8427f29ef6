"""The real management process as a campaign sees it: callers of each role, and all that it keeps."""

import secrets
import sqlite3
from contextlib import closing
from typing import Any

import httpx2

from mgmt_api.access import API, ROUTES
from tests.faults.grounds import Grounds

VOLATILE = {"login_session", "login_failure", "audit"}  # refusals may be noted
PLACES = {
    "{gateway}": "gateway-1",
    "answers/{id}": f"answers/{'0' * 32}",
    "camera-alarms/{id}": "camera-alarms/1",
    "{id}": "x-1",
    "{snapshot}": "0" * 32,
    "{part}": "0",
    "{kid}": "15",
    "{pass_id}": "0" * 16,
    "{name}": "main-gate",
    "{cursor}": "1",
    "{segment}": "a",
    "{path:path}": "x",
}


class Plane:
    """The process on a ground, with a machine's tokens and an administrator's session."""

    def __init__(self, ground: Grounds) -> None:
        self.ground = ground
        self._said = 0
        ground.wire(api=ground.site.settings.api.model_dump(mode="json") | {"recorders": []})
        ground.start_menjin("api")
        self.http = httpx2.Client(base_url=ground.site.api_url, timeout=30, trust_env=False)
        tokens = {role: ground.site.secret(f"{role}.token").read_text() for role in ("gateway", "central")}
        self.bearer = {role: {"Authorization": f"Bearer {token}"} for role, token in tokens.items()}
        self.cookie = self._sign_in()

    def close(self) -> None:
        self.http.close()

    def headers(self, method: str, route: str) -> dict[str, str]:
        """What a rightful caller of a route sends."""
        roles = ROUTES[method, route]
        machine = next((role for role in ("gateway", "central") if role in roles), "")
        return self.bearer[machine] if machine else self.cookie

    def kept(self) -> dict[str, Any]:
        """All rows of all tables, but who tried to sign in."""
        path = self.ground.site.directory / "data" / "api" / "api.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            kept = {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in names if name not in VOLATILE}  # noqa: S608 - the database's own names
            return kept | {"sync_state": db.execute("SELECT epoch, seq FROM sync_state").fetchall()}

    def parameters(self, method: str, route: str) -> list[str]:
        """The query parameters that a route says it takes."""
        document = self.http.get(f"{API}/openapi.json", headers=self.cookie).raise_for_status().json()
        operation = document["paths"].get(route, {}).get(method.lower(), {})
        return [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]

    def assert_serves(self) -> None:
        answer = self.http.get("/healthz")
        assert answer.status_code == 200
        assert self.ground.alive("api")
        said = self.ground.said("api", self._said)
        self._said += len(said.encode())
        assert "request_broke" not in said, said[-3000:]
        assert "Traceback" not in said, said[-3000:]

    def _sign_in(self) -> dict[str, str]:
        first, password = self.ground.first_password, secrets.token_urlsafe(16)
        for given in (first, password):
            answer = self.http.post(f"{API}/session", json={"username": "admin", "password": given}).raise_for_status()
            token = answer.cookies["menjin"]
            self.http.cookies.clear()
            headers = {"Cookie": f"menjin={token}"}
            if given == first:
                new = {"old": first, "new": password}
                self.http.post(f"{API}/session/password", json=new, headers=headers).raise_for_status()
        return headers


def address(route: str) -> str:
    """A route's path with something in each place."""
    for place, value in PLACES.items():
        route = route.replace(place, value)
    return route


def taking_bodies() -> list[tuple[str, str]]:
    """(method, route) of all routes that may change something."""
    return sorted(each for each in ROUTES if each[0] in ("POST", "PUT", "DELETE", "PATCH"))


def reading() -> list[tuple[str, str]]:
    """(method, route) of all routes that answer from what is kept."""
    return sorted(each for each in ROUTES if each[0] == "GET")

"""Who may do what: one table, route to roles. A route that is not in it is closed."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import Response

from mgmt_api import sessions
from mgmt_api.plane import Plane
from mgmt_api.problems import Problem

COOKIE, SECURE_COOKIE = "menjin", "__Host-menjin"
OPEN = frozenset({"open"})  # nobody is asked who they are
ADMIN = frozenset({"admin"})
GATEWAY = frozenset({"gateway"})
CENTRAL = frozenset({"central"})
CONSOLE = frozenset({"admin", "guard", "auditor"})
DESK = frozenset({"admin", "guard"})

API = "/api/v1"
PLAIN = r"^[^\x00-\x1f\x7f]*$"  # text without control characters
ROUTES: dict[tuple[str, str], frozenset[str]] = {
    ("GET", f"{API}/gateways/{{gateway}}/table"): GATEWAY,
    ("GET", f"{API}/gateways/{{gateway}}/changes"): GATEWAY,
    ("GET", f"{API}/gateways/{{gateway}}/watch"): GATEWAY,
    ("GET", f"{API}/gateways/{{gateway}}/whereabouts"): GATEWAY,
    ("GET", f"{API}/gateways/{{gateway}}/spent"): GATEWAY,
    ("POST", f"{API}/gateways/{{gateway}}/events"): GATEWAY,
    ("PUT", f"{API}/gateways/{{gateway}}/inventory"): GATEWAY,
    ("POST", f"{API}/gateways/{{gateway}}/card-numbers"): GATEWAY,
    ("POST", f"{API}/gateways/{{gateway}}/answers/{{id}}"): GATEWAY,
    **{
        (method, f"{API}/{kind}/{{id}}"): CENTRAL
        for method in ("PUT", "DELETE")
        for kind in ("zones", "units", "special_days", "schedules", "profiles", "residents", "credentials")
    },
    ("GET", f"{API}/sync/state"): CENTRAL | ADMIN,
    ("POST", f"{API}/sync/heartbeat"): CENTRAL,
    ("POST", f"{API}/sync/changes"): CENTRAL,
    ("POST", f"{API}/sync/snapshots"): CENTRAL,
    ("PUT", f"{API}/sync/snapshots/{{snapshot}}/parts/{{part}}"): CENTRAL,
    ("GET", f"{API}/sync/snapshots/{{snapshot}}/preview"): CENTRAL,
    ("POST", f"{API}/sync/snapshots/{{snapshot}}/commit"): CENTRAL,
    ("POST", f"{API}/passes"): CENTRAL | DESK,
    ("DELETE", f"{API}/passes/{{pass_id}}"): CENTRAL | DESK,
    ("GET", f"{API}/issuers"): CENTRAL | ADMIN,
    ("PUT", f"{API}/issuers/{{kid}}"): CENTRAL | ADMIN,
    ("DELETE", f"{API}/issuers/{{kid}}"): CENTRAL | ADMIN,
    ("GET", f"{API}/events"): CENTRAL | CONSOLE,
    ("GET", f"{API}/events/{{cursor}}/footage"): CONSOLE,
    ("GET", f"{API}/events/{{cursor}}/still.jpg"): CONSOLE,
    ("POST", f"{API}/session"): OPEN,
    ("GET", f"{API}/session"): CONSOLE,
    ("DELETE", f"{API}/session"): CONSOLE,
    ("POST", f"{API}/session/password"): CONSOLE,
    ("GET", f"{API}/users"): ADMIN,
    ("POST", f"{API}/users"): ADMIN,
    ("DELETE", f"{API}/users/{{name}}"): ADMIN,
    ("GET", f"{API}/doors"): CONSOLE,
    ("POST", f"{API}/doors/{{name}}/unlock"): DESK,
    ("POST", f"{API}/orders"): DESK,  # the table of actions in orders.py says more
    ("GET", f"{API}/commands/{{id}}"): CONSOLE,
    ("GET", f"{API}/residents"): CONSOLE,
    ("GET", f"{API}/residents/{{id}}"): CONSOLE,
    ("POST", f"{API}/residents/{{id}}/reveal"): DESK,
    ("GET", f"{API}/residents/{{id}}/where-can"): CONSOLE,
    ("POST", f"{API}/credentials/{{id}}/stop"): DESK,
    ("POST", f"{API}/credentials/{{id}}/restore"): DESK,
    ("POST", f"{API}/doors/{{name}}/explain"): CONSOLE,
    ("GET", f"{API}/doors/{{name}}/who-can"): CONSOLE,
    ("GET", f"{API}/events/{{cursor}}/explanation"): CONSOLE,
    ("GET", f"{API}/audit"): frozenset({"admin", "auditor"}),
    ("GET", f"{API}/audit/proof"): frozenset({"admin", "auditor"}),
    ("GET", f"{API}/cameras"): CONSOLE,
    ("GET", f"{API}/cameras/{{name}}/timeline"): CONSOLE,
    ("GET", f"{API}/cameras/{{name}}/playlist.m3u8"): CONSOLE,
    ("GET", f"{API}/cameras/{{name}}/media/{{segment}}"): CONSOLE,
    ("GET", f"{API}/cameras/{{name}}/still.jpg"): CONSOLE,
    ("GET", f"{API}/cameras/{{name}}/clip"): CONSOLE,
    ("GET", f"{API}/cameras/{{name}}/strip"): CONSOLE,
    ("GET", f"{API}/timeline"): CONSOLE,
    ("POST", f"{API}/clips"): DESK,
    ("GET", f"{API}/clips/{{id}}"): DESK,
    ("GET", f"{API}/clips/{{id}}/file"): DESK,
    ("GET", f"{API}/holds"): CONSOLE,
    ("POST", f"{API}/holds"): DESK,
    ("DELETE", f"{API}/holds/{{id}}"): ADMIN,
    ("GET", f"{API}/register"): frozenset({"admin", "auditor"}),
    ("WS", f"{API}/cameras/{{name}}/live"): CONSOLE,
    ("GET", f"{API}/cameras/{{name}}/drawing"): CONSOLE,
    ("PUT", f"{API}/cameras/{{name}}/drawing"): ADMIN,
    ("DELETE", f"{API}/cameras/{{name}}/reference"): ADMIN,
    ("GET", f"{API}/camera-alarms"): CONSOLE,
    ("GET", f"{API}/camera-alarms/{{id}}/still.jpg"): CONSOLE,
    ("POST", f"{API}/camera-alarms/{{id}}/ack"): DESK,
    ("WS", f"{API}/ws"): CONSOLE,
    ("GET", f"{API}/site"): CONSOLE,
    ("GET", f"{API}/openapi.json"): ADMIN,
    ("GET", "/healthz"): OPEN,
    ("GET", "/metrics"): OPEN,  # itself asks for loopback or a machine's token
    ("GET", "/"): OPEN,  # the console's files hold no data
    ("GET", "/{path:path}"): OPEN,
}
_WITH_OLD_PASSWORD = {  # what may be done before the first password is changed
    ("GET", f"{API}/site"),
    ("GET", f"{API}/session"),
    ("DELETE", f"{API}/session"),
    ("POST", f"{API}/session/password"),
}
_SAFE = {"GET", "HEAD", "OPTIONS", "WS"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a machine by its token, a person by a session."""

    name: str
    role: str
    must_change: bool = False
    session: bytes = b""  # hashed token; empty for machines

    @property
    def who(self) -> tuple[str, str]:
        """(name, role), as the audit wants it."""
        return self.name, self.role


class GuardedRoute(APIRoute):
    """Asks who comes before anything of the request is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind the door check."""
        handler = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            request.state.caller = await admit(request, request.method, self.path)
            return await handler(request)

        return guarded


async def admit(connection: HTTPConnection, method: str, path: str) -> Caller:
    """The caller, if the table lets him in. Raises `Problem`."""
    roles = ROUTES.get((method, path), frozenset())
    if method not in _SAFE or method == "WS":
        require_own_origin(connection)
    if roles == OPEN:
        return Caller("", "open")
    caller = await _identify(connection)
    if caller.role not in roles:
        raise Problem("forbidden")
    if caller.role == "gateway" and connection.path_params.get("gateway") != caller.name:
        raise Problem("forbidden", "This token belongs to another gateway.")
    if caller.must_change and (method, path) not in _WITH_OLD_PASSWORD:
        raise Problem("password-change-required")
    return caller


def require_own_origin(connection: HTTPConnection) -> None:
    """A page of another site must not use this browser's session. Raises `Problem` foreign-origin.

    Browsers tell by Sec-Fetch-Site, older ones by Origin; programs send neither and hold no foreign cookies.
    """
    site = connection.headers.get("sec-fetch-site")
    origin = connection.headers.get("origin")
    same_host = origin is None or urlsplit(origin).netloc == connection.headers.get("host")
    if site not in (None, "same-origin", "none") or not same_host:
        raise Problem("foreign-origin")


def cookie_name(connection: HTTPConnection) -> str:
    """`__Host-` needs TLS; on plain HTTP the cookie goes without."""
    return SECURE_COOKIE if connection.url.scheme in ("https", "wss") else COOKIE


async def _identify(connection: HTTPConnection) -> Caller:
    plane: Plane = connection.app.state.plane
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        if (machine := plane.tokens.find(token.strip())) is None:
            raise Problem("unauthenticated", "Unknown token.", headers={"WWW-Authenticate": "Bearer"})
        return Caller(*machine)
    if cookie := connection.cookies.get(cookie_name(connection)):
        found = await run_in_threadpool(sessions.find, plane.database, sessions.hashed(cookie), plane.now())
        if found is not None:
            return Caller(found.name, found.role, found.must_change, found.token)
    raise Problem("unauthenticated", headers={"WWW-Authenticate": "Bearer"})


def _plane(connection: HTTPConnection) -> Plane:
    plane: Plane = connection.app.state.plane
    return plane


def _caller(connection: HTTPConnection) -> Caller:
    caller: Caller = connection.state.caller
    return caller


PlaneOf = Annotated[Plane, Depends(_plane)]
CallerOf = Annotated[Caller, Depends(_caller)]

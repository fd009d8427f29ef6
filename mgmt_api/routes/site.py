"""Health, metrics, the document of this interface, and the console's files."""

import re
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.routing import Match
from starlette.types import Scope

from mgmt_api import doors
from mgmt_api.access import API, GuardedRoute, PlaneOf
from mgmt_api.calendars.ending import ending
from mgmt_api.metrics import collect
from mgmt_api.office.store import table_version
from mgmt_api.plane import Plane
from mgmt_api.problems import Problem

NO_STORE = {"Cache-Control": "no-store"}
IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}
_HASHED = re.compile(r"[.-][A-Za-z0-9_-]{8,}\.[a-z0-9]+$")  # names that a build gives: index-BxY3k9Qa.js
_LOOPBACK = ("127.0.0.1", "::1")
_NOT_BUILT = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>Menjin 门禁</title>
<h1>Menjin 门禁</h1>
<p>管理接口运行正常，但网页控制台尚未构建。请在源码目录运行 <code>make console</code>，然后刷新本页。</p>
<p>The management plane is running, but its console has not been built.
Run <code>make console</code> in the source tree, then reload.</p></html>"""


class ConsoleRoute(GuardedRoute):
    """A route of the console's files, which never stands in for a missing route of the interface."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As the path says, unless it lies in the interface."""
        return (Match.NONE, {}) if scope["path"].startswith("/api/") else super().matches(scope)


router = APIRouter(route_class=GuardedRoute, tags=["site"])
console = APIRouter(route_class=ConsoleRoute)


@router.get("/healthz")
def health(plane: PlaneOf) -> dict[str, Any]:
    """Whether the plane serves and its database answers."""
    with plane.database.read() as session:
        return {"status": "ok", "table_version": table_version(session)}


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request, plane: PlaneOf) -> Response:
    """Figures for Prometheus: on this machine, or with a machine's token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    here = request.client is not None and request.client.host in _LOOPBACK and "x-forwarded-for" not in request.headers
    if not here and not (scheme.lower() == "bearer" and plane.tokens.find(token)):
        raise Problem("unauthenticated", headers={"WWW-Authenticate": "Bearer"})
    return Response(generate_latest(collect(plane)), media_type=CONTENT_TYPE_LATEST)


@router.get(f"{API}/site")
def site(plane: PlaneOf) -> dict[str, Any]:
    """The estate's name, the time zone of its schedules, its zones' names, and special days that nobody wrote yet."""
    with plane.database.read() as session:
        missing = [each._asdict() for each in ending(session, plane.today())]
        zones = doors.zone_names(session)
    known = {"name": dict(plane.estate.name), "timezone": plane.estate.timezone, "zones": zones}
    return known | {"missing_special_days": missing}


@router.get(f"{API}/openapi.json", include_in_schema=False)
def document(request: Request) -> dict[str, Any]:
    """This interface in OpenAPI 3.1."""
    schema: dict[str, Any] = request.app.openapi()
    return schema


@console.get("/", include_in_schema=False)
def index(plane: PlaneOf) -> Response:
    """The console."""
    page = plane.estate.console_dir / "index.html"
    return FileResponse(page, headers=NO_STORE) if page.is_file() else HTMLResponse(_NOT_BUILT, headers=NO_STORE)


@console.get("/{path:path}", include_in_schema=False)
def asset(path: str, plane: PlaneOf) -> Response:
    """A file of the console; a path without a file is one of the console's own pages."""
    file = _file(plane, path)
    if file is not None:
        return FileResponse(file, headers=IMMUTABLE if _HASHED.search(file.name) else NO_STORE)
    if "." in path.rpartition("/")[2] or ".." in path or "\\" in path:
        raise Problem("not-found")
    return index(plane)


def _file(plane: Plane, path: str) -> Path | None:
    root = plane.estate.console_dir.resolve()
    try:
        file = (root / path).resolve()
        return file if file.is_relative_to(root) and file.is_file() else None
    except (OSError, ValueError):
        return None

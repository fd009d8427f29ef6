"""The feed of events: forward for central, backward for the console, with the footage around one."""

import math
import time
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import AwareDatetime
from starlette.concurrency import run_in_threadpool

from mgmt_api import events
from mgmt_api.access import API, PLAIN, CallerOf, GuardedRoute, PlaneOf
from mgmt_api.plane import Plane
from mgmt_api.problems import Problem
from mgmt_api.routes.cameras import Width, clips_around, event_still, seeing
from mgmt_api.tables.doors import Event

router = APIRouter(prefix=API, route_class=GuardedRoute, tags=["events"])
Cursor = Annotated[int, Query(ge=0, lt=1 << 53)]
Word = Annotated[str, Query(max_length=64, pattern=PLAIN)]


@router.get("/events")
async def list_events(
    plane: PlaneOf,
    caller: CallerOf,
    after: Cursor | None = None,
    before: Cursor | None = None,
    limit: Annotated[int | None, Query(ge=1, le=1000)] = None,
    wait: Annotated[float, Query(ge=0, le=60)] = 0,
    door: Word | None = None,
    kind: Word | None = None,
    from_: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    to: AwareDatetime | None = None,
) -> dict[str, Any]:
    """After a cursor, oldest first (`wait`: seconds to wait for the first); else newest first, before a cursor.

    `door`, `kind`, `from` and `to` choose among the latter.
    """
    if after is None and caller.role != "central":
        span = (from_.timestamp() if from_ else 0, to.timestamp() if to else math.inf) if from_ or to else None
        found = await run_in_threadpool(_before, plane, before, limit or 50, caller.role, door, kind, span)
        return {"events": found, "next": found[-1]["cursor"] if found else None}
    found = await _after(plane, after or 0, limit or 1000, wait, caller.role)
    return {"events": found, "next": found[-1]["cursor"] if found else after or 0}


@router.get("/events/{cursor}/footage")
async def footage(cursor: Annotated[int, Path(ge=1, lt=1 << 53)], plane: PlaneOf) -> dict[str, Any]:
    """What the door's cameras recorded around an event."""
    event = await run_in_threadpool(_one, plane, cursor)
    return {"clips": await clips_around(plane, event.door, event.occurred_at, f"event {cursor}")}


@router.get("/events/{cursor}/still.jpg")
async def still(
    cursor: Annotated[int, Path(ge=1, lt=1 << 53)], plane: PlaneOf, width: Width = None, camera: Word | None = None
) -> Response:
    """What a door's camera saw at the time of an event: the one that is named, or the first that has a picture."""
    event = await run_in_threadpool(_one, plane, cursor)
    refusal = Problem("not-found", "No camera sees this door.")
    names = [each["name"] for each in await seeing(plane, event.door)]
    for name in (each for each in names if camera in (None, each)):
        try:
            return await event_still(plane, name, event.occurred_at, width)
        except Problem as problem:
            refusal = problem
    raise refusal


async def _after(plane: Plane, after: int, limit: int, wait_s: float, role: str) -> list[dict[str, Any]]:
    until = time.monotonic() + wait_s
    with plane.hub.listen("events") as listener:
        while True:
            found = await run_in_threadpool(_read_after, plane, after, limit, role)
            left_s = until - time.monotonic()
            if found or left_s <= 0 or plane.hub.closing:
                return found
            await listener.wait(left_s)


def _read_after(plane: Plane, after: int, limit: int, role: str) -> list[dict[str, Any]]:
    with plane.database.read() as session:
        return events.after(session, after, limit, role)


def _before(
    plane: Plane,
    before: int | None,
    limit: int,
    role: str,
    door: str | None,
    kind: str | None,
    span: tuple[float, float] | None,
) -> list[dict[str, Any]]:
    with plane.database.read() as session:
        return events.before(session, before, limit, role, door, kind, span)


def _one(plane: Plane, cursor: int) -> Event:
    with plane.database.read() as session:
        return events.one(session, cursor)

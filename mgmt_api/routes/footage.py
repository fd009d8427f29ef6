"""Footage that is taken or kept: exports, holds, and the register of who saw and took what, and why."""

import secrets
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from starlette.concurrency import run_in_threadpool

from mgmt_api import audit, events
from mgmt_api.access import API, PLAIN, Caller, CallerOf, GuardedRoute, PlaneOf
from mgmt_api.event_words import words
from mgmt_api.exports import Part, asked, joined, parts_of, zipped
from mgmt_api.looks import Deed
from mgmt_api.moments import iso
from mgmt_api.plane import Plane
from mgmt_api.problems import Problem
from mgmt_api.routes.cameras import Reason, cameras, passed_on, span_of, wanted_range

router = APIRouter(prefix=API, route_class=GuardedRoute, tags=["footage"])
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]
Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=PLAIN)]
ExportId = Annotated[str, Path(pattern=r"^[0-9]{1,3}-[0-9a-f]{16}(_[0-9]{1,3}-[0-9a-f]{16}){0,15}$")]
HoldId = Annotated[str, Path(pattern=r"^[0-9]{1,3}-[0-9]{1,15}$")]
MOST_EVENTS = 10_000
# What of an event goes out with a clip: who, where, when and why; no credential.
_TOLD = ("cursor", "occurred_at", "kind", "door", "access_point", "reason", "holder_name", "operator")


class NewExport(BaseModel):
    """POST /clips: cameras, of several recorders too, [from, to), and why the footage leaves the house."""

    model_config = ConfigDict(extra="forbid")
    cameras: Annotated[list[Name], Field(min_length=1, max_length=16)]
    from_: Annotated[AwareDatetime, Field(alias="from")]
    to: AwareDatetime
    reason: Why
    events: bool = True  # the access events of the cameras' doors go with it
    watermark: bool = False  # who takes it and when, burnt into each picture


class NewHold(BaseModel):
    """POST /holds: footage that retention must not take; until a moment, or until it is lifted."""

    model_config = ConfigDict(extra="forbid")
    cameras: Annotated[list[Name], Field(min_length=1, max_length=16)]
    from_: Annotated[AwareDatetime, Field(alias="from")]
    to: AwareDatetime
    reason: Why
    until: AwareDatetime | None = None


@router.post("/clips", status_code=202)
async def export(body: NewExport, plane: PlaneOf, caller: CallerOf) -> dict[str, Any]:
    """Begin an export: a zip of clips, access events, a viewer and a signed manifest. It goes into the register."""
    span = span_of(body.from_, body.to)
    places: dict[int, list[str]] = {}
    for name in body.cameras:
        places.setdefault(await plane.recorders.number_of(name), []).append(name)
    await _require_footage(plane, body.cameras, span)
    whole = {"id": secrets.token_hex(16), "cameras": body.cameras} if len(places) > 1 else None
    wanted = {
        **span,
        "by": caller.name,
        "reason": body.reason,
        "watermark": f"{caller.name}  {span['from'][:16]}Z  {iso(plane.clock())[:19]}Z" if body.watermark else "",
        "whole": whole,
    }
    told, count = [], 0
    for number, names in places.items():
        found = await _events(plane, names, (body.from_, body.to)) if body.events else []
        address, count = plane.recorders.numbered(number), count + len(found)
        part = wanted | {"cameras": names, "events": found}
        told.append(await plane.recorders.ask_json(address, "POST", "clips", body=part))
    made = joined([Part(number, each["id"]) for number, each in zip(places, told, strict=True)], told)
    detail = {
        **span,
        "reason": body.reason,
        "cameras": body.cameras,
        "export": made["id"],
        "events": count,
        "manifest": made["manifest"],
    }
    await run_in_threadpool(_write, plane, caller, Deed.EXPORT, ", ".join(body.cameras), detail)
    return _linked(made)


@router.get("/clips/{id}")
async def exported(id: ExportId, plane: PlaneOf) -> dict[str, Any]:
    """How far an export is."""
    parts = parts_of(id)
    return _linked(joined(parts, await asked(plane.recorders, parts)))


@router.get("/clips/{id}/file")
async def file(id: ExportId, request: Request, plane: PlaneOf, caller: CallerOf) -> Response:
    """The zip; of several recorders, a zip of zips. Each fetching goes into the register with the manifests' hash."""
    parts = parts_of(id)
    if len(parts) > 1:
        made = joined(parts, await asked(plane.recorders, parts))
        if made["stage"] != "ready":
            raise Problem("not-ready", "The export is not ready.")
        await run_in_threadpool(_fetched, plane, caller, id, made["manifest"])
        headers = {"Content-Disposition": f'attachment; filename="{made["name"]}"'}
        return StreamingResponse(zipped(plane.recorders, parts), 200, headers, "application/zip")
    address = plane.recorders.numbered(parts[0].recorder)
    path = f"clips/{parts[0].id}/file"
    answer = await plane.recorders.stream(address, path, params={}, headers=wanted_range(request))
    if answer.status_code == 200:
        await run_in_threadpool(_fetched, plane, caller, id, answer.headers.get("x-manifest-sha256", ""))
    return passed_on(answer)


@router.get("/holds")
async def holds(plane: PlaneOf) -> list[dict[str, Any]]:
    """Footage that retention may not take, of all recorders."""
    found = await plane.recorders.ask_all("holds")
    return [{**hold, "id": f"{number}-{hold['id']}"} for number, listed in found for hold in listed]


@router.post("/holds", status_code=201)
async def add_hold(body: NewHold, plane: PlaneOf, caller: CallerOf) -> list[dict[str, Any]]:
    """Keep footage of some cameras: a hold each."""
    until = {"until": body.until.isoformat()} if body.until else {}
    hold = {**span_of(body.from_, body.to), "reason": body.reason, "by": caller.name, **until}
    places = [(name, await plane.recorders.number_of(name)) for name in body.cameras]
    if body.to.timestamp() <= plane.clock():  # what is still to come may be kept before it is there
        await _require_footage(plane, body.cameras, span_of(body.from_, body.to))
    made = []
    for name, number in places:
        one = await plane.recorders.ask_json(
            plane.recorders.numbered(number), "POST", "holds", body={**hold, "camera": name}
        )
        made.append({**one, "id": f"{number}-{one['id']}"})
        detail = {**hold, "hold": made[-1]["id"]}
        await run_in_threadpool(_write, plane, caller, Deed.HOLD, name, detail)
    return made


@router.delete("/holds/{id}", status_code=204)
async def lift_hold(id: HoldId, plane: PlaneOf, caller: CallerOf, reason: Reason) -> None:
    """Lift a hold; from now on retention may take the footage."""
    number, _, hold = id.partition("-")
    address = plane.recorders.numbered(int(number))
    listed = await plane.recorders.ask_json(address, "GET", "holds")
    known = next((each for each in listed if each["id"] == int(hold)), None)
    if known is None:
        raise Problem("not-found", f"There is no hold {id}.")
    await plane.recorders.ask_json(address, "DELETE", f"holds/{hold}")
    detail = {"hold": id, "from": known["from"], "to": known["to"], "reason": reason, "held_for": known["reason"]}
    await run_in_threadpool(_write, plane, caller, Deed.LIFT, known["camera"], detail)


@router.get("/register")
def register(
    plane: PlaneOf,
    before: Annotated[int | None, Query(ge=1, lt=1 << 53)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Who saw, took or kept which footage, when and why; newest first."""
    with plane.database.read() as session:
        rows = audit.page(session, before, limit, tuple(Deed))
    entries = [{**row, "at": iso(row["at"])} for row in rows]
    return {"entries": entries, "next": entries[-1]["id"] if len(entries) == limit else None}


async def _require_footage(plane: Plane, names: list[str], span: dict[str, str]) -> None:
    """Something of it was recorded by one of the cameras. Raises `Problem` no-footage."""
    for name in names:
        address, path = await plane.recorders.of(name), f"cameras/{name}/timeline"
        told = await plane.recorders.ask_json(address, "GET", path, params=span | {"files": "false"})
        if told.get("recorded"):
            return
    raise Problem("no-footage")


async def _events(plane: Plane, names: list[str], span: tuple[datetime, datetime]) -> list[dict[str, Any]]:
    known = {camera["name"]: camera for camera in await cameras(plane)}
    doors = sorted({door for name in names if name in known for door in known[name]["doors"]})
    return await run_in_threadpool(_events_of, plane, doors, span)


def _events_of(plane: Plane, doors: list[str], span: tuple[datetime, datetime]) -> list[dict[str, Any]]:
    with plane.database.read() as session:
        found = events.within(session, doors, (span[0].timestamp(), span[1].timestamp()), MOST_EVENTS)
    return [
        {key: event[key] for key in _TOLD if event.get(key)} | words(event["kind"], event.get("reason", ""))
        for event in found
    ]


def _linked(made: dict[str, Any]) -> dict[str, Any]:
    return made | {"file": f"{API}/clips/{made['id']}/file" if made["stage"] == "ready" else None}


def _fetched(plane: Plane, caller: Caller, export_id: str, manifest: str) -> None:
    _write(plane, caller, Deed.FETCH, export_id, {"export": export_id, "manifest": manifest})


def _write(plane: Plane, caller: Caller, deed: Deed, target: str, detail: dict[str, Any]) -> None:
    with plane.database.write() as session:
        audit.append(session, plane.keys, plane.clock(), caller.who, deed, target, **detail)

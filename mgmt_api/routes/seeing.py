"""What cameras see: zones and masks drawn on their pictures, and their alarms."""

from typing import Annotated, Any

import httpx2
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from starlette.concurrency import run_in_threadpool

from config.drawing import Drawing
from mgmt_api import audit, camera_alarms, drawings
from mgmt_api.access import API, PLAIN, Caller, CallerOf, GuardedRoute, PlaneOf
from mgmt_api.plane import Plane
from mgmt_api.problems import Fault, Problem
from mgmt_api.routes.cameras import CameraName, cameras

router = APIRouter(prefix=API, route_class=GuardedRoute, tags=["cameras"])
AlarmId = Annotated[int, Path(ge=1, lt=1 << 53)]


class Acknowledgement(BaseModel):
    """What a person says on taking note."""

    model_config = ConfigDict(extra="forbid")
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=PLAIN)] = ""


@router.get("/cameras/{name}/drawing")
async def read_drawing(name: CameraName, plane: PlaneOf) -> dict[str, Any]:
    """What is drawn on a camera's picture; `held`: its recorder's revision, null when it is away."""
    held = await _held(plane, name)
    drawing = await _known(plane, name)
    return {"drawing": drawing.model_dump(mode="json"), "held": held.get("revision"), "watched": held.get("watched")}


@router.put("/cameras/{name}/drawing")
async def write_drawing(name: CameraName, body: Drawing, plane: PlaneOf, caller: CallerOf) -> dict[str, Any]:
    """Draw zones and masks; `revision` is the one that this was made from."""
    await _require_doors(plane, name, body)
    known = await _known(plane, name)
    fresh = await run_in_threadpool(_draw, plane, caller, name, known, body)
    plane.hub.publish("drawings")
    return fresh.model_dump(mode="json")


@router.delete("/cameras/{name}/reference", status_code=204)
async def relearn(name: CameraName, plane: PlaneOf, caller: CallerOf) -> None:
    """The camera was turned on purpose: what it sees now is what it was put up for."""
    await plane.recorders.ask(await plane.recorders.of(name), "DELETE", f"cameras/{name}/reference")
    await run_in_threadpool(_note, plane, caller, "camera.relearn", name)


@router.get("/camera-alarms")
def list_alarms(
    plane: PlaneOf,
    before: Annotated[int | None, Query(ge=1, lt=1 << 53)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    camera: Annotated[str | None, Query(max_length=64, pattern=PLAIN)] = None,
    passage: Annotated[str | None, Query(max_length=16, pattern=PLAIN)] = None,
) -> dict[str, Any]:
    """Alarms of cameras, newest first."""
    with plane.database.read() as session:
        found = camera_alarms.before(session, before, limit, camera, passage)
    return {"alarms": found, "next": found[-1]["id"] if found else None}


@router.get("/camera-alarms/{id}/still.jpg")
async def alarm_still(id: AlarmId, plane: PlaneOf) -> Response:
    """An alarm's picture, black under the masks of then and now."""
    camera, number = await run_in_threadpool(_number, plane, id)
    answer = await plane.recorders.ask(await plane.recorders.of(camera), "GET", f"alarms/{number}/still.jpg")
    return Response(answer.content, 200, {"Cache-Control": "no-store"}, "image/jpeg")


@router.post("/camera-alarms/{id}/ack")
def acknowledge(id: AlarmId, body: Acknowledgement, plane: PlaneOf, caller: CallerOf) -> dict[str, Any]:
    """Take note of an alarm; who was first stays."""
    with plane.database.write() as session:
        told = camera_alarms.acknowledge(session, id, caller.name, body.note, plane.clock())
        audit.append(session, plane.keys, plane.clock(), caller.who, "camera.alarm.ack", str(id), note=body.note)
    plane.hub.publish("alarms")
    return told


async def _held(plane: Plane, camera: str) -> dict[str, Any]:
    """What the camera's recorder watches with; nothing when it does not answer."""
    try:
        answer = await plane.recorders.ask(await plane.recorders.of(camera), "GET", "drawings")
        found: dict[str, Any] = answer.json().get(camera, {})
    except (Problem, httpx2.HTTPError, ValueError):
        return {}
    return found


async def _known(plane: Plane, camera: str) -> Drawing:
    """The drawing kept here; else the recorder's, so that a plane that lost its database loses no drawing."""
    if (kept := await run_in_threadpool(_kept, plane, camera)) is not None:
        return kept
    try:
        answer = await plane.recorders.ask(await plane.recorders.of(camera), "GET", f"cameras/{camera}/drawing")
        return Drawing.model_validate_json(answer.content)
    except ValidationError as error:
        raise Problem("recorder-unreachable", "The recorder has a drawing of another make.") from error


async def _require_doors(plane: Plane, camera: str, drawing: Drawing) -> None:
    seen = next((each["doors"] for each in await cameras(plane) if each["name"] == camera), ())
    faults = [
        Fault(f"/zones/{i}/door", "unknown-door", f"The camera does not see a door {zone.door!r}.")
        for i, zone in enumerate(drawing.zones)
        if zone.door and zone.door not in seen
    ]
    if faults:
        raise Problem("validation", errors=faults)


def _kept(plane: Plane, camera: str) -> Drawing | None:
    with plane.database.read() as session:
        return drawings.kept(session, camera)


def _draw(plane: Plane, caller: Caller, camera: str, known: Drawing, body: Drawing) -> Drawing:
    with plane.database.write() as session:
        fresh = drawings.draw(session, camera, drawings.kept(session, camera) or known, body)
        sizes = {"zones": len(fresh.zones), "masks": len(fresh.masks), "revision": fresh.revision}
        audit.append(session, plane.keys, plane.clock(), caller.who, "camera.draw", camera, **sizes)
        return fresh


def _note(plane: Plane, caller: Caller, action: str, target: str) -> None:
    with plane.database.write() as session:
        audit.append(session, plane.keys, plane.clock(), caller.who, action, target)


def _number(plane: Plane, id_: int) -> tuple[str, int]:
    with plane.database.read() as session:
        alarm = camera_alarms.one(session, id_)
        return alarm.camera, alarm.number

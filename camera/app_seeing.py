"""The recorder over HTTP, second part: what is drawn on the pictures, and the alarms of the cameras."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from camera.alarms import Alarm, words_of
from camera.app_asked import hide_of
from camera.drawing import Drawing
from camera.motion_watcher import Watcher
from camera.playlist import iso
from camera.seeing import Seeing
from camera.still import NoPicture, hidden

LONGEST_WAIT_S = 30
router = APIRouter()
Number = Annotated[int, Query(ge=0, lt=1 << 53)]


def _seeing(request: Request) -> Seeing:
    seeing: Seeing = request.app.state.seeing
    return seeing


def _camera(request: Request, name: str) -> str:
    if name not in _seeing(request).drawings:
        raise HTTPException(404, f"no camera {name}")
    return name


@router.get("/drawings")
def drawings(request: Request) -> dict[str, object]:
    """Say of each camera which drawing it is watched with, and how the watching goes."""
    seeing = _seeing(request)
    return {
        name: {"revision": seeing.drawings.of(name).revision, **_watching(seeing, name)} for name in seeing.drawings
    }


def _watching(seeing: Seeing, name: str) -> dict[str, object]:
    watcher = seeing.watchers.get(name)
    looks = watcher is not None and watcher.looks
    return {"watched": watcher.state.state if watcher and looks else None, "learnt": bool(watcher and watcher.learnt)}


@router.get("/cameras/{name}/drawing")
def drawing(request: Request, name: str) -> Drawing:
    """Return what is drawn on a camera's picture."""
    return _seeing(request).drawings.of(_camera(request, name))


@router.put("/cameras/{name}/drawing")
async def draw(request: Request, name: str, body: Drawing) -> Drawing:
    """Draw zones and masks on a camera's picture; it is kept, and watched with them from now on."""
    await _seeing(request).draw(_camera(request, name), body)
    return body


@router.delete("/cameras/{name}/reference", status_code=204)
async def relearn(request: Request, name: str) -> None:
    """Take what the camera sees from now on for what it was put up for: it was turned on purpose."""
    watcher: Watcher | None = _seeing(request).watchers.get(_camera(request, name))
    if watcher is None or not watcher.looks:
        raise HTTPException(404, f"camera {name} is not watched")
    await watcher.relearn()


@router.get("/alarms")
async def alarms(
    request: Request, after: Number = 0, wait_s: Annotated[float, Query(ge=0, le=LONGEST_WAIT_S)] = 0
) -> dict[str, object]:
    """List the alarms that changed after a number; `log` tells another log, whose numbers begin anew."""
    seeing = _seeing(request)
    found = await seeing.changes(after, wait_s)
    return {"log": seeing.alarms.name, "alarms": [alarm_json(each) for each in found]}


@router.get("/alarms/{id}/still.jpg")
async def alarm_still(request: Request, id: Annotated[int, Path(ge=1, lt=1 << 53)]) -> Response:
    """Return an alarm's picture, black under the masks of then and now."""
    seeing = _seeing(request)
    alarm = await asyncio.to_thread(seeing.alarms.one, id)
    jpeg = await asyncio.to_thread(seeing.still, alarm) if alarm else None
    if alarm is None or jpeg is None:
        raise HTTPException(404, "this alarm has no picture")
    try:
        hide = hide_of(request, alarm.camera) if alarm.camera in seeing.drawings else ""  # it may be wired no more
        jpeg = await hidden(jpeg, hide)
    except NoPicture as error:
        raise HTTPException(502, f"no picture: {error}") from error
    return Response(jpeg, 200, {"Cache-Control": "no-store"}, "image/jpeg")


def alarm_json(alarm: Alarm) -> dict[str, object]:
    """An alarm; `to` is null while it lasts."""
    return {
        "id": alarm.id,
        "changed": alarm.changed,
        "camera": alarm.camera,
        "kind": alarm.kind,
        "zone": alarm.zone,
        "door": alarm.door,
        "from": iso(alarm.from_us),
        "to": None if alarm.to_us is None else iso(alarm.to_us),
        "detail": alarm.detail,
        "still": bool(alarm.still),
        "words": words_of(alarm),
    }

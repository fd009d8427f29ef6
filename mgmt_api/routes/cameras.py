"""Cameras: what the recorders hold, passed on to the console. Who looks at footage says why, and is written down."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

import httpx2
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from mgmt_api import looks
from mgmt_api.access import API, PLAIN, CallerOf, GuardedRoute, PlaneOf
from mgmt_api.looks import Deed
from mgmt_api.moments import iso
from mgmt_api.plane import Plane
from mgmt_api.problems import Problem

BEFORE_S, AFTER_S = 10.0, 20.0  # the clip around an event
UNREACHABLE = "recorder-unreachable"  # whether there is footage is not known
KEPT_WIDTH = 640  # of the pictures of events, in pixels
_PASSED_ON = (
    "content-type", "content-length", "content-range", "content-disposition", "accept-ranges", "etag", "last-modified",
    "x-clip-start", "x-clip-end", "x-manifest-sha256",
)  # fmt: skip
router = APIRouter(prefix=API, route_class=GuardedRoute, tags=["cameras"])
CameraName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,47}(\.sub)?$")]  # a camera, or its sub stream
Segment = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")]
From = Annotated[datetime, Query(alias="from")]
To = Annotated[datetime, Query(alias="to")]
Reason = Annotated[
    str, Query(min_length=1, max_length=200, pattern=PLAIN, description="Why: it goes into the register")
]
Width = Annotated[int | None, Query(ge=16, le=3840, multiple_of=2)]


@router.get("/cameras")
async def list_cameras(plane: PlaneOf) -> list[dict[str, Any]]:
    """The cameras with their doors, and what their recorder says of them."""
    return await cameras(plane)


@router.get("/timeline")
async def timelines(plane: PlaneOf, from_: From, to: To) -> dict[str, Any]:
    """What of each camera is recorded between two moments, and why the rest is not."""
    span = span_of(from_, to)
    answers = await plane.recorders.ask_all("timeline", params=span)
    all_answered = len(answers) == len(plane.recorders.addresses)
    gap = span | {"reason": "unknown" if all_answered else UNREACHABLE}
    nothing = {"recorded": [], "gaps": [gap], "erased": [], "holds": []}
    wired = {camera.name: nothing for camera in plane.estate.cameras}
    return wired | {name: told for _, each in answers for name, told in each.items()}


@router.get("/cameras/{name}/timeline")
async def timeline(name: CameraName, plane: PlaneOf, from_: From, to: To, files: bool = True) -> Response:
    """What is recorded between two moments, and why the rest is not."""
    return await _pass_on(plane, name, "timeline", span_of(from_, to) | {"files": str(files).lower()})


@router.get("/cameras/{name}/playlist.m3u8")
async def playlist(name: CameraName, plane: PlaneOf, caller: CallerOf, from_: From, to: To, reason: Reason) -> Response:
    """An HLS playlist between two moments."""
    answer = await _pass_on(plane, name, "playlist.m3u8", span_of(from_, to))
    await _looked(plane, caller.who, Deed.WATCH, name, (from_, to), reason)
    return answer


@router.get("/cameras/{name}/media/{segment}")
async def media(name: CameraName, segment: Segment, request: Request, plane: PlaneOf) -> Response:
    """A file that a playlist names, whole or in part."""
    return await _pass_on(plane, name, f"media/{quote(segment, safe='')}", {}, wanted_range(request))


@router.get("/cameras/{name}/clip")
async def clip(
    name: CameraName,
    plane: PlaneOf,
    caller: CallerOf,
    from_: From,
    to: To,
    reason: Reason,
    codec: Literal["h264"] | None = None,
) -> Response:
    """Some minutes as fragmented MP4, as a player appends them; its wall time is in `X-Clip-Start` and `X-Clip-End`."""
    params = span_of(from_, to) | ({"codec": codec} if codec else {})
    answer = await _pass_on(plane, name, "clip", params)
    await _looked(plane, caller.who, Deed.WATCH, name, (from_, to), reason)
    return answer


@router.get("/cameras/{name}/strip")
async def strip(
    name: CameraName,
    plane: PlaneOf,
    caller: CallerOf,
    from_: From,
    to: To,
    reason: Reason,
    count: Annotated[int, Query(ge=1, le=48)] = 24,
    width: Annotated[int, Query(ge=64, le=480, multiple_of=2)] = 192,
) -> Response:
    """Small stills spread over a time, each with its moment."""
    params = span_of(from_, to) | {"count": str(count), "width": str(width)}
    answer = await _pass_on(plane, name, "strip", params)
    await _looked(plane, caller.who, Deed.PREVIEW, name, (from_, to), reason)
    return answer


@router.get("/cameras/{name}/still.jpg")
async def still(
    name: CameraName,
    plane: PlaneOf,
    caller: CallerOf,
    at: datetime | None = None,
    width: Width = None,
    reason: Reason = "-",
) -> Response:
    """The picture of a moment, or the newest one."""
    params = {"at": utc(at)} if at is not None else {}
    params |= {"width": str(width)} if width is not None else {}
    answer = await _pass_on(plane, name, "still.jpg", params)
    if at is not None:
        await _looked(plane, caller.who, Deed.STILL, name, (at, at), reason)
    return answer


async def event_still(plane: Plane, camera: str, at: float, width: int | None) -> Response:
    """A camera's picture of an event: a small one as it was kept, else from its footage. Raises `Problem`."""
    moment = {"at": iso(at)}
    if width is not None and width <= KEPT_WIDTH:
        with suppress(Problem):
            return _lasting(await _pass_on(plane, camera, "snapshot.jpg", moment))
    size = {"width": str(width)} if width is not None else {}
    return _lasting(await _pass_on(plane, camera, "still.jpg", moment | size))


def _lasting(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "private, max-age=86400"  # a moment's picture does not change
    return answer


async def cameras(plane: Plane) -> list[dict[str, Any]]:
    """The wired cameras, joined with the recorders' word; those that nobody records are `unknown`."""
    told = {camera["name"]: camera for camera in await plane.recorders.cameras()}
    wired = {camera.name: {"label": dict(camera.label), "doors": list(camera.doors)} for camera in plane.estate.cameras}
    found = []
    for name in sorted(told.keys() | wired.keys()):
        camera = told.get(name, {})
        known = wired.get(
            name, {"label": camera.get("label", {"zh": name, "en": name}), "doors": camera.get("doors", [])}
        )
        told_of_it = {"state": camera.get("state", "unknown"), "since": camera.get("since"), "sub": camera.get("sub")}
        found.append({"name": name, **told_of_it, **known})
    return found


async def seeing(plane: Plane, door: str) -> list[dict[str, Any]]:
    """The cameras that see a door."""
    return [camera for camera in await cameras(plane) if door and door in camera["doors"]]


async def clips_around(plane: Plane, door: str, occurred_at: float, reason: str) -> list[dict[str, Any]]:
    """A clip from each camera that sees the door; `reason` is what the register will say."""
    from_, to = iso(max(0.0, occurred_at - BEFORE_S)), iso(occurred_at + AFTER_S)
    return [await _clip(plane, camera, from_, to, reason) for camera in await seeing(plane, door)]


async def _clip(plane: Plane, camera: dict[str, Any], from_: str, to: str, reason: str) -> dict[str, Any]:
    span = {"from": from_, "to": to}
    url = f"{API}/cameras/{camera['name']}/playlist.m3u8?{urlencode(span | {'reason': reason})}"
    clip = {"camera": camera["name"], "label": camera["label"], **span, "playlist": url, "reason": reason}
    try:
        path = f"cameras/{camera['name']}/timeline"
        told = await plane.recorders.ask_json(await plane.recorders.of(camera["name"]), "GET", path, params=span)
    except Problem:
        return clip | {"recorded": False, "gaps": [span | {"reason": UNREACHABLE}]}
    missing = [each | {"reason": "expired"} for each in told.get("erased", [])] + told.get("gaps", [])
    return clip | {"recorded": bool(told.get("recorded") or told.get("segments")), "gaps": missing}


def span_of(from_: datetime, to: datetime) -> dict[str, str]:
    """A time span as recorders want it. Raises `Problem` validation."""
    return {"from": utc(from_), "to": utc(to)}


def utc(moment: datetime) -> str:
    """A moment as recorders want it. Raises `Problem` validation."""
    if moment.tzinfo is None:
        raise Problem("validation", "Give times with their offset from UTC.")
    try:
        return iso(moment.timestamp())
    except (OverflowError, ValueError, OSError) as error:
        raise Problem("validation", "The time is out of range.") from error


def wanted_range(request: Request) -> dict[str, str]:
    """The part of a file that is asked for, as a header."""
    return {"Range": request.headers["range"]} if "range" in request.headers else {}


async def _looked(
    plane: Plane, who: tuple[str, str], deed: Deed, camera: str, span: tuple[datetime, datetime], reason: str
) -> None:
    seconds = (span[0].timestamp(), span[1].timestamp())
    await run_in_threadpool(looks.looked, plane, who, deed, camera, seconds, reason)


async def _pass_on(
    plane: Plane, camera: str, path: str, params: dict[str, str], headers: dict[str, str] | None = None
) -> Response:
    return passed_on(await plane.recorders.get(camera, path, params=params, headers=headers))


def passed_on(answer: httpx2.Response) -> Response:
    """A recorder's answer as this plane's own; its body flows through."""
    kept = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
    return StreamingResponse(_body(answer), answer.status_code, kept)


async def _body(answer: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()

"""Cameras: what the recorders hold, passed on to the console."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import httpx2
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response, StreamingResponse

from mgmt_api.access import API, GuardedRoute, PlaneOf
from mgmt_api.moments import iso
from mgmt_api.plane import Plane
from mgmt_api.problems import Problem

BEFORE_S, AFTER_S = 10.0, 20.0  # the clip around an event
_PASSED_ON = ("content-type", "content-length", "content-range", "accept-ranges", "etag", "last-modified")
router = APIRouter(prefix=API, route_class=GuardedRoute, tags=["cameras"])
CameraName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]
Segment = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")]
From = Annotated[datetime, Query(alias="from")]
To = Annotated[datetime, Query(alias="to")]


@router.get("/cameras")
async def list_cameras(plane: PlaneOf) -> list[dict[str, Any]]:
    """The cameras with their doors, and what their recorder says of them."""
    return await cameras(plane)


@router.get("/cameras/{name}/timeline")
async def timeline(name: CameraName, plane: PlaneOf, from_: From, to: To) -> Response:
    """What is recorded between two moments, and why the rest is not."""
    return await _pass_on(plane, name, "timeline", _span(from_, to), {})


@router.get("/cameras/{name}/playlist.m3u8")
async def playlist(name: CameraName, plane: PlaneOf, from_: From, to: To) -> Response:
    """An HLS playlist between two moments."""
    return await _pass_on(plane, name, "playlist.m3u8", _span(from_, to), {})


@router.get("/cameras/{name}/media/{segment}")
async def media(name: CameraName, segment: Segment, request: Request, plane: PlaneOf) -> Response:
    """A file that a playlist names, whole or in part."""
    wanted = {"Range": request.headers["range"]} if "range" in request.headers else {}
    return await _pass_on(plane, name, f"media/{quote(segment, safe='')}", dict(request.query_params), wanted)


@router.get("/cameras/{name}/still.jpg")
async def still(
    name: CameraName,
    plane: PlaneOf,
    at: datetime | None = None,
    width: Annotated[int | None, Query(ge=16, le=3840, multiple_of=2)] = None,
) -> Response:
    """The picture of a moment, or the newest one."""
    params = {"at": _utc(at)} if at is not None else {}
    params |= {"width": str(width)} if width is not None else {}
    return await _pass_on(plane, name, "still.jpg", params, {})


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
        found.append({"name": name, "state": camera.get("state", "unknown"), "since": camera.get("since"), **known})
    return found


async def clips_around(plane: Plane, door: str, occurred_at: float) -> list[dict[str, Any]]:
    """A clip from each camera that sees the door."""
    from_, to = iso(max(0.0, occurred_at - BEFORE_S)), iso(occurred_at + AFTER_S)
    seeing = [camera for camera in await cameras(plane) if door and door in camera["doors"]]
    return [await _clip(plane, camera, from_, to) for camera in seeing]


async def _clip(plane: Plane, camera: dict[str, Any], from_: str, to: str) -> dict[str, Any]:
    span = {"from": from_, "to": to}
    url = f"{API}/cameras/{camera['name']}/playlist.m3u8?{urlencode(span)}"
    clip = {"camera": camera["name"], "label": camera["label"], **span, "playlist": url}
    try:
        response = await plane.recorders.get(camera["name"], "timeline", params=span, headers={})
        try:
            await response.aread()
            told = response.raise_for_status().json()
        finally:
            await response.aclose()
    except (Problem, httpx2.HTTPError, ValueError):
        return clip | {"recorded": False, "gaps": [span | {"reason": "recorder-unreachable"}]}
    return clip | {"recorded": bool(told.get("segments")), "gaps": told.get("gaps", [])}


def _span(from_: datetime, to: datetime) -> dict[str, str]:
    return {"from": _utc(from_), "to": _utc(to)}


def _utc(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise Problem("validation", "Give times with their offset from UTC.")
    try:
        return iso(moment.timestamp())
    except (OverflowError, ValueError, OSError) as error:
        raise Problem("validation", "The time is out of range.") from error


async def _pass_on(plane: Plane, camera: str, path: str, params: dict[str, str], headers: dict[str, str]) -> Response:
    answer = await plane.recorders.get(camera, path, params=params, headers=headers)
    if answer.status_code >= 400 and answer.status_code != 416:
        await answer.aclose()
        type_ = {404: "not-found", 422: "validation", 400: "validation"}.get(answer.status_code, "recorder-unreachable")
        raise Problem(type_, f"The recorder answered {answer.status_code}.")
    kept = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
    return StreamingResponse(_body(answer), answer.status_code, kept)


async def _body(answer: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()

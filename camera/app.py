"""The recorder over HTTP: timeline, playback, live view, stills, holds. Every route asks for the bearer token.

Times are ISO 8601 with an offset in queries and UTC in answers; errors are RFC 9457 problems.
"""

import asyncio
import hmac
import json
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Path, Query, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketDisconnect

from camera import app_seeing
from camera.answers import (
    Camera,
    camera_json,
    erased_json,
    export_json,
    forecast_json,
    gap_json,
    hold_json,
    mark_json,
    recorded_json,
    span_json,
)
from camera.export import Wanted
from camera.footage import Footage
from camera.forecast import Forecast
from camera.index import Index
from camera.live import Viewer
from camera.marks import CLASSES, Mark
from camera.media import RangeNotSatisfiable, media_response
from camera.playlist import iso, playlist
from camera.qr_reader import QrReader
from camera.seeing import Seeing
from camera.segment import US, Hold
from camera.still import NoPicture, still
from camera.taking import Taking
from camera.timeline import Timeline

LAST_S = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
ALIVE_S = 0.5  # between two signs of life of a stream of codes
LONGEST_CLIP = timedelta(hours=4)
LONGEST = timedelta(hours=24)  # of one playlist: about 90,000 lines


@dataclass(frozen=True, slots=True)
class Recorder:
    """What the routes answer from."""

    cameras: Mapping[str, Camera]
    index: Index
    timeline: Timeline
    footage: Footage
    free_bytes: Callable[[], int]
    taking: Taking
    forecast: Callable[[], Forecast]


class NewHold(BaseModel):
    """The body of `POST /holds`."""

    model_config = ConfigDict(extra="forbid")

    camera: str
    from_: Annotated[AwareDatetime, Field(alias="from")]
    to: AwareDatetime
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    by: Annotated[str, Field(min_length=1, max_length=100)]
    until: AwareDatetime | None = None


class NewClip(BaseModel):
    """The body of `POST /clips`."""

    model_config = ConfigDict(extra="forbid")

    cameras: Annotated[list[str], Field(min_length=1, max_length=64)]
    from_: Annotated[AwareDatetime, Field(alias="from")]
    to: AwareDatetime
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    by: Annotated[str, Field(min_length=1, max_length=100)]
    events: Annotated[list[dict[str, object]], Field(max_length=10_000)] = []


class NewMark(BaseModel):
    """The body of `POST /marks`: something happened before a camera, or at a door that cameras see."""

    model_config = ConfigDict(extra="forbid")

    camera: str | None = None
    door: str | None = None
    from_: Annotated[AwareDatetime, Field(alias="from")]
    to: AwareDatetime | None = None
    footage_class: Annotated[Literal["motion", "event"], Field(alias="class")] = "event"
    reason: Annotated[str, Field(min_length=1, max_length=200)]


From = Annotated[AwareDatetime, Query(alias="from")]
router = APIRouter()


def create_app(recorder: Recorder, token: str, seeing: Seeing) -> FastAPI:
    """Return the recorder's app."""

    def authorised(connection: HTTPConnection) -> None:
        given = connection.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise HTTPException(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})

    app = FastAPI(title="Menjin recorder", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.recorder, app.state.seeing = recorder, seeing
    for routes in (router, app_seeing.router):
        app.include_router(routes, dependencies=[Depends(authorised)])
    app.exception_handler(StarletteHTTPException)(_problem)
    app.exception_handler(RequestValidationError)(_invalid)
    return app


def _problem(request: Request, error: StarletteHTTPException) -> Response:
    body = {"type": "about:blank", "status": error.status_code, "title": error.detail, "instance": request.url.path}
    return JSONResponse(body, error.status_code, error.headers, "application/problem+json")


def _invalid(request: Request, error: RequestValidationError) -> Response:
    errors = [
        {"pointer": "/".join(map(str, each["loc"])), "code": each["type"], "detail": each["msg"]}
        for each in error.errors()
    ]
    body = {"type": "about:blank", "status": 422, "title": "the request is not valid", "instance": request.url.path}
    return JSONResponse({**body, "errors": errors}, 422, None, "application/problem+json")


def _recorder(connection: HTTPConnection) -> Recorder:
    recorder: Recorder = connection.app.state.recorder
    return recorder


def _camera(connection: HTTPConnection, name: str) -> Camera:
    camera = _recorder(connection).cameras.get(name)
    if camera is None:
        raise HTTPException(404, f"no camera {name}")
    return camera


def _span(start: datetime, end: datetime, longest: timedelta | None = None) -> tuple[int, int]:
    if end <= start:
        raise HTTPException(422, "the time span is empty")
    if longest and end - start > longest:
        raise HTTPException(422, f"the time span is longer than {longest}")
    return _us(start), _us(end)


def _us(moment: datetime) -> int:
    seconds = moment.timestamp()
    if not 0 <= seconds < LAST_S:  # such a time could be kept, but never be told again
        raise HTTPException(422, "the time is out of range")
    return math.floor(seconds * US)


@router.get("/cameras")
def cameras(request: Request) -> list[dict[str, object]]:
    """List the cameras with their states."""
    return [camera_json(camera) for camera in _recorder(request).cameras.values()]


@router.get("/timeline")
async def timelines(request: Request, from_: From, to: AwareDatetime) -> dict[str, object]:
    """Say it of all cameras, without their files: a month is as fast as an hour."""
    start, end = _span(from_, to)
    return {name: _timeline(request, name, start, end, files=False) for name in _recorder(request).cameras}


@router.get("/cameras/{name}/timeline")
async def timeline(
    request: Request, name: str, from_: From, to: AwareDatetime, files: bool = True
) -> dict[str, object]:
    """Say what is recorded in [from, to), what is missing and why, what was erased, what is held."""
    return _timeline(request, _camera(request, name).name, *_span(from_, to), files)


def _timeline(request: Request, camera: str, start: int, end: int, files: bool) -> dict[str, object]:
    recorder = _recorder(request)
    segments = [span_json(span) for span in recorder.footage.spans(camera, start, end)] if files else None
    return {
        **({} if segments is None else {"segments": segments}),
        "recorded": [recorded_json(each) for each in recorder.footage.recorded(camera, start, end)],
        "gaps": [gap_json(gap) for gap in recorder.timeline.gaps(camera, start, end)],
        "erased": [erased_json(each) for each in recorder.timeline.erased(camera, start, end)],
        "marks": [mark_json(each) for each in recorder.timeline.marks(camera, start, end)],
        "holds": [
            hold_json(each) for each in recorder.timeline.holds(camera) if each.from_us < end and each.to_us > start
        ],
    }


@router.get("/cameras/{name}/playlist.m3u8")
async def media_playlist(request: Request, name: str, from_: From, to: AwareDatetime) -> Response:
    """Return an HLS playlist of [from, to); it reaches into the file that is being written."""
    recorder, camera = _recorder(request), _camera(request, name).name
    start, end = _span(from_, to, LONGEST)
    found = recorder.footage.segments(camera, start, end)
    if not found:
        raise HTTPException(404, "nothing is recorded in this time span")
    headers = {"Cache-Control": "no-store"}
    return Response(playlist(found, start, end), 200, headers, "application/vnd.apple.mpegurl")


@router.get("/cameras/{name}/media/{segment}")
def media(request: Request, name: str, segment: str) -> Response:
    """Return a file, or a byte range of it; the id may end in `.mp4`."""
    camera = _camera(request, name).name
    try:
        file = _recorder(request).footage.open(segment.removesuffix(".mp4"), camera)
        return media_response(file, request.headers.get("range"))
    except FileNotFoundError as error:
        raise HTTPException(404, "no such file") from error
    except RangeNotSatisfiable as error:
        raise HTTPException(416, "the range lies outside the file") from error


@router.get("/cameras/{name}/clip")
def one_clip(request: Request, name: str, from_: From, to: AwareDatetime) -> Response:
    """Return [from, to) as one MP4 file by stream copy; it begins at the key frame before (`X-Clip-Start`)."""
    return _recorder(request).taking.clip(_camera(request, name).name, *_span(from_, to, LONGEST_CLIP))


@router.post("/clips")
def clips(request: Request, body: NewClip) -> Response:
    """Return a zip with the clips, the access events, a viewer, and a signed manifest; it is noted who took it."""
    recorder, (start, end) = _recorder(request), _span(body.from_, body.to, LONGEST_CLIP)
    labels = {name: _camera(request, name).label for name in body.cameras}
    gaps = {name: recorder.timeline.gaps(name, start, end) for name in labels}
    wanted = Wanted(labels, start, end, body.by, body.reason, body.events)
    answer, manifest = recorder.taking.export(wanted, gaps, _us(datetime.now(UTC)))
    recorder.index.add_export(body.by, body.reason, list(labels), (start, end), manifest)
    return answer


@router.get("/exports")
def exports(request: Request) -> list[dict[str, object]]:
    """List who took which footage away, newest first."""
    return [export_json(row) for row in _recorder(request).timeline.exports()]


@router.get("/signing-key")
def signing_key(request: Request) -> dict[str, str]:
    """Return the public key that verifies this recorder's exports."""
    return {"algorithm": "Ed25519", "public_key": _recorder(request).taking.public_key}


@router.get("/cameras/{name}/still.jpg")
async def picture(
    request: Request,
    name: str,
    at: AwareDatetime | None = None,
    width: Annotated[int | None, Query(ge=16, le=3840, multiple_of=2)] = None,
) -> Response:
    """Return the picture of a moment, or the newest one."""
    footage, camera = _recorder(request).footage, _camera(request, name).name
    segment = footage.at(camera, _us(at)) if at else footage.last(camera)
    if segment is None:
        raise HTTPException(404, "this moment is not recorded")
    try:
        path = footage.path(segment.id, camera)
        jpeg = await still(path, segment, _us(at) if at else segment.end_us, width)
    except (NoPicture, FileNotFoundError) as error:
        raise HTTPException(502, f"no picture: {error}") from error
    return Response(jpeg, 200, {"Cache-Control": "no-store"}, "image/jpeg")


@router.websocket("/cameras/{name}/live")
async def live(websocket: WebSocket, name: str) -> None:
    """Send the live view: text says what comes, bytes are fragmented MP4 for MediaSource."""
    camera = _camera(websocket, name)
    await websocket.accept()
    if camera.live is None:
        await websocket.send_json({"type": "camera_down", "reason": camera.state().state})
        await websocket.close()
        return
    viewer = camera.live.join()
    sending = asyncio.create_task(_send(websocket, viewer))
    receiving = asyncio.create_task(_until_gone(websocket))
    try:
        await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        camera.live.leave(viewer)
        for task in (sending, receiving):
            task.cancel()
        await asyncio.gather(sending, receiving, return_exceptions=True)


async def _send(websocket: WebSocket, viewer: Viewer) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        while True:
            message = await viewer.next()
            if message.json is not None:
                await websocket.send_json(message.json)
            else:
                await websocket.send_bytes(message.data)


async def _until_gone(websocket: WebSocket) -> None:
    """A viewer says nothing of use; its leaving is what is waited for."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        continue


@router.get("/cameras/{name}/codes")
async def codes(request: Request, name: str) -> StreamingResponse:
    """Send QR codes as they appear before the camera, as server-sent events; none that were seen before."""
    reader = _camera(request, name).codes
    if reader is None:
        raise HTTPException(404, f"camera {name} reads no codes")
    return StreamingResponse(_codes(reader), 200, {"Cache-Control": "no-store"}, "text/event-stream")


async def _codes(reader: QrReader) -> AsyncIterator[str]:
    listener = reader.join()
    try:
        while True:
            try:
                async with asyncio.timeout(ALIVE_S):
                    message = await listener.next()
            except TimeoutError:
                yield ": alive\n\n"
            else:
                yield f"event: {message['type']}\ndata: {json.dumps(message)}\n\n"
    finally:
        reader.leave(listener)


@router.post("/holds", status_code=201)
def add_hold(request: Request, body: NewHold) -> dict[str, object]:
    """Keep footage past its retention."""
    start, end = _span(body.from_, body.to)
    until = _us(body.until) if body.until else None
    hold = Hold(0, _camera(request, body.camera).name, start, end, body.reason, body.by, until)
    return hold_json(_recorder(request).index.add_hold(hold))


@router.get("/holds")
def holds(request: Request, camera: str | None = None) -> list[dict[str, object]]:
    """List the holds."""
    return [hold_json(hold) for hold in _recorder(request).timeline.holds(camera)]


@router.delete("/holds/{hold}", status_code=204)
def drop_hold(request: Request, hold: Annotated[int, Path(ge=0, lt=1 << 63)]) -> None:
    """Lift a hold."""
    if not _recorder(request).index.drop_hold(hold):
        raise HTTPException(404, "no such hold")


@router.post("/marks", status_code=201)
def add_mark(request: Request, body: NewMark) -> list[dict[str, object]]:
    """Say that something happened; its footage, with pre- and post-roll, is kept as its class says."""
    recorder = _recorder(request)
    start = _us(body.from_)
    end = _us(body.to) if body.to else start
    if end < start:
        raise HTTPException(422, "the time span ends before it begins")
    if (body.camera is None) == (body.door is None):
        raise HTTPException(422, "name a camera, or a door")
    named = [_camera(request, body.camera)] if body.camera else recorder.cameras.values()
    seeing = [each.name for each in named if body.camera or body.door in each.doors]
    marks = [Mark(name, start, end, CLASSES[body.footage_class], body.reason) for name in seeing]
    return [mark_json(recorder.index.add_mark(mark)) for mark in marks]


@router.get("/marks")
def marks(request: Request, camera: str, from_: From, to: AwareDatetime) -> list[dict[str, object]]:
    """List what happened before a camera within [from, to)."""
    return [mark_json(each) for each in _recorder(request).timeline.marks(camera, *_span(from_, to))]


@router.get("/status")
def status(request: Request) -> dict[str, object]:
    """Say how the recorder is."""
    recorder = _recorder(request)
    return {
        "now": iso(int(datetime.now(UTC).timestamp() * US)),
        "free_bytes": recorder.free_bytes(),
        "used_bytes": recorder.timeline.used_bytes(),
        "forecast": forecast_json(recorder.forecast()),
        "cameras": {camera.name: camera.state().state for camera in recorder.cameras.values()},
    }

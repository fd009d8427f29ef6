"""The recorder over HTTP: cameras, timeline, codes, holds, and the pictures of `app_looking.py`. All ask for the token.

Times are ISO 8601 with an offset in queries and UTC in answers; errors are RFC 9457 problems.
"""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import HTTPConnection

from camera import app_looking, app_seeing
from camera.answers import (
    camera_json,
    erased_json,
    forecast_json,
    gap_json,
    hold_json,
    mark_json,
    recorded_json,
    span_json,
)
from camera.app_asked import From, Recorder, camera_of, recorder_of, span_of, us_of
from camera.marks import CLASSES, FootageClass, Mark
from camera.playlist import iso
from camera.qr_reader import QrReader
from camera.seeing import Seeing
from camera.segment import US, Hold, main_name

LAST_S = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
ALIVE_S = 0.5  # between two signs of life of a stream of codes
LONGEST_CLIP = timedelta(hours=4)
LONGEST = timedelta(hours=24)  # of one mark


class NewHold(BaseModel):
    """The body of `POST /holds`."""

    model_config = ConfigDict(extra="forbid")

    camera: str
    from_: Annotated[AwareDatetime, Field(alias="from")]
    to: AwareDatetime
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    by: Annotated[str, Field(min_length=1, max_length=100)]
    until: AwareDatetime | None = None


class NewMark(BaseModel):
    """The body of `POST /marks`: something happened before a camera, or at a door that cameras see."""

    model_config = ConfigDict(extra="forbid")

    camera: str | None = None
    door: str | None = None
    from_: Annotated[AwareDatetime, Field(alias="from")]
    to: AwareDatetime | None = None
    footage_class: Annotated[Literal["motion", "event"], Field(alias="class")] = "event"
    reason: Annotated[str, Field(min_length=1, max_length=200)]


router = APIRouter()


def create_app(recorder: Recorder, token: str, seeing: Seeing) -> FastAPI:
    """Return the recorder's app."""

    def authorised(connection: HTTPConnection) -> None:
        given = connection.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise HTTPException(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})

    app = FastAPI(title="Menjin recorder", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.recorder, app.state.seeing = recorder, seeing
    for routes in (router, app_looking.router, app_seeing.router):
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


@router.get("/cameras")
def cameras(request: Request) -> list[dict[str, object]]:
    """List the cameras with their states; a sub stream is asked for by the name that its camera tells."""
    return [camera_json(camera) for camera in recorder_of(request).cameras.values() if camera.main is None]


@router.get("/timeline")
async def timelines(request: Request, from_: From, to: AwareDatetime) -> dict[str, object]:
    """Say it of all cameras, without their files: a month is as fast as an hour."""
    start, end = span_of(from_, to)
    named = [camera.name for camera in recorder_of(request).cameras.values() if camera.main is None]
    return {name: _timeline(request, name, start, end, files=False) for name in named}


@router.get("/cameras/{name}/timeline")
async def timeline(
    request: Request, name: str, from_: From, to: AwareDatetime, files: bool = True
) -> dict[str, object]:
    """Say what is recorded in [from, to), what is missing and why, what was erased, what is held."""
    return _timeline(request, camera_of(request, name).name, *span_of(from_, to), files)


def _timeline(request: Request, camera: str, start: int, end: int, files: bool) -> dict[str, object]:
    recorder = recorder_of(request)
    segments = [span_json(span) for span in recorder.footage.spans(camera, start, end)] if files else None
    return {
        **({} if segments is None else {"segments": segments}),
        "recorded": [recorded_json(each) for each in recorder.footage.recorded(camera, start, end)],
        "gaps": [gap_json(gap) for gap in recorder.timeline.gaps(camera, start, end)],
        "erased": [erased_json(each) for each in recorder.timeline.erased(camera, start, end)],
        "marks": [mark_json(each) for each in recorder.timeline.marks(main_name(camera), start, end)],
        "holds": [
            hold_json(each)
            for each in recorder.timeline.holds(main_name(camera))
            if each.from_us < end and each.to_us > start
        ],
    }


@router.get("/cameras/{name}/codes")
async def codes(request: Request, name: str) -> StreamingResponse:
    """Send QR codes as they appear before the camera, as server-sent events; none that were seen before."""
    reader = camera_of(request, name).codes
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
    start, end = span_of(body.from_, body.to)
    until = us_of(body.until) if body.until else None
    if body.until and body.until <= datetime.now(UTC):
        raise HTTPException(422, "the hold would be over already: until is past")
    named = camera_of(request, body.camera)
    hold = Hold(0, named.main or named.name, start, end, body.reason, body.by, until)
    return hold_json(recorder_of(request).index.add_hold(hold))


@router.get("/holds")
def holds(request: Request, camera: str | None = None) -> list[dict[str, object]]:
    """List the holds."""
    return [hold_json(hold) for hold in recorder_of(request).timeline.holds(camera)]


@router.delete("/holds/{hold}", status_code=204)
def drop_hold(request: Request, hold: Annotated[int, Path(ge=0, lt=1 << 63)]) -> None:
    """Lift a hold."""
    if not recorder_of(request).index.drop_hold(hold):
        raise HTTPException(404, "no such hold")


@router.post("/marks", status_code=201)
def add_mark(request: Request, body: NewMark) -> list[dict[str, object]]:
    """Say that something happened; its footage, with pre- and post-roll, is kept as its class says.

    Of an event a picture is kept, too, which outlives its footage.
    """
    recorder = recorder_of(request)
    start = us_of(body.from_)
    end = us_of(body.to) if body.to else start
    if end < start:
        raise HTTPException(422, "the time span ends before it begins")
    if end - start > LONGEST.total_seconds() * US:
        raise HTTPException(422, f"a mark is no longer than {LONGEST}")
    if (body.camera is None) == (body.door is None):
        raise HTTPException(422, "name a camera, or a door")
    named = [camera_of(request, body.camera)] if body.camera else recorder.cameras.values()
    seeing = [each.main or each.name for each in named if body.camera or (body.door in each.doors and not each.main)]
    worth = CLASSES[body.footage_class]
    marks = [recorder.index.add_mark(Mark(name, start, end, worth, body.reason)) for name in seeing]
    for mark in marks if worth is FootageClass.EVENT else ():
        recorder.taker.want(mark.camera, mark.from_us)
    return [mark_json(mark) for mark in marks]


@router.get("/marks")
def marks(request: Request, camera: str, from_: From, to: AwareDatetime) -> list[dict[str, object]]:
    """List what happened before a camera within [from, to)."""
    return [mark_json(each) for each in recorder_of(request).timeline.marks(main_name(camera), *span_of(from_, to))]


@router.get("/status")
def status(request: Request) -> dict[str, object]:
    """Say how the recorder is."""
    recorder = recorder_of(request)
    return {
        "now": iso(int(datetime.now(UTC).timestamp() * US)),
        "free_bytes": recorder.free_bytes(),
        "used_bytes": recorder.timeline.used_bytes(),
        "forecast": forecast_json(recorder.forecast()),
        "cameras": {camera.name: camera.state().state for camera in recorder.cameras.values()},
    }

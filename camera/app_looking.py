"""Looking over HTTP: live view, playback, stills, exports."""

import asyncio
import base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response, WebSocket
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketDisconnect

from camera.answers import export_json
from camera.app_asked import From, Recorder, camera_of, hide_of, recorder_of, span_of, us_of
from camera.boxes import Malformed, layout
from camera.encode import Unencodable, browser_command, encoded
from camera.export import Wanted
from camera.groups import codec_mime
from camera.live import Viewer
from camera.media import RangeNotSatisfiable, media_response
from camera.playlist import iso, playlist
from camera.remux import Begin, clip
from camera.still import NoPicture, hidden, still
from camera.strip import keys, strip
from camera.taking import Taken

LONGEST = timedelta(hours=24)  # of one playlist: about 90,000 lines
LONGEST_CLIP = timedelta(minutes=5)  # of what a player asks for at once
LONGEST_EXPORT = timedelta(hours=4)
QUICK_S = 2.0  # an export that is done within this is answered as done
Codec = Literal["h264"] | None
router = APIRouter()


class Whole(BaseModel):
    """Of what an export is a part: other recorders make the others. `id` is the same in all."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{16,64}$")]
    cameras: Annotated[list[str], Field(min_length=2, max_length=256)]


class NewClip(BaseModel):
    """The body of `POST /clips`."""

    model_config = ConfigDict(extra="forbid")

    cameras: Annotated[list[str], Field(min_length=1, max_length=64)]
    from_: Annotated[AwareDatetime, Field(alias="from")]
    to: AwareDatetime
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    by: Annotated[str, Field(min_length=1, max_length=100)]
    events: Annotated[list[dict[str, object]], Field(max_length=10_000)] = []
    watermark: Annotated[str, Field(max_length=120)] = ""
    whole: Whole | None = None


@router.get("/cameras/{name}/playlist.m3u8")
async def media_playlist(request: Request, name: str, from_: From, to: AwareDatetime) -> Response:
    """Return an HLS playlist of [from, to); it reaches into the file that is being written."""
    recorder, camera = recorder_of(request), camera_of(request, name).name
    start, end = span_of(from_, to, LONGEST)
    found = recorder.footage.segments(camera, start, end)
    if not found:
        raise HTTPException(404, "nothing is recorded in this time span")
    headers = {"Cache-Control": "no-store"}
    return Response(playlist(found, start, end), 200, headers, "application/vnd.apple.mpegurl")


@router.head("/cameras/{name}/media/{segment}")
@router.get("/cameras/{name}/media/{segment}")
def media(request: Request, name: str, segment: str) -> Response:
    """Return a file, or a byte range of it; the id may end in `.mp4`."""
    camera = camera_of(request, name).name
    try:
        file = recorder_of(request).footage.open(segment.removesuffix(".mp4"), camera)
        return media_response(file, request.headers.get("range"))
    except FileNotFoundError as error:
        raise HTTPException(404, "no such file") from error
    except RangeNotSatisfiable as error:
        raise HTTPException(416, "the range lies outside the file") from error


@router.get("/cameras/{name}/clip")
def one_clip(request: Request, name: str, from_: From, to: AwareDatetime, codec: Codec = None) -> Response:
    """Return [from, to) as fragmented MP4, by stream copy or as H.264; it begins at the key frame before.

    `X-Clip-Start` and `X-Clip-End` tell its wall time; gaps are kept as gaps. It ends early where the coding changes.
    """
    camera, (start, end) = camera_of(request, name).name, span_of(from_, to, LONGEST_CLIP)
    footage = recorder_of(request).footage
    try:
        parts = clip(footage, footage.segments(camera, start, end), start, end)
        begin = next(parts, None)
        if not isinstance(begin, Begin):
            raise HTTPException(404, "nothing is recorded in this time span")
        data, until = bytearray(begin.init), begin.start_us
        for each in parts:
            if isinstance(each, Begin):
                break
            data += each.data
            until = each.end_us
    except FileNotFoundError as error:
        raise HTTPException(404, "retention took a file meanwhile") from error
    except Malformed as error:
        raise HTTPException(500, f"a file is damaged: {error}; see `menjin recordings check`") from error
    body, mime = _for_browser(request, bytes(data)) if codec else (bytes(data), begin.segment.mime)
    headers = {"X-Clip-Start": iso(begin.start_us), "X-Clip-End": iso(until), "Cache-Control": "no-store"}
    return Response(body, 200, headers, mime)


def _for_browser(request: Request, film: bytes) -> tuple[bytes, str]:
    """Return the film in H.264, and its MIME type."""
    slots = recorder_of(request).slots
    if not slots.take():
        raise HTTPException(503, "too many streams are encoded for browsers without H.265", {"Retry-After": "1"})
    try:
        body = encoded(browser_command(), [film])
        init = layout(memoryview(body)).init
        return body, codec_mime(init) if init else ""
    except Unencodable as error:
        raise HTTPException(502, f"not encoded: {error}") from error
    finally:
        slots.give()


@router.get("/cameras/{name}/strip")
async def stills(
    request: Request,
    name: str,
    from_: From,
    to: AwareDatetime,
    count: Annotated[int, Query(ge=1, le=48)] = 24,
    width: Annotated[int, Query(ge=64, le=480, multiple_of=2)] = 192,
) -> list[dict[str, str]]:
    """Return small stills spread over [from, to), each with its moment, black under the masks.

    There is none where nothing is recorded.
    """
    recorder, camera, (start, end) = recorder_of(request), camera_of(request, name).name, span_of(from_, to)
    found = await asyncio.to_thread(lambda: list(keys(recorder.footage, camera, start, end, count)))
    async with recorder.strips:
        try:
            made = await strip(found, width, hide_of(request, camera))
        except NoPicture as error:
            raise HTTPException(502, f"no pictures: {error}") from error
    return [{"at": iso(at_us), "jpeg": base64.b64encode(jpeg).decode()} for at_us, jpeg in made]


@router.post("/clips", status_code=202)
async def clips(request: Request, body: NewClip) -> dict[str, object]:
    """Begin an export: a zip of clips, access events, a viewer, a signed manifest. It is noted who takes it and why."""
    recorder, (start, end) = recorder_of(request), span_of(body.from_, body.to, LONGEST_EXPORT)
    cameras = {name: camera_of(request, name) for name in body.cameras}
    gaps = {name: recorder.timeline.gaps(name, start, end) for name in cameras}
    labels = {name: camera.label for name, camera in cameras.items()}
    hide = {name: hide_of(request, name) for name in cameras}
    whole = body.whole.model_dump() if body.whole else None
    wanted = Wanted(labels, start, end, body.by, body.reason, body.events, hide, body.watermark, whole)

    def noted(manifest: str) -> None:
        recorder.index.add_export(body.by, body.reason, list(labels), (start, end), manifest)

    taken = recorder.taking.begin(wanted, gaps, us_of(datetime.now(UTC)), noted)
    await run_in_threadpool(taken.ended.wait, QUICK_S)
    return _taken_json(recorder, taken)


@router.get("/clips/{id}")
def taken(request: Request, id: str) -> dict[str, object]:
    """Say how far an export is."""
    recorder = recorder_of(request)
    return _taken_json(recorder, recorder.taking.find(id))


def _taken_json(recorder: Recorder, taken: Taken) -> dict[str, object]:
    return taken.json() | {"public_key": recorder.taking.public_key}


@router.get("/clips/{id}/file")
def taken_file(request: Request, id: str) -> Response:
    """Return the zip, whole or a byte range of it, for an hour."""
    taking = recorder_of(request).taking
    try:
        return taking.fetch(taking.find(id), request.headers.get("range"))
    except RangeNotSatisfiable as error:
        raise HTTPException(416, "the range lies outside the file") from error


@router.get("/exports")
def exports(request: Request) -> list[dict[str, object]]:
    """List who took which footage away, newest first."""
    return [export_json(row) for row in recorder_of(request).timeline.exports()]


@router.get("/signing-key")
def signing_key(request: Request) -> dict[str, str]:
    """Return the public key that verifies this recorder's exports."""
    return {"algorithm": "Ed25519", "public_key": recorder_of(request).taking.public_key}


@router.get("/cameras/{name}/still.jpg")
async def picture(
    request: Request,
    name: str,
    at: AwareDatetime | None = None,
    width: Annotated[int | None, Query(ge=16, le=3840, multiple_of=2)] = None,
) -> Response:
    """Return the picture of a moment, or the newest one; when the footage has gone, the one that was kept of it."""
    footage, camera = recorder_of(request).footage, camera_of(request, name).name
    segment = footage.at(camera, us_of(at)) if at else footage.last(camera)
    if segment is None and at:
        return await snapshot(request, name, at)
    if segment is None:
        raise HTTPException(404, "this moment is not recorded")
    try:
        path = footage.path(segment.id, camera)
        jpeg = await still(path, segment, us_of(at) if at else segment.end_us, width, hide_of(request, camera))
    except (NoPicture, FileNotFoundError) as error:
        raise HTTPException(502, f"no picture: {error}") from error
    return Response(jpeg, 200, {"Cache-Control": "no-store"}, "image/jpeg")


@router.get("/cameras/{name}/snapshot.jpg")
async def snapshot(request: Request, name: str, at: AwareDatetime) -> Response:
    """Return the small picture that was kept of an event at a moment, black under the masks of then and now."""
    snapshots, camera = recorder_of(request).snapshots, camera_of(request, name)
    kept = await asyncio.to_thread(snapshots.near, camera.main or camera.name, us_of(at))
    if kept is None:
        raise HTTPException(404, "this moment is not recorded, and no picture was kept of it")
    if kept.why:
        raise HTTPException(404, f"no picture: {kept.why}")
    try:
        jpeg = await hidden(await asyncio.to_thread(snapshots.read, kept), hide_of(request, camera.name))
    except (NoPicture, FileNotFoundError) as error:
        raise HTTPException(502, f"no picture: {error}") from error
    return Response(jpeg, 200, {"Cache-Control": "no-store"}, "image/jpeg")


@router.websocket("/cameras/{name}/live")
async def live(websocket: WebSocket, name: str, codec: Codec = None) -> None:
    """Send the live view: text says what comes, bytes are fragmented MP4 for MediaSource; as H.264 when asked so."""
    camera = camera_of(websocket, name)
    view = camera.live_h264 if codec else camera.live
    await websocket.accept()
    if view is None:
        await websocket.send_json({"type": "camera_down", "reason": camera.state().state})
        await websocket.close()
        return
    viewer = view.join()
    sending = asyncio.create_task(_send(websocket, viewer))
    receiving = asyncio.create_task(_until_gone(websocket))
    try:
        await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        view.leave(viewer)
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

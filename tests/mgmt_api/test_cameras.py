import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
import uvicorn
import websockets
from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import JSONResponse, PlainTextResponse

from mgmt_api.plane import Estate, Plane
from mgmt_api.recorders import RecorderAddress
from tests.mgmt_api.conftest import GATEWAY, V1, Served, event
from tests.mgmt_api.test_process import free_port

MEDIA = bytes(range(256)) * 4
recorder = FastAPI()


@recorder.middleware("http")
async def ask_for_the_token(request: Request, call_next: Any) -> Any:
    if request.headers.get("authorization") != "Bearer recorder-token":
        return JSONResponse({}, 401)
    return await call_next(request)


@recorder.get("/cameras")
def cameras() -> list[dict[str, Any]]:
    return [{"name": "lobby", "state": "recording", "since": "2027-01-15T08:00:00.000Z", "doors": ["elsewhere"]}]


@recorder.get("/timeline")
def timelines() -> dict[str, Any]:
    return {}


@recorder.get("/cameras/{name}/timeline")
def timeline(name: str, request: Request) -> dict[str, Any]:
    gap = {"from": request.query_params["from"], "to": request.query_params["to"], "reason": "camera_down"}
    return {"segments": [{"id": "1", "start": "", "end": "", "bytes": 1}], "gaps": [gap]}


@recorder.get("/cameras/{name}/playlist.m3u8")
def playlist(name: str) -> Response:
    return PlainTextResponse("#EXTM3U\nmedia/1\n", media_type="application/vnd.apple.mpegurl")


@recorder.get("/cameras/{name}/media/{segment}")
def media(name: str, segment: str, request: Request) -> Response:
    if segment != "1":
        return JSONResponse({}, 404)
    if request.headers.get("range") == "bytes=10-19":
        return Response(MEDIA[10:20], 206, {"Content-Range": f"bytes 10-19/{len(MEDIA)}"}, "video/mp4")
    return Response(MEDIA, 200, {"Accept-Ranges": "bytes"}, "video/mp4")


@recorder.websocket("/cameras/{name}/live")
async def live(socket: WebSocket, name: str) -> None:
    assert socket.headers["authorization"] == "Bearer recorder-token"
    await socket.accept()
    await socket.send_text('{"type":"init"}')
    for _ in range(100):
        await socket.send_bytes(b"x" * 100_000)
    await socket.receive()


@pytest.fixture
def port() -> Iterator[int]:
    port = free_port()
    config = uvicorn.Config(recorder, port=port, log_config=None, ws="websockets-sansio", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield port
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def watched(estate: Estate, port: int) -> Iterator[Served]:
    link = RecorderAddress(f"http://127.0.0.1:{port}", "recorder-token")
    with Served(Plane(replace(estate, recorders=[link]))) as running:
        yield running


def test_what_the_recorder_holds_is_passed_on(watched: Served) -> None:
    with watched.sign_in() as client:
        [camera] = client.get(f"{V1}/cameras").json()
        assert (camera["name"], camera["state"], camera["doors"]) == ("lobby", "recording", ["lobby-door"])
        assert camera["label"] == {"zh": "大堂", "en": "Lobby"}
        whole = client.get(f"{V1}/cameras/lobby/media/1")
        assert (whole.content, whole.headers["content-type"]) == (MEDIA, "video/mp4")
        part = client.get(f"{V1}/cameras/lobby/media/1", headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, MEDIA[10:20])
        assert client.get(f"{V1}/cameras/lobby/media/2").json()["type"] == "not-found"
        span = {"from": "2027-01-15T16:00:00+08:00", "to": "2027-01-15T08:01:00Z"}
        why = {"reason": "a lost parcel"}
        assert client.get(f"{V1}/cameras/lobby/playlist.m3u8", params=span).status_code == 422
        assert client.get(f"{V1}/cameras/lobby/playlist.m3u8", params=span | why).text.startswith("#EXTM3U")
        [gap] = client.get(f"{V1}/cameras/lobby/timeline", params=span).json()["gaps"]
        assert gap["from"] == "2027-01-15T08:00:00.000Z"
        [gap] = client.get(f"{V1}/timeline", params=span).json()["lobby"]["gaps"]
        assert gap["reason"] == "unknown"  # it answers, and tells nothing of this camera


def test_an_event_has_its_footage(watched: Served) -> None:
    with watched.sign_in() as client:
        client.post(f"{V1}/gateways/gateway-1/events", json={"events": [event(1)]}, headers=GATEWAY).raise_for_status()
        [clip] = client.get(f"{V1}/events/1/footage").json()["clips"]
        assert clip["recorded"] is True
        assert clip["gaps"][0]["reason"] == "camera_down"
        assert client.get(clip["playlist"]).status_code == 200


def test_a_recorder_that_is_away_is_a_problem_of_its_own(estate: Estate) -> None:
    link = RecorderAddress(f"http://127.0.0.1:{free_port()}", "recorder-token")
    with Served(Plane(replace(estate, recorders=[link]))) as running, running.sign_in() as client:
        assert client.get(f"{V1}/cameras").json()[0]["state"] == "unknown"
        span = {"from": "2027-01-15T08:00:00Z", "to": "2027-01-15T08:01:00Z"}
        told = client.get(f"{V1}/timeline", params=span).json()["lobby"]
        assert (told["recorded"], told["gaps"][0]["reason"]) == ([], "recorder-unreachable")
        answer = client.get(f"{V1}/cameras/lobby/media/1")
        assert (answer.status_code, answer.json()["type"]) == (502, "recorder-unreachable")


async def test_the_live_picture_is_passed_on_and_ends_with_its_viewer(watched: Served) -> None:
    with watched.sign_in() as client:
        headers = {"Cookie": f"menjin={client.cookies['menjin']}", "Origin": watched.url}
    url = f"ws://127.0.0.1:{watched.port}{V1}/cameras/lobby/live"
    async with websockets.connect(url, additional_headers=headers, proxy=None, max_size=None) as socket:
        assert await socket.recv() == '{"type":"init"}'
        frames = [await asyncio.wait_for(socket.recv(), 5) for _ in range(100)]
        assert {len(frame) for frame in frames} == {100_000}
    with pytest.raises(websockets.InvalidStatus):
        async with websockets.connect(url, proxy=None):
            pass


def test_only_cameras_of_the_recorder_are_asked_for(watched: Served) -> None:
    with watched.sign_in() as client:
        for name in ("..", "%2e%2e", "lobby%2f..", "LOBBY", "a%00b"):
            assert client.get(f"{V1}/cameras/{name}/media/1").status_code in (404, 422)
        assert httpx2.get(f"{watched.url}{V1}/cameras/lobby/media/1", trust_env=False).status_code == 401

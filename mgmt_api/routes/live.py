"""The console's two sockets: everything that changes, and a camera's picture."""

import asyncio
from contextlib import suppress
from typing import Annotated, Any, Literal

import structlog
import websockets
from fastapi import APIRouter, Path, Query, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from websockets.asyncio.client import ClientConnection

from mgmt_api import camera_alarms, commands, doors, events, looks, sessions
from mgmt_api.access import API, Caller, admit
from mgmt_api.hub import Listener
from mgmt_api.plane import Plane
from mgmt_api.problems import PROBLEMS, Problem
from mgmt_api.routes.cameras import cameras

log = structlog.get_logger()
BATCH = 200  # events a message burst
REPLAY = 1000  # events that a returning console is caught up on; past that it reloads
CHECK_S = 30.0  # how often a socket's session is asked for again
SPACING_S = 0.05  # changes within this are sent together
SIGNED_OUT, GOING_AWAY = 4401, 1001
PING = '{"type":"ping"}'
router = APIRouter(prefix=API)


@router.websocket("/ws")
async def everything(socket: WebSocket, since: Annotated[int | None, Query(ge=0, lt=1 << 53)] = None) -> None:
    """Events, doors, commands and cameras as they change; resumes after the cursor `since`."""
    caller = await _let_in(socket, f"{API}/ws")
    if caller is None:
        return
    plane: Plane = socket.app.state.plane
    feed = _Feed(socket, plane, caller)
    reader = asyncio.create_task(_answer_pings(socket, plane))
    try:
        await feed.run(since, reader)
    except (WebSocketDisconnect, RuntimeError):
        log.debug("console_left", user=caller.name)
    finally:
        reader.cancel()


@router.websocket("/cameras/{name}/live")
async def live(
    socket: WebSocket,
    name: Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,47}(\.sub)?$")],
    codec: Literal["h264"] | None = None,
) -> None:
    """A camera's picture, as its recorder sends it, or as H.264; that it was opened goes into the register."""
    caller = await _let_in(socket, f"{API}/cameras/{{name}}/live", accept=False)
    if caller is None:
        return
    plane: Plane = socket.app.state.plane
    try:
        address = await plane.recorders.of(name)
        url = (
            address.url.rstrip("/").replace("http", "ws", 1)
            + f"/cameras/{name}/live"
            + (f"?codec={codec}" if codec else "")
        )
        headers = {"Authorization": f"Bearer {address.token}"}
        async with websockets.connect(
            url, additional_headers=headers, max_size=None, max_queue=8, open_timeout=5, proxy=None
        ) as upstream:
            await socket.accept()
            await run_in_threadpool(looks.looked_live, plane, caller.who, caller.session, name)
            await _relay(socket, upstream, plane)
    except Problem as problem:
        await _refuse(socket, problem)
    except (OSError, websockets.WebSocketException, TimeoutError) as error:
        await _refuse(socket, Problem("recorder-unreachable", type(error).__name__))


class _Feed:
    """One console's socket: a snapshot, then what changed since."""

    def __init__(self, socket: WebSocket, plane: Plane, caller: Caller) -> None:
        self._socket, self._plane, self._caller = socket, plane, caller
        self._cursor = 0

    async def run(self, since: int | None, reader: asyncio.Task[None]) -> None:
        with self._plane.hub.listen("events", "doors", "cameras", "alarms", "command:", "session") as listener:
            await self._hello(since)
            while not self._plane.hub.closing and not reader.done():
                topics = await self._next(listener, reader)
                if not await run_in_threadpool(self._signed_in):
                    await self._socket.close(SIGNED_OUT)
                    return
                await self._tell(topics, listener)
        await self._socket.close(GOING_AWAY)

    async def _next(self, listener: Listener, reader: asyncio.Task[None]) -> set[str]:
        waiting = asyncio.create_task(listener.wait(CHECK_S))
        await asyncio.wait({waiting, reader}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            return set()
        if waiting.result():
            await asyncio.sleep(SPACING_S)
        return waiting.result()

    async def _hello(self, since: int | None) -> None:
        latest, found = await run_in_threadpool(self._snapshot)
        oldest = max(0, latest - REPLAY)
        self._cursor = latest if since is None else min(max(since, oldest), latest)
        hello = {"type": "hello", "cursor": self._cursor, "doors": found, "cameras": await cameras(self._plane)}
        await self._socket.send_json(hello)
        await self._alarms()
        await self._events()

    async def _tell(self, topics: set[str], listener: Listener) -> None:
        if listener.lagged:
            listener.lagged = False
            await self._hello(self._cursor)
            return
        if "doors" in topics:
            await self._socket.send_json({"type": "doors", "doors": (await run_in_threadpool(self._snapshot))[1]})
        if "cameras" in topics:
            await self._socket.send_json({"type": "cameras", "cameras": await cameras(self._plane)})
        if "alarms" in topics:
            await self._alarms()
        for topic in sorted(topics):
            if topic.startswith("command:"):
                command = await run_in_threadpool(self._command, topic.partition(":")[2])
                await self._socket.send_json({"type": "command", "command": command})
        await self._events()

    async def _alarms(self) -> None:
        found = await run_in_threadpool(self._camera_alarms)
        await self._socket.send_json({"type": "camera_alarms", "alarms": found})

    async def _events(self) -> None:
        while found := await run_in_threadpool(self._after):
            for event in found:
                await self._socket.send_json({"type": "event", "event": event})
            self._cursor = found[-1]["cursor"]

    def _after(self) -> list[dict[str, Any]]:
        with self._plane.database.read() as session:
            return events.after(session, self._cursor, BATCH, self._caller.role)

    def _snapshot(self) -> tuple[int, list[dict[str, Any]]]:
        plane = self._plane
        with plane.database.read() as session:
            found = doors.listed(session, plane.presence, plane.cameras_of_doors, plane.clock())
            return events.latest(session), found

    def _camera_alarms(self) -> list[dict[str, Any]]:
        with self._plane.database.read() as session:
            return camera_alarms.current(session, self._plane.clock())

    def _command(self, id_: str) -> dict[str, Any]:
        with self._plane.database.read() as session:
            return commands.one(session, id_)

    def _signed_in(self) -> bool:
        """A guard's open screen counts as activity; others must do something now and then."""
        plane, caller = self._plane, self._caller
        return sessions.find(plane.database, caller.session, plane.now(), touch=caller.role == "guard") is not None


async def _let_in(socket: WebSocket, path: str, *, accept: bool = True) -> Caller | None:
    try:
        caller = await admit(socket, "WS", path)
    except Problem as problem:
        await _refuse(socket, problem)
        return None
    if accept:
        await socket.accept()
    return caller


async def _refuse(socket: WebSocket, problem: Problem) -> None:
    status, title, _ = PROBLEMS[problem.type]
    body = {"type": problem.type, "title": title, "status": status, "detail": problem.detail or title}
    await socket.send_denial_response(JSONResponse(body, status, media_type="application/problem+json"))


async def _answer_pings(socket: WebSocket, plane: Plane) -> None:
    """The console asks each second whether the line lives, and hears the time: scripts see no pings of the protocol."""
    with suppress(WebSocketDisconnect, RuntimeError):
        while (message := await socket.receive())["type"] != "websocket.disconnect":
            if message.get("text") == PING:
                await socket.send_json({"type": "pong", "at": plane.clock()})


async def _drain(socket: WebSocket) -> None:
    """A viewer says nothing; reading notices that it left."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _relay(socket: WebSocket, upstream: ClientConnection, plane: Plane) -> None:
    """Pass frames on until either side leaves. A slow browser slows the recorder's socket, and the recorder drops."""
    gone = asyncio.create_task(_drain(socket))
    down = asyncio.create_task(_pump(socket, upstream))
    closing = asyncio.create_task(_closing(plane))
    await asyncio.wait({gone, down, closing}, return_when=asyncio.FIRST_COMPLETED)
    left = gone.done()
    for task in (gone, down, closing):
        task.cancel()
    await asyncio.gather(gone, down, closing, return_exceptions=True)
    if not left:
        with suppress(WebSocketDisconnect):  # it left just now, in the middle of a frame
            await socket.close(GOING_AWAY)


async def _pump(socket: WebSocket, upstream: ClientConnection) -> None:
    async for message in upstream:
        if isinstance(message, bytes):
            await socket.send_bytes(message)
        else:
            await socket.send_text(message)


async def _closing(plane: Plane) -> None:
    with plane.hub.listen("nothing") as listener:
        while not plane.hub.closing:
            await listener.wait(CHECK_S)

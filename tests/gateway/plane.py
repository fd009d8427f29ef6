"""A management plane that speaks the contract over real HTTP, and misbehaves when told to."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from gateway import wire

TOKEN = "gateway-token"
LISTS = tuple(wire.KINDS)


class Plane:
    """Rows with versions, a change log, commands to give and events taken."""

    def __init__(self) -> None:
        self.version = 0
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in LISTS}
        self.log: list[tuple[int, str, Any]] = []  # version, list or "deleted", row
        self.floor = 0  # changes after an older version are gone
        self.events: dict[int, dict[str, Any]] = {}
        self.inventories: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.fail: int = 0  # answer everything with this status
        self.bad_digest = False
        self.page_rows = 500
        self.listeners: list[asyncio.Queue[str]] = []
        self.app = FastAPI()
        self._routes()

    def reset(self, rows: dict[str, list[dict[str, Any]]]) -> None:
        """A whole new table: older versions are gone."""
        self.version += 1
        self.floor, self.log = self.version, []
        self.rows = {name: list(rows.get(name, [])) for name in LISTS}
        self.tell("table", {"version": self.version})

    def put(self, name: str, *bodies: dict[str, Any]) -> None:
        self.version += 1
        for body in bodies:
            id_ = wire.row_id(wire.KINDS[name], body)
            self.rows[name] = [each for each in self.rows[name] if wire.row_id(wire.KINDS[name], each) != id_]
            self.rows[name].append(body)
            self.log.append((self.version, name, body))
        self.tell("table", {"version": self.version})

    def delete(self, name: str, id_: str) -> None:
        self.version += 1
        kind = wire.KINDS[name]
        self.rows[name] = [each for each in self.rows[name] if wire.row_id(kind, each) != id_]
        self.log.append((self.version, "deleted", {"kind": kind, "id": id_}))
        self.tell("table", {"version": self.version})

    def tell(self, event: str, data: dict[str, Any]) -> None:
        for listener in self.listeners:
            listener.put_nowait(f"event: {event}\ndata: {json.dumps(data)}\n\n")

    def drop_watches(self) -> None:
        for listener in self.listeners:
            listener.put_nowait("")

    @property
    def acked(self) -> int:
        seq = 0
        while seq + 1 in self.events:
            seq += 1
        return seq

    def _routes(self) -> None:
        base = "/api/v1/gateways/gateway-1"

        @self.app.middleware("http")
        async def guard(request: Request, call: Any) -> Response:
            self.requests.append(request.url.path.rsplit("/", 1)[1])
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                return JSONResponse({"title": "who are you"}, 401)
            if self.fail:
                return JSONResponse({"title": "told to fail"}, self.fail)
            answer: Response = await call(request)
            return answer

        self.app.get(f"{base}/table")(self.table)
        self.app.get(f"{base}/changes", response_model=None)(self.changes)
        self.app.get(f"{base}/watch")(self.watch)
        self.app.post(f"{base}/events")(self.take_events)
        self.app.put(f"{base}/inventory", status_code=204)(self.take_inventory)

    async def table(self, limit: int, after: int = 0) -> dict[str, Any]:
        flat = [(name, body) for name in LISTS for body in self.rows[name]]
        page_rows = min(limit, self.page_rows)
        lists: dict[str, Any] = {name: [] for name in LISTS}
        for name, body in flat[after : after + page_rows]:
            lists[name].append(body)
        end = after + page_rows
        digest = "00" * 32 if self.bad_digest else wire.digest(lists)
        return {"version": self.version, "digest": digest, "next": str(end) if end < len(flat) else None, **lists}

    async def changes(self, after: int, limit: int) -> Any:
        if not self.floor <= after <= self.version:
            return JSONResponse({"type": "cursor-gone", "title": "gone", "status": 410}, 410)
        lists: dict[str, list[Any]] = {name: [] for name in (*LISTS, "deleted")}
        found = [each for each in self.log if each[0] > after]
        page = found[:limit]
        while page and len(page) < len(found) and found[len(page)][0] == page[-1][0]:
            page.append(found[len(page)])
        for _, name, body in page:
            lists[name].append(body)
        more = len(page) < len(found)
        return {"version": page[-1][0] if more else self.version, "more": more, **lists}

    async def watch(self) -> StreamingResponse:
        queue: asyncio.Queue[str] = asyncio.Queue()
        queue.put_nowait(f'event: table\ndata: {{"version": {self.version}}}\n\n')
        self.listeners.append(queue)

        async def stream() -> AsyncIterator[str]:
            try:
                while text := await queue.get():
                    yield text
            finally:
                self.listeners.remove(queue)

        return StreamingResponse(stream(), media_type="text/event-stream")

    async def take_events(self, request: Request) -> dict[str, int]:
        for event in (await request.json())["events"]:
            self.events.setdefault(event["seq"], event)
        return {"acked": self.acked}

    async def take_inventory(self, request: Request) -> None:
        self.inventories.append(await request.json())


class Server:
    """The plane behind a port that stays the same across restarts."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        config = uvicorn.Config(self.plane.app, port=self.port, log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment] # pytest's own
        self._task = asyncio.create_task(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        if self._server is not None and self._task is not None:
            self.plane.drop_watches()
            self._server.should_exit = True
            await self._task
            self._server = None

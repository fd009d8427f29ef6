import asyncio
import json
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import websockets

from mgmt_api.routes import live
from tests.mgmt_api.conftest import GATEWAY, INVENTORY, V1, Served, event


async def tell(served: Served, *events: dict[str, Any]) -> None:
    async with httpx2.AsyncClient(base_url=served.url, trust_env=False) as client:
        sent = {"events": list(events)}
        (await client.post(f"{V1}/gateways/gateway-1/events", json=sent, headers=GATEWAY)).raise_for_status()


@asynccontextmanager
async def console(served: Served, cookie: str, since: int | None = None, **extra: str) -> Any:
    url = f"ws://127.0.0.1:{served.port}{V1}/ws" + (f"?since={since}" if since is not None else "")
    headers = {"Cookie": f"menjin={cookie}", "Origin": served.url, **extra}
    async with websockets.connect(url, additional_headers=headers, proxy=None) as socket:
        yield socket


async def read(socket: Any, kind: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 5))
        if message["type"] == kind:
            return message


@pytest.fixture
def cookie(served: Served) -> str:
    with served.sign_in() as client:
        client.put(f"{V1}/gateways/gateway-1/inventory", json=INVENTORY, headers=GATEWAY).raise_for_status()
        return client.cookies["menjin"]


async def test_a_console_gets_a_snapshot_and_then_what_changes(served: Served, cookie: str) -> None:
    await tell(served, event(1))
    async with console(served, cookie) as socket:
        hello = await read(socket, "hello")
        assert hello["cursor"] == 1
        assert [door["name"] for door in hello["doors"]] == ["lobby-door"]
        assert [camera["name"] for camera in hello["cameras"]] == ["lobby"]
        await tell(served, event(2))
        assert (await read(socket, "event"))["event"]["cursor"] == 2
        changed = {**INVENTORY, "doors": [{**INVENTORY["doors"][0], "open": True}]}
        async with httpx2.AsyncClient(base_url=served.url, trust_env=False) as client:
            await client.put(f"{V1}/gateways/gateway-1/inventory", json=changed, headers=GATEWAY)
            assert (await read(socket, "doors"))["doors"][0]["open"] is True
            headers = {"Cookie": f"menjin={cookie}", "Idempotency-Key": "k"}
            await client.post(f"{V1}/doors/lobby-door/unlock", json={"reason": "x"}, headers=headers)
        command = (await read(socket, "command"))["command"]
        assert (command["door"], command["operator"], command["state"]) == ("lobby-door", "admin", "queued")


async def test_a_console_that_returns_misses_nothing_and_hears_nothing_twice(served: Served, cookie: str) -> None:
    async with console(served, cookie) as socket:
        await read(socket, "hello")
        await tell(served, *[event(seq) for seq in range(1, 4)])
        cursors = [(await read(socket, "event"))["event"]["cursor"] for _ in range(3)]
    await tell(served, *[event(seq) for seq in range(4, 500)])
    async with console(served, cookie, since=cursors[-1]) as socket:
        assert (await read(socket, "hello"))["cursor"] == cursors[-1]
        await tell(served, *[event(seq) for seq in range(500, 510)])
        cursors += [(await read(socket, "event"))["event"]["cursor"] for _ in range(506)]
    assert cursors == list(range(1, 510))


async def test_a_console_away_too_long_is_told_where_to_start(
    served: Served, cookie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "REPLAY", 10)
    await tell(served, *[event(seq) for seq in range(1, 31)])
    async with console(served, cookie, since=5) as socket:
        assert (await read(socket, "hello"))["cursor"] == 20
        assert (await read(socket, "event"))["event"]["cursor"] == 21
    async with console(served, cookie, since=10_000) as socket:
        assert (await read(socket, "hello"))["cursor"] == 30


async def test_a_console_that_lags_takes_a_new_snapshot(served: Served, cookie: str) -> None:
    async with console(served, cookie) as socket:
        await read(socket, "hello")
        served.plane.hub.publish(*(f"command:{i:032x}" for i in range(1000)))
        assert (await read(socket, "hello"))["cursor"] == 0


async def test_the_socket_closes_when_its_session_ends(served: Served, cookie: str) -> None:
    async with console(served, cookie) as socket:
        await read(socket, "hello")
        async with httpx2.AsyncClient(base_url=served.url, trust_env=False) as client:
            await client.delete(f"{V1}/session", headers={"Cookie": f"menjin={cookie}"})
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await read(socket, "never")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401


async def test_the_socket_is_for_this_site_s_own_pages(served: Served, cookie: str) -> None:
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{served.port + 1}"):
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with console(served, cookie, Origin=origin):
                pass
        assert refused.value.response.status_code == 403
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with console(served, "not a session"):
            pass
    assert refused.value.response.status_code == 401


async def test_a_page_s_own_ping_is_answered(served: Served, cookie: str) -> None:
    async with console(served, cookie) as socket:
        await read(socket, "hello")
        before = served.plane.clock()
        await socket.send('{"type":"ping"}')
        assert before <= (await read(socket, "pong"))["at"] <= served.plane.clock()  # a page knows the time by it
        for noise in ("{", "null", b"\x00", "x" * 10_000):
            await socket.send(noise)
        await socket.send('{"type":"ping"}')
        await read(socket, "pong")

"""A real management plane, a gateway that speaks to it over HTTP, a wire that can freeze, and Chromium before it."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from mgmt_api.app import create_app
from mgmt_api.console import build_hook
from mgmt_api.plane import CameraPlace, Estate, Plane
from mgmt_api.recorders import RecorderAddress

expect.set_options(timeout=40_000)

PASSWORD = "correct horse battery"
V1 = "/api/v1"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LABELS = {
    "main-gate": {"zh": "正门", "en": "Main gate"},
    "north-gate": {"zh": "北门", "en": "North gate"},
    "pool": {"zh": "泳池", "en": "Pool"},
}


class Wire:
    """A TCP relay to the plane. Frozen, it keeps all lines open and lets nothing through."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._flowing = threading.Event()
        self._flowing.set()
        self._ears = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._ears.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        self._flowing.clear()

    def thaw(self) -> None:
        self._flowing.set()

    def close(self) -> None:
        self.thaw()
        self._ears.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._ears.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError), source, sink:
            while data := source.recv(65536):
                self._flowing.wait()
                sink.sendall(data)


class Site:
    """The plane under test, and its one gateway."""

    def __init__(self, plane: Plane, server: uvicorn.Server, port: int) -> None:
        self.plane, self.server, self.wire, self.port = plane, server, Wire(port), port
        self.url = f"http://127.0.0.1:{self.wire.port}"
        self._seq = count(1)
        self.doors = {
            name: {"name": name, "number": number, "label": label, "mode": "Locked", "alarm": "Normal",
                   "open": False, "online": True}
            for number, (name, label) in enumerate(LABELS.items(), 1)
        }  # fmt: skip
        headers = {"Authorization": "Bearer gateway-token"}
        self._http = httpx2.Client(base_url=f"http://127.0.0.1:{port}{V1}/gateways/gateway-1", headers=headers)

    def report(self, door: str = "", **change: Any) -> None:
        if door:
            self.doors[door] |= change
        body = {"table_version": 1, "journal_seq": 0, "doors": list(self.doors.values())}
        self._http.put("/inventory", json=body).raise_for_status()

    def tell(self, kind: str, **fields: Any) -> None:
        seq, now = next(self._seq), time.time()
        event = {"seq": seq, "kind": kind, "occurred_at": now, "recorded_at": now, "hash": f"{seq:064x}", **fields}
        self._http.post("/events", json={"events": [event]}).raise_for_status()

    def office(self, path: str, body: dict[str, Any]) -> None:
        """Central sends a record."""
        headers = {"Authorization": "Bearer central-token"}
        httpx2.put(f"http://127.0.0.1:{self.port}{V1}/{path}", json=body, headers=headers).raise_for_status()

    def close(self) -> None:
        self._http.close()
        self.wire.close()


@pytest.fixture(scope="module")
def recorders() -> Sequence[RecorderAddress]:
    """The recorders behind the plane; a module may have some."""
    return ()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, recorders: Sequence[RecorderAddress]) -> Iterator[Site]:
    build_hook.build()
    folder = tmp_path_factory.mktemp("plane")
    estate = Estate(
        site_id=7,
        site_key=bytes(32),
        data_dir=folder,
        gateway_tokens={"gateway-1": "gateway-token"},
        central_tokens={"central": "central-token"},
        cameras=[CameraPlace("gate-camera", {"zh": "正门全景", "en": "Main gate, wide"}, ("main-gate",))],
        command_ttl_s=2.0,
        recorders=recorders,
    )
    plane = Plane(estate)
    with socket.create_server(("127.0.0.1", 0)) as ears:
        config = uvicorn.Config(create_app(plane), log_config=None, ws="websockets-sansio", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [ears]}, daemon=True)
        thread.start()
        opened = Site(plane, server, ears.getsockname()[1])
        while not server.started:
            time.sleep(0.02)
        opened.report()
        yield opened
        plane.hub.close()
        server.should_exit = True
        thread.join(10)
        opened.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        yield chromium
        chromium.close()


class Heard:
    """What the browser complained about, and where it went."""

    def __init__(self, page: Page) -> None:
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))


@pytest.fixture(scope="module")
def signed_in(site: Site, browser: Browser) -> Path:
    """Sign in for the first time, as a person does; the browser's state is kept for the other tests."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    heard = Heard(page)
    page.goto(site.url)
    first = (site.plane.estate.data_dir / "first-password").read_text().strip()
    page.get_by_label("用户名").fill("admin")
    page.get_by_label("密码", exact=True).fill(first)
    page.get_by_role("button", name="登录").click()
    page.get_by_text("首次登录必须先设置自己的密码").wait_for()
    page.get_by_label("当前密码").fill(first)
    page.get_by_label("新密码", exact=True).fill(PASSWORD)
    page.get_by_label("再次输入新密码").fill(PASSWORD)
    page.get_by_role("button", name="保存新密码").click()
    page.get_by_role("region", name="门", exact=True).wait_for()
    assert not [error for error in heard.errors if "Security Policy" in error or "TypeError" in error]
    state = site.plane.estate.data_dir / "browser.json"
    context.storage_state(path=state)
    context.close()
    return state


@pytest.fixture
def context(browser: Browser, signed_in: Path) -> Iterator[BrowserContext]:
    opened = browser.new_context(storage_state=signed_in, viewport={"width": 1366, "height": 768})
    yield opened
    opened.close()


@pytest.fixture
def page(site: Site, context: BrowserContext) -> Page:
    for door in site.doors.values():
        door |= {"mode": "Locked", "alarm": "Normal", "open": False}
    site.report()
    opened = context.new_page()
    opened.set_default_timeout(30_000)
    opened.goto(site.url)
    opened.get_by_text("连接正常").wait_for()
    return opened

"""A recorder with what it recorded, the plane before it, and the console in Chromium: a gap in the middle of all."""

import socket
import threading
import time
from datetime import datetime
from pathlib import Path

import httpx2
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from mgmt_api.app import create_app
from mgmt_api.plane import CameraPlace, Estate, Plane
from mgmt_api.recorders import RecorderAddress
from simulators.browser import READ_CLOCK
from tests.camera.site import TOKEN, CameraSite, RecorderProcess, eventually, wired

from .conftest import PASSWORD, V1

NAMES = {"gate": {"zh": "正门全景", "en": "Main gate, wide"}, "garage": {"zh": "车库入口", "en": "Garage"}}


class Front:
    """The plane before one recorder, served."""

    def __init__(self, folder: Path, recorder: RecorderProcess) -> None:
        estate = Estate(
            site_id=7,
            site_key=bytes(32),
            data_dir=folder / "api",
            gateway_tokens={"gateway-1": "gateway-token"},
            recorders=[RecorderAddress(f"http://127.0.0.1:{recorder.port}", TOKEN)],
            cameras=[CameraPlace(name, label, (f"{name}-door",)) for name, label in NAMES.items()],
        )
        self.plane = Plane(estate)
        self._ears = socket.create_server(("127.0.0.1", 0))
        # As on a port that uvicorn opens itself: asyncio sets it on sockets that name their protocol.
        self._ears.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.url = f"http://127.0.0.1:{self._ears.getsockname()[1]}"
        app = create_app(self.plane)
        config = uvicorn.Config(app, log_config=None, ws="websockets-sansio", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._ears]}, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.02)

    def sign_in(self, browser: Browser) -> BrowserContext:
        """A browser of the admin, past the first password."""
        first = (self.plane.estate.data_dir / "first-password").read_text().strip()
        with httpx2.Client(base_url=self.url, trust_env=False) as client:
            client.post(f"{V1}/session", json={"username": "admin", "password": first}).raise_for_status()
            client.post(f"{V1}/session/password", json={"old": first, "new": PASSWORD}).raise_for_status()
            cookie = client.cookies["menjin"]
        context = browser.new_context(viewport={"width": 1366, "height": 768}, accept_downloads=True)
        context.add_cookies([{"name": "menjin", "value": cookie, "url": self.url}])
        return context

    def close(self) -> None:
        self.plane.hub.close()
        self._server.should_exit = True
        self._thread.join(10)
        self._ears.close()


class House:
    """Two cameras were recorded for a while; the gate's stood still for some seconds in between."""

    def __init__(self, folder: Path) -> None:
        self.rtsp = CameraSite(*(f"/{name}" for name in NAMES))
        cameras = [wired(name, self.rtsp.url(f"/{name}"), doors=(f"{name}-door",)) for name in NAMES]
        self.recorder = RecorderProcess(folder, cameras, segment_s=4)
        eventually(lambda: self.recorder.recorded("gate", 2), 60)
        self.rtsp.tell("stall /gate")
        eventually(lambda: self.recorder.state("gate") == "stalled", 60)
        self.rtsp.tell("resume /gate")
        eventually(lambda: self._stretches() == 2, 60)
        time.sleep(5)
        self.rtsp.kill()
        eventually(lambda: "recording" not in (self.recorder.state(name) for name in NAMES), 60)
        told = self.recorder.timeline("gate")
        self.recorded = [(_ms(each["start"]), _ms(each["end"])) for each in told["recorded"]]
        self.front = Front(folder, self.recorder)
        self.url, self.sign_in = self.front.url, self.front.sign_in

    def tell(self, seq: int, kind: str, door: str, at_ms: float, **fields: str) -> None:
        """The gateway reports an event."""
        event = {"seq": seq, "kind": kind, "occurred_at": at_ms / 1000, "recorded_at": at_ms / 1000, "door": door}
        headers = {"Authorization": "Bearer gateway-token"}
        url = f"{self.url}{V1}/gateways/gateway-1/events"
        body = {"events": [event | {"hash": f"{seq:064x}"} | fields]}
        httpx2.post(url, json=body, headers=headers, trust_env=False).raise_for_status()

    def close(self) -> None:
        self.front.close()
        self.recorder.close()

    def _stretches(self) -> int:
        return len(self.recorder.timeline("gate")["recorded"])


def picture_ms(video: Locator) -> float:
    """The clock in the picture that is shown; 0 while there is none."""
    told = video.evaluate(READ_CLOCK)
    return float(told.get("video_ms", 0))


def deck_ms(page: Page) -> float:
    """The moment that the page says it shows."""
    return _ms(page.locator(".controls-clock").get_attribute("datetime") or "")


def _ms(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp() * 1000

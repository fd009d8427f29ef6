"""An ONVIF camera: IPyCam, an independent virtual camera (MIT), in front of a stream that is served elsewhere.

    python -m simulators.onvif_camera --port 8080 --rtsp 8554 --main gate --sub garage [--user u --password p]

IPyCam answers Device and Media services, WS-Security and WS-Discovery. Added here, from ONVIF's own WSDL: setting the
clock (SetSystemDateAndTime), and what a camera must not get away with: a clock that is wrong, and a stream address that
is no stream's. The line "ready" on stdout says that it listens.
"""

import argparse
import signal
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

from ipycam import onvif
from ipycam.config import CameraConfig
from ipycam.discovery import WSDiscoveryServer
from ipycam.http import IPCameraHTTPHandler
from ipycam.onvif import ONVIFService

TIME = "{http://www.onvif.org/ver10/schema}"
DEVICE = "http://www.onvif.org/ver10/device/wsdl"


class Camera(ONVIFService):  # type: ignore[misc] # the library has no types
    """IPyCam's services, with a clock that can be set, and one address that can be anything."""

    def __init__(self, config: Any, clock_off_s: float, stream: str) -> None:
        super().__init__(config)
        self._off, self._stream = timedelta(seconds=clock_off_s), stream
        onvif._created_within_skew = self._fresh

    def verify_usernametoken(self, soap_body: str) -> bool:
        """Ask for a login, but not for the time (ONVIF Core 5.9.4.3: access class PRE_AUTH)."""
        return "GetSystemDateAndTime" in soap_body or bool(super().verify_usernametoken(soap_body))

    def _fresh(self, created: str) -> bool:
        """Measure a login's age by this camera's own clock, as cameras do."""
        age = datetime.now(UTC) + self._off - datetime.fromisoformat(created.replace("Z", "+00:00"))
        return abs(age) < timedelta(minutes=5)

    def handle_action(self, action: str, body: str) -> str | None:
        """Answer one SOAP action."""
        if "SetSystemDateAndTime" in action or "SetSystemDateAndTime" in body:
            return str(self._wrap_envelope(self._set(body)))
        answer: str | None = super().handle_action(action, body)
        return answer

    def get_system_date_time(self) -> str:
        """Tell the time of this camera."""
        now = datetime.now(UTC) + self._off
        clock = {"hour": now.hour, "minute": now.minute, "second": now.second}
        day = {"year": now.year, "month": now.month, "day": now.day}
        return str(self._wrap_envelope(self._render("get_system_date_time", **clock, **day)))

    def get_stream_uri(self, body: str) -> str:
        """Tell where a profile's stream is; or what was given as such."""
        if not self._stream:
            return str(super().get_stream_uri(body))
        return str(self._wrap_envelope(self._render("get_stream_uri", stream_uri=self._stream)))

    def _set(self, body: str) -> str:
        root = ElementTree.fromstring(body)  # noqa: S314 - what our own tests send
        year, month, day, hour, minute, second = (
            int(root.findtext(f".//{{{DEVICE}}}UTCDateTime//{TIME}{part}") or 0)
            for part in ("Year", "Month", "Day", "Hour", "Minute", "Second")
        )
        self._off = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - datetime.now(UTC)
        return f'<tds:SetSystemDateAndTimeResponse xmlns:tds="{DEVICE}"/>'


def main() -> int:
    """Answer until told to stop."""
    parser = argparse.ArgumentParser(description="A virtual ONVIF camera")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rtsp", type=int, required=True)
    parser.add_argument("--main", default="gate")
    parser.add_argument("--sub", default="garage")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--clock-off", type=float, default=0.0, metavar="S")
    parser.add_argument("--stream", default="", help="told as the address of every stream")
    parser.add_argument("--discovery", action="store_true")
    args = parser.parse_args()
    config = CameraConfig(
        name="gate-1", local_ip="127.0.0.1", onvif_port=args.port, rtsp_port=args.rtsp, main_stream_name=args.main,
        sub_stream_name=args.sub, username=args.user, password=args.password,
    )  # fmt: skip
    service = Camera(config, args.clock_off, args.stream)
    handler = type("Handler", (IPCameraHTTPHandler,), {"camera": SimpleNamespace(onvif=service, config=config)})
    server = ThreadingHTTPServer(("127.0.0.1", args.port), handler)
    server.daemon_threads = True
    if args.discovery:
        WSDiscoveryServer(service).start()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())

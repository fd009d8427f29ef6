"""The driver of a camera that reads codes, against a recorder that misbehaves."""

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from controllers.driver import DeviceEvent, FeedbackCommand, LinkState, Outcome, Result, Signal, TextRead
from controllers.errors import LinkLost
from controllers.qr_camera import QrCameraDriver

Serve = Callable[[bytes, float], QrCameraDriver]


@pytest.fixture
def events() -> list[DeviceEvent]:
    return []


@pytest.fixture
def serve(events: list[DeviceEvent]) -> Iterator[Serve]:
    """Answer with these bytes, then stay silent for so long."""
    servers = []

    def start(body: bytes, quiet_s: float = 0.0) -> QrCameraDriver:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.headers["Authorization"] == "Bearer right" else 401)
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()
                time.sleep(quiet_s)

            def log_message(self, *_: Any) -> None:
                return

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        port = server.server_address[1]
        return QrCameraDriver("gate-qr", "gate", "127.0.0.1", port, "right", events.append, silent_s=0.5)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def line(**message: object) -> bytes:
    return b"event: x\ndata: " + json.dumps(message).encode() + b"\n\n"


def run(driver: QrCameraDriver) -> str:
    with pytest.raises(LinkLost) as lost:
        driver.run(threading.Event())
    return str(lost.value)


def test_codes_become_reads_and_old_ones_stale_reads(serve: Serve, events: list[DeviceEvent]) -> None:
    now = time.time()
    body = line(type="state", up=True, reason="recording")
    body += line(type="code", text="new", at=now) + line(type="code", text="old", at=now - 9)
    assert "closed" in run(serve(body, 0.0))
    reads = [each for each in events if isinstance(each, TextRead)]
    assert [(each.text, each.seen.stale) for each in reads] == [("new", False), ("old", True)]
    links = [each for each in events if isinstance(each, LinkState)]
    assert [each.up for each in links] == [True, False]


@pytest.mark.parametrize(
    "body",
    [b"data: nonsense\n", b"data: [1]\n", line(type="code", text="\u5f00\u95e8", at=1.5), line(type="code", text=1),
     line(type="code", text="A" * 513, at=1.5), b"x" * 9999],
)  # fmt: skip
def test_what_is_no_message_breaks_the_link_and_grants_nothing(
    serve: Serve, events: list[DeviceEvent], body: bytes
) -> None:
    assert run(serve(body, 0.0))
    assert not [each for each in events if isinstance(each, TextRead)]


def test_a_silent_recorder_is_a_lost_link(serve: Serve) -> None:
    began = time.monotonic()
    assert "no recorder" in run(serve(line(type="state", up=True, reason="recording"), 6))
    assert time.monotonic() - began < 5


def test_a_camera_refuses_commands(serve: Serve, events: list[DeviceEvent]) -> None:
    serve(b"", 0.0).submit(FeedbackCommand("c", "gate-qr", Signal.GRANTED, 0.0))
    assert isinstance(events[0], Outcome)
    assert events[0].result is Result.REFUSED

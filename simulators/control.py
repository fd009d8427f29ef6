"""How the virtual site's people move its devices: one JSON object a line over a loopback TCP port.

A request is {"do": name, ...}; the answer {"ok": true, ...} or {"ok": false, "error": words}. Every device answers
"diary" {"since", "wait_s"} with {"entries": [...], "last": n}. A device prints {"ready": true, "control": port} on its
standard output when it serves.
"""

import json
import signal
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from simulators.diary import Diary, Entry

Handler = Callable[[dict[str, Any]], dict[str, Any] | None]


class DeviceError(Exception):
    """A device refused a request or is gone; the text says why."""


class Remote:
    """The other end of a device's control port."""

    def __init__(self, port: int, timeout_s: float = 40) -> None:
        self.port = port
        self._timeout_s = timeout_s

    def call(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Ask once. Raises `DeviceError`."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=self._timeout_s) as link:
                link.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")
                line = link.makefile().readline()
        except OSError as error:
            raise DeviceError(f"no answer to {do!r}: {error}") from error
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the device hung up"}
        if not answer.get("ok"):
            raise DeviceError(f"{do}: {answer.get('error')}")
        return answer

    def last(self) -> int:
        """The number of the newest diary entry."""
        return int(self.call("diary", since=1 << 60)["last"])

    def diary(self, since: int, wait_s: float = 0) -> list[Entry]:
        """Diary entries after number `since`."""
        return list(self.call("diary", since=since, wait_s=wait_s)["entries"])


def serve_device(handlers: Mapping[str, Handler], diary: Diary, stop: threading.Event | None = None) -> None:
    """Answer requests until SIGTERM or SIGINT; blocks the main thread."""
    stop = stop or threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with _Server(handlers, diary) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        sys.stdout.write(json.dumps({"ready": True, "control": server.server_address[1]}) + "\n")
        sys.stdout.flush()
        stop.wait()
        server.shutdown()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, handlers: Mapping[str, Handler], diary: Diary) -> None:
        self.handlers = {"diary": self._diary, **handlers}
        self._entries = diary
        super().__init__(("127.0.0.1", 0), _Line)

    def _diary(self, request: dict[str, Any]) -> dict[str, Any]:
        entries = self._entries.since(int(request.get("since", 0)), float(request.get("wait_s", 0)))
        return {"entries": entries, "last": self._entries.last}


class _Line(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        for line in self.rfile:
            try:
                request = json.loads(line)
                answer = {"ok": True, **(self.server.handlers[request["do"]](request) or {})}
            except Exception as error:  # noqa: BLE001 - whatever the device met is the caller's answer
                answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
            self.wfile.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")

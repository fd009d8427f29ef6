"""A process: the estate's central system (物业管理系统). It pushes who may go where, and keeps the events it is sent.

    python -m simulators.central --url http://127.0.0.1:8090 --token-file secrets/central.token --truth central.json

Requests: push {operations?} (the whole truth by default, in batches), put {kind, id, body}, delete {kind, id},
post {path, body}, events {since, wait_s}, diary. The events feed is followed all the time, from the last cursor,
through every outage.
"""

import argparse
import contextlib
import json
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import httpx2

from simulators.control import DeviceError, serve_device
from simulators.diary import Diary

BATCH = 1000  # the interface takes up to 5000 operations at once
FEED_WAIT_S = 10
RETRY_S = 0.2
HEARTBEAT_S = 60.0  # central confirms what it sent: without it leases run down, visitors' first
EPOCH = "2026-1"


class Central:
    """The client side of central's HTTP interface."""

    def __init__(self, url: str, token: str, truth: dict[str, Any], diary: Diary) -> None:
        self.events = Diary()
        self._truth = truth
        self._diary = diary
        self._http = httpx2.Client(
            base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=FEED_WAIT_S + 10
        )

    def push(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send these operations, or the whole truth; answers the table version reached."""
        operations = request.get("operations") or self._truth["operations"]
        state = self._ask("GET", "sync/state")
        seq = int(state.get("seq") or 0)
        answer: dict[str, Any] = {}
        for at in range(0, len(operations), BATCH):
            ops = operations[at : at + BATCH]
            batch = {"epoch": state.get("epoch") or EPOCH, "base_seq": seq, "to_seq": seq + len(ops), "ops": ops}
            answer = self._ask("POST", "sync/changes", batch, {"Idempotency-Key": uuid.uuid4().hex})
            seq += len(ops)
        return {"sent": len(operations), "answer": answer}

    def put(self, request: dict[str, Any]) -> dict[str, Any]:
        """Write one object whole."""
        return {"answer": self._ask("PUT", f"{request['kind']}/{request['id']}", request["body"])}

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        """Remove one object."""
        return {"answer": self._ask("DELETE", f"{request['kind']}/{request['id']}")}

    def post(self, request: dict[str, Any]) -> dict[str, Any]:
        """Any other order, such as a visitor pass."""
        return {"answer": self._ask("POST", request["path"], request["body"])}

    def since(self, request: dict[str, Any]) -> dict[str, Any]:
        """Events received after a number."""
        entries = self.events.since(int(request.get("since", 0)), float(request.get("wait_s", 0)))
        return {"entries": entries, "last": self.events.last}

    def follow(self, stop: threading.Event) -> None:
        """Read the feed for ever; an outage only delays."""
        cursor, beat = 0, time.monotonic()
        while not stop.is_set():
            if time.monotonic() - beat >= HEARTBEAT_S:
                beat = time.monotonic()
                self._confirm()
            try:
                page = self._ask("GET", f"events?after={cursor}&limit=1000&wait={FEED_WAIT_S}")
            except DeviceError as error:
                self._diary.write("feed_lost", reason=str(error))
                stop.wait(RETRY_S)
                continue
            for event in page["events"]:
                self.events.write("event", event=event)
            cursor = page["next"] if page["next"] is not None else cursor

    def _confirm(self) -> None:
        """Stand by what was sent; a push on its way moves the position, and says as much."""
        with contextlib.suppress(DeviceError):
            state = self._ask("GET", "sync/state")
            if state["epoch"] is not None:
                self._ask("POST", "sync/heartbeat", {"epoch": state["epoch"], "seq": state["seq"]})

    def _ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> dict[str, Any]:
        started = time.monotonic()
        try:
            answer = self._http.request(method, path, json=body, headers=headers)
        except httpx2.HTTPError as error:
            raise DeviceError(f"{method} {path.split('?')[0]}: {type(error).__name__}") from error
        if answer.is_error:
            raise DeviceError(f"{method} {path.split('?')[0]}: {answer.status_code} {answer.text[:300]}")
        if method != "GET":
            self._diary.write(
                "sent", path=path, status=answer.status_code, ms=round((time.monotonic() - started) * 1e3)
            )
        result: dict[str, Any] = answer.json() if answer.content else {}
        return result


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="the estate's central system")
    parser.add_argument("--url", required=True)
    parser.add_argument("--token-file", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    arguments = parser.parse_args()
    diary, stop = Diary(), threading.Event()
    truth = json.loads(arguments.truth.read_text(encoding="utf-8"))
    central = Central(arguments.url, arguments.token_file.read_text().strip(), truth, diary)
    threading.Thread(target=central.follow, args=(stop,), daemon=True).start()
    handlers = {
        "push": central.push,
        "put": central.put,
        "delete": central.delete,
        "post": central.post,
        "events": central.since,
    }
    serve_device(handlers, diary, stop)


if __name__ == "__main__":
    main()

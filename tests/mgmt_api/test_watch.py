import json
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from tests.mgmt_api.conftest import CENTRAL, GATEWAY, INVENTORY, V1, Served, event, ground

Message = tuple[str, dict[str, Any], float]


class Watch:
    """A gateway's watch: what comes, with the moment it came."""

    def __init__(self, served: Served) -> None:
        self.messages: queue.Queue[Message | None] = queue.Queue()
        self._url = f"{served.url}{V1}/gateways/gateway-1/watch"
        threading.Thread(target=self._read).start()

    def next(self, kind: str, timeout_s: float = 30) -> tuple[dict[str, Any], float]:
        while (message := self.messages.get(timeout=timeout_s)) is not None:
            if message[0] == kind:
                return message[1], message[2]
        raise EOFError(kind)

    def _read(self) -> None:
        kind = ""
        with httpx2.stream("GET", self._url, headers=GATEWAY, timeout=30, trust_env=False) as answer:
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    kind = line[7:]
                elif line.startswith("data: "):
                    self.messages.put((kind, json.loads(line[6:]), time.monotonic()))
        self.messages.put(None)


@contextmanager
def at_the_desk(served: Served) -> Iterator[httpx2.Client]:
    with served.sign_in() as client:
        client.put(f"{V1}/gateways/gateway-1/inventory", json=INVENTORY, headers=GATEWAY).raise_for_status()
        yield client


def unlock(client: httpx2.Client, key: str = "k1", door: str = "lobby-door", reason: str = "快递") -> httpx2.Response:
    return client.post(f"{V1}/doors/{door}/unlock", json={"reason": reason}, headers={"Idempotency-Key": key})


def state(client: httpx2.Client, command: str) -> str:
    return str(client.get(f"{V1}/commands/{command}").json()["state"])


def test_a_command_reaches_the_gateway_at_once_and_once(served: Served) -> None:
    with at_the_desk(served) as client:
        watch = Watch(served)
        watch.next("table")
        start, sent_at = time.monotonic(), time.time()
        ordered = unlock(client)
        assert ordered.status_code == 202
        command, arrived = watch.next("command")
        assert arrived - start < 10
        assert command["id"] == ordered.json()["command_id"]
        assert (command["action"], command["door"], command["operator"]) == ("unlock", "lobby-door", "admin")
        assert command["reason"] == "快递"
        assert 0 < command["expires_at"] - sent_at <= 5.5
        assert state(client, command["id"]) == "sent"
        assert unlock(client).json() == ordered.json()
        assert unlock(client, reason="other").json()["type"] == "idempotency-key-reused"
        again = Watch(served)
        again.next("table")
        time.sleep(0.3)
        assert again.messages.empty()
        outcome = event(1, "CommandOutcome", command_id=command["id"], reason="Done")
        client.post(f"{V1}/gateways/gateway-1/events", json={"events": [outcome]}, headers=GATEWAY).raise_for_status()
        assert state(client, command["id"]) == "Done"


def test_a_newer_watch_takes_over_from_a_dead_one(served: Served) -> None:
    with at_the_desk(served) as client:
        old = Watch(served)
        old.next("table")
        new = Watch(served)
        new.next("table")
        unlock(client)
        assert new.next("command")[0]["door"] == "lobby-door"
        assert old.messages.get(timeout=5) is None


def test_a_command_that_nobody_takes_expires(served: Served) -> None:
    with at_the_desk(served) as client:
        command = unlock(client).json()["command_id"]
        assert state(client, command) == "queued"
        deadline = time.monotonic() + 10
        while state(client, command) == "queued" and time.monotonic() < deadline:
            time.sleep(0.2)
        assert state(client, command) == "Expired"
        watch = Watch(served)
        watch.next("table")
        time.sleep(0.3)
        assert watch.messages.empty()


def test_an_unlock_needs_a_door_a_reason_and_a_key(served: Served) -> None:
    with at_the_desk(served) as client:
        assert unlock(client, door="nowhere").status_code == 404
        assert unlock(client, reason="  ").status_code == 422
        bare = client.post(f"{V1}/doors/lobby-door/unlock", json={"reason": "x"})
        assert bare.json()["type"] == "idempotency-key-required"
        assert client.get(f"{V1}/audit").json()["entries"][0]["action"] != "door.unlock"
        unlock(client)
        entry = client.get(f"{V1}/audit").json()["entries"][0]
        assert (entry["actor"], entry["action"], entry["target"]) == ("admin", "door.unlock", "lobby-door")


def test_a_revocation_is_told_at_once(served: Served) -> None:
    with httpx2.Client(base_url=served.url, trust_env=False) as client:
        ground(client)
        watch = Watch(served)
        first, _ = watch.next("table")
        start = time.monotonic()
        gone = client.delete(f"{V1}/residents/r1", headers=CENTRAL).json()
        told, arrived = watch.next("table")
        assert arrived - start < 10
        assert told["version"] == gone["version"] == first["version"]
        client.put(f"{V1}/zones/z2", json={}, headers=CENTRAL)
        assert watch.next("table")[0]["version"] == first["version"] + 1


def test_doors_come_with_their_cameras_and_what_the_gateway_says(served: Served) -> None:
    with at_the_desk(served) as client:
        extra = {"gateway": "gateway-1", "cameras": ["lobby"], "online": True}
        [door] = client.get(f"{V1}/doors").json()
        told = INVENTORY["doors"][0] | extra
        assert {name: door[name] for name in told} == told

"""Campaign 5: SIGKILL of the management process while it takes in a batch or puts a snapshot in place."""

import json
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx2
import pytest

from gateway import wire
from simulators.site import READERS
from tests.faults.grounds import Grounds, eventually
from tests.faults.plane import Plane

EPOCH = "2026-1"
NEW = 150  # residents, each with a card, that a batch brings
Json = dict[str, Any]


@pytest.fixture
def plane(fresh: Grounds) -> Iterator[Plane]:
    """The plane, and a gateway that follows it."""
    fresh.field("readers")
    made = Plane(fresh)
    fresh.start_menjin("gateway")
    fresh.secure(*READERS)
    yield made
    made.close()


def newcomers(number: int) -> list[Json]:
    """A wave of residents with cards; the wave before it moves out."""
    ops: list[Json] = []
    for each in range(NEW):
        id_ = f"{number}-{each}"
        card = {"resident": f"r-w{id_}", "type": "card", "format": "H10306", "facility": 900 + number, "card": each}
        ops.append({"op": "put", "kind": "residents", "id": f"r-w{id_}", "body": {"name": f"新住户{each}"}})
        ops.append({"op": "put", "kind": "credentials", "id": f"c-w{id_}", "body": card | {"profiles": ["building-1"]}})
        ops.append({"op": "delete", "kind": "residents", "id": f"r-w{number - 1}-{each}"})
    return ops


def ask(ground: Grounds, method: str, path: str, **request: Any) -> Json:
    with ground.central_http() as central:
        answer = central.request(method, path, **request)
        assert answer.status_code < 300, answer.text[:500]
        found: Json = answer.json()
        return found


def kill_within(plane: Plane, delay_s: float, method: str, path: str, **request: Any) -> Json | None:
    """Ask, and kill the process so long after; the answer, if it came before the end."""
    ground, heard = plane.ground, []

    def call() -> None:
        try:
            heard.append(ask(ground, method, path, **request))
        except httpx2.HTTPError:
            return

    asking = threading.Thread(target=call)
    asking.start()
    time.sleep(delay_s)
    ground.kill("api")
    asking.join(30)
    ground.start_menjin("api")
    return heard[0] if heard else None


def offered(ground: Grounds) -> dict[tuple[str, str], Json]:
    """The whole table that the plane gives to its gateway."""
    token = ground.site.secret("gateway.token").read_text()
    rows: dict[tuple[str, str], Json] = {}
    after: str | None = None
    with httpx2.Client(base_url=ground.site.api_url, timeout=30, trust_env=False) as http:
        while True:
            query: dict[str, Any] = {"form": wire.FORM} | ({"after": after} if after else {})
            headers = {"Authorization": f"Bearer {token}"}
            page = http.get("/api/v1/gateways/gateway-1/table", params=query, headers=headers).raise_for_status().json()
            rows |= {(kind, wire.row_id(kind, body)): body for kind, body in wire.rows_of(page)}
            after = page["next"]
            if after is None:
                return rows


def mirrored(ground: Grounds) -> dict[tuple[str, str], Json]:
    """The table that the gateway holds."""
    with closing(sqlite3.connect(f"file:{ground.mirror}?mode=ro", uri=True)) as db:
        return {(kind, id_): json.loads(body) for kind, id_, body in db.execute("SELECT kind, id, body FROM row")}


def office(plane: Plane) -> dict[str, Any]:
    """All that central gave; what the gateway tells meanwhile is left out."""
    return {name: rows for name, rows in plane.kept().items() if name not in ("gateway", "event", "counter", "command")}


def wave_of(plane: Plane) -> dict[str, int]:
    """How many credentials of each wave the plane keeps."""
    ids = [str(row[0]) for row in plane.kept()["credential"]]
    return dict(Counter(id_.rpartition("-")[0] for id_ in ids if id_.startswith("c-w")))


def test_a_batch_is_taken_whole_or_not_at_all_and_the_gateway_follows(plane: Plane, long: bool) -> None:
    ground, dice, taken = plane.ground, random.Random(5), 0
    rounds, took_s = 60 if long else 3, 0.3
    for number in range(1, rounds + 1):
        seq, before = int(ask(ground, "GET", "/sync/state")["seq"]), office(plane)
        ops, wave = newcomers(number), wave_of(plane)
        batch = {"epoch": EPOCH, "base_seq": seq, "to_seq": seq + len(ops), "ops": ops}
        request = {"json": batch, "headers": {"Idempotency-Key": f"wave-{number}"}}
        answer = kill_within(plane, dice.random() * took_s * 1.5, "POST", "/sync/changes", **request)
        stand, after = int(ask(ground, "GET", "/sync/state")["seq"]), office(plane)
        assert stand in (seq, seq + len(ops))
        assert wave_of(plane) == ({f"c-w{number}": NEW} if stand > seq else wave)
        assert stand > seq or after == before
        assert stand > seq or answer is None, "what was answered is kept"
        taken += stand > seq
        started = time.monotonic()
        again = ask(ground, "POST", "/sync/changes", **request)
        took_s = time.monotonic() - started if stand == seq else took_s
        assert answer in (None, again), "asked again, it is the same answer"
        assert again["seq"] == seq + len(ops)
        eventually(lambda: mirrored(ground) == offered(ground), every_s=0.4)
    assert wave_of(plane) == {f"c-w{rounds}": NEW}
    ground.opens("reader-b1", ground.card("building-1"))


def test_a_snapshot_is_put_in_place_whole_or_not_at_all_and_the_gateway_follows(plane: Plane, long: bool) -> None:
    ground, dice = plane.ground, random.Random(6)
    took_s, base = 0.5, list(ground.site.estate.operations())
    for number in range(1, (60 if long else 2) + 1):
        seq, before = int(ask(ground, "GET", "/sync/state")["seq"]), plane.kept()["credential"]
        lines = [*base, *(op for op in newcomers(number) if op["op"] == "put")]
        text = "\n".join(json.dumps({name: op[name] for name in ("kind", "id", "body")}) for op in lines)
        id_ = ask(ground, "POST", "/sync/snapshots", json={"epoch": EPOCH, "seq": seq + 1})["id"]
        ask(ground, "PUT", f"/sync/snapshots/{id_}/parts/0", content=text.encode())
        confirm = confirmed(ground, id_) if number > 1 else {}
        kill_within(plane, dice.random() * took_s * 1.2, "POST", f"/sync/snapshots/{id_}/commit", json=confirm)
        stand = int(ask(ground, "GET", "/sync/state")["seq"])
        assert stand in (seq, seq + 1)
        if stand == seq:
            assert plane.kept()["credential"] == before
            started = time.monotonic()
            ask(ground, "POST", f"/sync/snapshots/{id_}/commit", json=confirm)
            took_s = time.monotonic() - started
        assert wave_of(plane) == {f"c-w{number}": NEW}
        eventually(lambda: mirrored(ground) == offered(ground), every_s=0.4)
    ground.opens("reader-b1", ground.card("building-1"))


def confirmed(ground: Grounds, id_: str) -> Json:
    """The token that a mass removal asks for: each wave removes the one before."""
    with ground.central_http() as central:
        problem = central.post(f"/sync/snapshots/{id_}/commit", json={}).json()
    assert problem["type"] == "mass-removal"
    return {"confirm": problem["confirm"]}

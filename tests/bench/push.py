"""Push 100,000 residents with a card each, from first byte to committed, beside FastAPI with an ORM.

Both run as processes of their own on the same disk, one after the other, and are asked over loopback HTTP, one round
each. The peer takes its residents as one JSON body into Pydantic models and writes them with `session.add_all`, as the
frameworks' own tutorials do. It is asked for all 100,000 too, for its time does not grow in a straight line: scaled up
from 5,000 it came to 9.2 s, whole it took 11.6 s. It neither hashes card numbers nor seals phones, and keeps nothing to
compare with: that is ours to pay for. A real gateway follows, with no table yet: "to a door obeying" ends when the
generation that holds all of it is in force there.
"""

import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from ruamel.yaml import YAML
from sqlalchemy import ForeignKey, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from config.secret import new_key, write_secret

RESIDENTS = 100_000
PART_LINES = 10_000
V1 = "/api/v1"
TOKEN = "central-token-of-the-bench"
Row = dict[str, object]


def run() -> list[Row]:
    """The rows of the bench's table: value beside peer."""
    build = Path("build")
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="push-", dir=build) as folder:
        ours = _ours(Path(folder))
        peer = _peer(Path(folder))
    first, again = ours["first_s"], ours["again_s"]
    memory = peer["memory_mb"] / ours["memory_mb"]
    return [
        _row("push of 100,000 residents to a door obeying", ours["obeyed_s"], "s", None, None, "one round"),
        _row("push of 100,000 residents with cards", first, "s", peer["s"], peer["s"] / first, "one round each"),
        _row("the same push again, nothing changed", again, "s", first, first / again, "peer: our first push"),
        _row(
            "server memory, peak over idle", ours["memory_mb"], "MB", peer["memory_mb"], memory, "both pushes of ours"
        ),
        _row("longest wait for /healthz meanwhile", ours["lag_ms"], "ms", None, None, "asked ten times a second"),
    ]


def _row(name: str, value: float, unit: str, peer: float | None, ratio: float | None, spread: str) -> Row:
    return {"name": name, "value": value, "unit": unit, "peer": peer, "ratio": ratio, "spread": spread}


# --- ours -------------------------------------------------------------------------------------------------------------


def _ours(folder: Path) -> dict[str, float]:
    parts = list(_parts(RESIDENTS))
    port = _free_port()
    site = _site(folder, port)
    serving, following = _serving(port, "-m", "mgmt_api", str(site)), _following(site)
    with serving as (client, child), following as in_force, _lag(port) as waits_ms:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        idle_mb = _memory_mb(child, "VmRSS")
        begun_s = time.perf_counter()
        version = _push(client, parts, 1)
        first_s = time.perf_counter() - begun_s
        in_force(version)
        obeyed_s = time.perf_counter() - begun_s
        again_s = _timed(lambda: _push(client, parts, 2))
        memory_mb = _memory_mb(child, "VmHWM") - idle_mb
    return {
        "first_s": first_s,
        "obeyed_s": obeyed_s,
        "again_s": again_s,
        "memory_mb": memory_mb,
        "lag_ms": max(waits_ms),
    }


@contextmanager
def _following(site: Path) -> Iterator[Callable[[int], None]]:
    """A gateway process, and a wait until a table version is in force there."""
    command = [sys.executable, "-m", "mgmt_api.cli", "gateway", "--config", str(site)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr
        said = (json.loads(line) for line in child.stderr if line.startswith("{"))

        def in_force(version: int) -> None:
            for line in said:
                if line["event"] == "generation in force" and line["version"] >= version:
                    return
            raise RuntimeError("the gateway ended")

        try:
            yield in_force
        finally:
            child.terminate()


def _push(client: httpx2.Client, parts: list[bytes], seq: int) -> int:
    """As central does it: open, parts, commit. Answers the table version."""
    opened = client.post(f"{V1}/sync/snapshots", json={"epoch": 1, "seq": seq}).raise_for_status()
    url = f"{V1}/sync/snapshots/{opened.json()['id']}"
    for number, part in enumerate(parts):
        client.put(f"{url}/parts/{number}", content=part).raise_for_status()
    version: int = client.post(f"{url}/commit").raise_for_status().json()["version"]
    return version


def _parts(residents: int) -> Iterator[bytes]:
    lines = [json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in _records(residents)]
    for start in range(0, len(lines), PART_LINES):
        yield b"".join(lines[start : start + PART_LINES])


def _records(residents: int) -> Iterator[dict[str, object]]:
    yield {"kind": "zones", "id": "z1", "body": {"public": True}}
    window = {"weekday": 1, "start": "00:00", "end": "24:00"}
    yield {"kind": "schedules", "id": "s1", "body": {"windows": [window]}}
    yield {"kind": "profiles", "id": "p1", "body": {"number": 1, "policies": [{"schedule": "s1", "zone": "z1"}]}}
    for i in range(residents):
        person, card = _resident(i)
        yield {"kind": "residents", "id": f"r{i}", "body": person}
        yield {"kind": "credentials", "id": f"c{i}", "body": card | {"resident": f"r{i}", "profiles": ["p1"]}}


def _resident(i: int) -> tuple[dict[str, Any], dict[str, Any]]:
    person = {"name": f"住户{i}", "unit": f"{i % 60}-{i % 4}-{i}", "phone": f"138{i:08d}"}
    card = {"type": "card", "format": "WG34N", "facility": 0, "card": i, "valid_to": "2030-01-01T00:00:00+08:00"}
    return person, card


def _site(folder: Path, port: int) -> Path:
    write_secret(folder / "site.key", new_key())
    write_secret(folder / "central.token", TOKEN)
    write_secret(folder / "gateway.token", new_key())
    site = {
        "site": {"id": 1, "name": {"zh": "园", "en": "Estate"}},
        "data_dir": "data",
        "secrets": {"site_key_file": "site.key", "reader_keys_file": "readers.json"},
        "gateway": {"id": "gateway-1", "api": {"url": f"http://127.0.0.1:{port}", "token_file": "gateway.token"}},
        "api": {
            "port": port,
            "central": [{"name": "central", "token_file": "central.token"}],
            "gateways": [{"name": "gateway-1", "token_file": "gateway.token"}],
        },
    }
    YAML().dump(site, folder / "site.yaml")
    return folder / "site.yaml"


@contextmanager
def _lag(port: int) -> Iterator[list[float]]:
    """How long each of many small requests took meanwhile, in milliseconds."""
    waits_ms, stop = [0.0], threading.Event()

    def ask() -> None:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            while not stop.wait(0.1):
                waits_ms.append(_timed(lambda: client.get("/healthz")) * 1000)

    asking = threading.Thread(target=ask)
    asking.start()
    yield waits_ms
    stop.set()
    asking.join()


# --- the peer ---------------------------------------------------------------------------------------------------------


def _peer(folder: Path) -> dict[str, float]:
    port = _free_port()
    people = ((i, *_resident(i)) for i in range(RESIDENTS))
    body = json.dumps([{"id": f"r{i}", **person, "card": card} for i, person, card in people]).encode()
    headers = {"Content-Type": "application/json"}
    with _serving(port, "-m", "tests.bench.push", str(port), str(folder / "peer.db")) as (client, child):
        idle_mb = _memory_mb(child, "VmRSS")
        took_s = _timed(lambda: client.post("/push", content=body, headers=headers).raise_for_status())
        memory_mb = _memory_mb(child, "VmHWM") - idle_mb
    return {"s": took_s, "memory_mb": memory_mb}


class CardIn(BaseModel):
    """The peer's card."""

    type: str
    format: str
    facility: int
    card: int
    valid_to: datetime


class ResidentIn(BaseModel):
    """The peer's resident."""

    id: str
    name: str
    unit: str
    phone: str
    card: CardIn


class Base(DeclarativeBase):
    """The peer's tables."""


class Resident(Base):
    """A resident as an ORM keeps one."""

    __tablename__ = "resident"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    unit: Mapped[str] = mapped_column(index=True)
    phone: Mapped[str]


class Card(Base):
    """A card as an ORM keeps one."""

    __tablename__ = "card"
    id: Mapped[int] = mapped_column(primary_key=True)
    resident: Mapped[str] = mapped_column(ForeignKey("resident.id"), index=True)
    format: Mapped[str]
    facility: Mapped[int]
    number: Mapped[int] = mapped_column(index=True)
    valid_to: Mapped[datetime]


def _peer_app(path: str) -> FastAPI:
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _durable(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    Base.metadata.create_all(engine)
    app = FastAPI()

    @app.get("/healthz")
    def health() -> dict[str, str]:
        return {}

    @app.post("/push")
    def push(body: list[ResidentIn]) -> dict[str, int]:
        with Session(engine) as session:
            session.add_all([Resident(id=each.id, name=each.name, unit=each.unit, phone=each.phone) for each in body])
            session.flush()
            session.add_all([_card(each) for each in body])
            session.commit()
        return {"residents": len(body)}

    return app


def _card(person: ResidentIn) -> Card:
    card = person.card
    return Card(
        resident=person.id, format=card.format, facility=card.facility, number=card.card, valid_to=card.valid_to
    )


# --- both -------------------------------------------------------------------------------------------------------------


@contextmanager
def _serving(port: int, *arguments: str) -> Iterator[tuple[httpx2.Client, int]]:
    """A client of a server process that is up, and its process id."""
    child = subprocess.Popen([sys.executable, *arguments], stderr=subprocess.DEVNULL)
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=120, trust_env=False) as client:
            _wait_for(client)
            yield client, child.pid
    finally:
        child.terminate()
        child.wait()


def _wait_for(client: httpx2.Client, most_s: float = 30) -> None:
    until = time.monotonic() + most_s
    while True:
        try:
            client.get("/healthz").raise_for_status()
            return
        except httpx2.HTTPError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _memory_mb(pid: int, field: str) -> float:
    """VmRSS (now) or VmHWM (the most so far) of a process, in 10^6 bytes."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(field)]
    return int(line.split()[1]) * 1024 / 1e6


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    uvicorn.run(_peer_app(sys.argv[2]), port=int(sys.argv[1]), log_level="error")

import itertools
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from starlette.testclient import TestClient

from mgmt_api.app import create_app, prepare
from mgmt_api.plane import CameraPlace, Estate, Plane

SITE_KEY = bytes(range(32))
GATEWAY = {"Authorization": "Bearer gateway-token"}
CENTRAL = {"Authorization": "Bearer central-token"}
ADMIN_PASSWORD = "correct horse battery"
STAFF_PASSWORD = "a guard's own password"
V1 = "/api/v1"


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return Estate(
        site_id=7,
        site_key=SITE_KEY,
        data_dir=tmp_path / "api",
        gateway_tokens={"gateway-1": "gateway-token", "gateway-2": "other-gateway-token"},
        central_tokens={"central": "central-token"},
        cameras=[CameraPlace("lobby", {"zh": "大堂", "en": "Lobby"}, ("lobby-door",))],
        issuer_key=generate_private_key(SECP256R1()),
        console_dir=tmp_path / "console",
    )


@pytest.fixture
def plane(estate: Estate, clock: Clock) -> Plane:
    return Plane(estate, clock)


@pytest.fixture
def client(plane: Plane) -> Iterator[TestClient]:
    with TestClient(create_app(plane), client=("127.0.0.1", 50000)) as opened:
        yield opened


@pytest.fixture
def admin(client: TestClient, plane: Plane) -> TestClient:
    """The client, signed in as admin with the first password changed."""
    first = (plane.estate.data_dir / "first-password").read_text().strip()
    sign_in(client, "admin", first)
    changed = client.post(f"{V1}/session/password", json={"old": first, "new": ADMIN_PASSWORD})
    assert changed.status_code == 204, changed.text
    return client


def sign_in(client: TestClient, user: str, password: str) -> dict[str, Any]:
    answer = client.post(f"{V1}/session", json={"username": user, "password": password})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["user"]
    return found


def staff(admin: TestClient, name: str, role: str) -> dict[str, str]:
    """A user of `role` with a password of his own; his Cookie header."""
    first = "the first password"
    made = admin.post(f"{V1}/users", json={"username": name, "role": role, "password": first})
    assert made.status_code == 201, made.text
    other = TestClient(admin.app)
    sign_in(other, name, first)
    other.post(f"{V1}/session/password", json={"old": first, "new": STAFF_PASSWORD})
    return {"Cookie": f"menjin={other.cookies['menjin']}"}


_numbers = itertools.count(1)


def card(resident: str = "r1", number: int | None = None, **extra: Any) -> dict[str, Any]:
    number = next(_numbers) if number is None else number
    body = {"resident": resident, "type": "card", "format": "H10301", "facility": 1, "card": number}
    return body | {"profiles": ["p1"]} | extra


def ground(client: httpx2.Client) -> None:
    """A zone, a schedule, a profile and a resident."""
    for path, body in {
        "zones/z1": {"parent": None, "public": True, "name": {"zh": "大堂", "en": "Lobby"}},
        "schedules/s1": {"windows": [{"weekday": 1, "start": "22:00", "end": "06:00"}]},
        "profiles/p1": {"number": 1, "policies": [{"schedule": "s1", "zone": "z1"}]},
        "residents/r1": {
            "name": "王小明",
            "unit": "3-2-501",
            "phone": "138 0000 1234",
            "id_number": "11010519491231002X",
        },
    }.items():
        answer = client.put(f"{V1}/{path}", json=body, headers=CENTRAL)
        assert answer.status_code == 201, answer.text


def event(seq: int, kind: str = "Granted", **extra: Any) -> dict[str, Any]:
    made = {"seq": seq, "kind": kind, "occurred_at": 1_800_000_000.25 + seq, "recorded_at": 1_800_000_000.5 + seq}
    return made | {"hash": f"{seq:064x}", "door": "lobby-door"} | extra


INVENTORY: dict[str, Any] = {
    "table_version": 1,
    "journal_seq": 0,
    "doors": [
        {
            "name": "lobby-door",
            "number": 1,
            "label": {"zh": "大堂", "en": "Lobby"},
            "mode": "Locked",
            "alarm": "Normal",
            "open": False,
            "online": True,
        }
    ],
    "devices": [{"name": "reader-1", "kind": "osdp", "online": True, "secure": True, "reason": ""}],
    "access_points": [{"name": "lobby-in", "door": "lobby-door", "zone_from": "out", "zone_to": "z1"}],
}


class Served:
    """The app behind a real server on a free port of this machine."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(create_app(plane), log_config=None, ws="websockets-sansio", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    def __enter__(self) -> "Served":
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.plane.hub.close()
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()
        assert not self._thread.is_alive()

    @contextmanager
    def sign_in(self) -> Iterator[httpx2.Client]:
        """A client of the admin, past his first password."""
        with httpx2.Client(base_url=self.url, trust_env=False) as client:
            first = (self.plane.estate.data_dir / "first-password").read_text().strip()
            client.post(f"{V1}/session", json={"username": "admin", "password": first}).raise_for_status()
            body = {"old": first, "new": ADMIN_PASSWORD}
            client.post(f"{V1}/session/password", json=body).raise_for_status()
            yield client


@pytest.fixture
def served(estate: Estate) -> Iterator[Served]:
    with Served(Plane(estate)) as running:
        yield running


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """A plane without a server, for many examples in a row."""
    folder: Path = tmp_path_factory.mktemp("bare")
    plane = Plane(Estate(site_id=1, site_key=SITE_KEY, data_dir=folder), lambda: 1_800_000_000.0)
    prepare(plane)
    yield plane
    plane.close()

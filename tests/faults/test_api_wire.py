"""Campaign 3b: HTTP itself abused: lying lengths, half-open requests, odd paths, spoofed headers, sockets."""

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest
import websockets
from websockets.sync.client import connect

from mgmt_api.access import API
from tests.faults.grounds import Grounds, eventually
from tests.faults.plane import Plane

MOST_BYTES = 350 << 20
MB = 1 << 20


@pytest.fixture(scope="module")
def plane(ground: Grounds) -> Iterator[Plane]:
    made = Plane(ground)
    yield made
    made.close()


def dial(plane: Plane) -> socket.socket:
    return socket.create_connection(("127.0.0.1", plane.ground.site.ports.api), timeout=10)


def ask(plane: Plane, request: bytes) -> bytes:
    """The answer to raw bytes, up to its end or two seconds of silence."""
    with dial(plane) as link:
        link.settimeout(2)
        with contextlib.suppress(ConnectionError):
            link.sendall(request)
        answer = b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            while (more := link.recv(65536)) and len(answer) < MB:
                answer += more
                if b"\r\n\r\n" in answer and b"content-length" in answer.lower():
                    break
        return answer


def status(answer: bytes) -> int:
    """0 when the line was closed without a word."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def head(plane: Plane, path: str, *lines: str, method: str = "PUT") -> bytes:
    token = plane.bearer["central"]["Authorization"]
    named = any(line.lower().startswith("host:") for line in lines)
    own = [] if named else ["Host: 127.0.0.1"]
    text = [f"{method} {path} HTTP/1.1", *own, f"Authorization: {token}", "Content-Type: application/json", *lines]
    return "\r\n".join(text).encode("latin-1") + b"\r\n\r\n"


ZONE = f"{API}/zones/liar"
LIES = {
    "more is promised than sent": (("Content-Length: 1000",), b'{"parent": null'),
    "a length beyond reason": (("Content-Length: 999999999999",), b"{"),
    "a length below zero": (("Content-Length: -1",), b'{"parent": null}'),
    "a length in words": (("Content-Length: many",), b'{"parent": null}'),
    "two lengths": (("Content-Length: 2", "Content-Length: 16"), b'{"parent": null}'),
    "a length and chunks": (("Content-Length: 2", "Transfer-Encoding: chunked"), b"5\r\nhello\r\n0\r\n\r\n"),
    "chunks of no size": (("Transfer-Encoding: chunked",), b"zz\r\nhello\r\n0\r\n\r\n"),
    "a chunk beyond reason": (("Transfer-Encoding: chunked",), b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    "chunks that are cut": (("Transfer-Encoding: chunked",), b'f\r\n{"parent": null'),
    "an unknown coding": (("Transfer-Encoding: gzip, chunked",), b"0\r\n\r\n"),
    "a header of a megabyte": (("X-Long: " + "a" * MB, "Content-Length: 2"), b"{}"),
    "ten thousand headers": ((*(f"X-{n}: y" for n in range(10_000)), "Content-Length: 1"), b"{"),
    "a folded header": (("X-A: b\r\n c", "Content-Length: 1"), b"{"),
    "a NUL in a header": (("X-A: \x00", "Content-Length: 2"), b"{}"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_request_changes_nothing(plane: Plane, lie: str) -> None:
    lines, body = LIES[lie]
    before = plane.kept()
    code = status(ask(plane, head(plane, ZONE, *lines) + body))
    assert code == 0 or 400 <= code < 500
    assert plane.kept() == before
    plane.assert_serves()


def test_an_endless_body_is_refused_early_and_stays_out_of_memory(plane: Plane) -> None:
    before, chunk = plane.kept(), b"10000\r\n" + b" " * 65536 + b"\r\n"
    with dial(plane) as link:
        link.sendall(head(plane, ZONE, "Transfer-Encoding: chunked") + chunk * 40)
        assert status(link.recv(4096)) == 413
        with contextlib.suppress(ConnectionError, TimeoutError):
            for _ in range(1000):
                link.sendall(chunk)
    assert plane.ground.rss_bytes("api") < MOST_BYTES
    assert plane.kept() == before
    plane.assert_serves()


def test_many_half_open_requests_do_not_stop_the_others(plane: Plane) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(300):
            link = stack.enter_context(dial(plane))
            link.sendall(head(plane, ZONE, "Content-Length: 500")[: 20 + number % 60])
        started = time.monotonic()
        plane.assert_serves()
        assert time.monotonic() - started < 20
    plane.assert_serves()


def test_what_follows_a_body_is_not_smuggled_past_the_door(plane: Plane) -> None:
    """The second request on the line has no token of its own."""
    before = plane.kept()
    hidden = f"PUT {API}/zones/hidden HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    answer = ask(plane, head(plane, ZONE, f"Content-Length: {len(hidden)}") + hidden)
    assert 400 <= status(answer) < 500
    ask(plane, head(plane, ZONE, "Content-Length: 1") + b"{" + hidden)
    assert plane.kept() == before


PATHS = (
    "/api/v1/..%2f..%2fetc/passwd",
    "/..%2f..%2f..%2f..%2fetc/passwd",
    "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/....//....//etc/passwd",
    "/..%5c..%5cetc/passwd",
    "/../../pyproject.toml",
    "//etc/passwd",
    "/assets/..%2f..%2f__main__.py",
    "/%00",
    "/api/v1/doors%00.js",
    "/api/v1/;/doors",
    "/api/v1//doors",
    "/api//v1/doors",
    "/api/v1/doors/",
    "/api/v1/./doors",
    "/API/V1/DOORS",
    "/healthz/../api/v1/doors",
    "/healthz/..%2fapi/v1/doors",
    "/api/v1/%64oors",
    "/api/v1/doors?x=/healthz",
    "/api/v1/doors#/healthz",
    "/" + "a" * 60_000,
    "/" + "../" * 10_000 + "etc/passwd",
    "/%ff%fe%c0%af",
    "*",
    "http://127.0.0.1/api/v1/doors",
    "http://evil.invalid/api/v1/doors",
)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
def test_an_odd_path_gets_a_stranger_no_further(plane: Plane, path: str) -> None:
    raw = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
    answer = ask(plane, raw)
    assert status(answer) < 500
    for secret in (b"root:", b"[project]", b'"mode"', b"import "):
        assert secret not in answer
    plane.assert_serves()


SPOOFS = (
    "X-Forwarded-For: 127.0.0.1",
    "Forwarded: for=127.0.0.1;proto=https;host=127.0.0.1",
    "X-Real-IP: 127.0.0.1",
    "X-Original-URL: /healthz",
    "X-Rewrite-URL: /healthz",
    "X-HTTP-Method-Override: GET",
    "X-Forwarded-User: admin",
    "X-Remote-User: admin",
    "Host: 127.0.0.1:1",
    "Host: evil.invalid",
)


@pytest.mark.parametrize("line", SPOOFS)
def test_a_spoofed_header_opens_no_route(plane: Plane, line: str) -> None:
    host = () if line.startswith("Host") else ("Host: 127.0.0.1",)
    for method, path in (("GET", "doors"), ("GET", "users"), ("POST", "sync/changes"), ("DELETE", "zones/estate")):
        lines = "\r\n".join([f"{method} {API}/{path} HTTP/1.1", *host, line, "Content-Length: 0", "", ""])
        assert status(ask(plane, lines.encode())) == 401
    assert status(ask(plane, b"GET /metrics HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n")) == 401


def test_sign_ins_are_slowed_whatever_address_they_claim(plane: Plane) -> None:
    codes = []
    for number in range(8):
        spoof = {"X-Forwarded-For": f"10.0.0.{number}", "X-Real-IP": f"10.0.0.{number}"}
        body = {"username": "somebody", "password": f"guess {number}"}
        codes.append(plane.http.post(f"{API}/session", json=body, headers=spoof).status_code)
    assert codes[:5] == [401] * 5
    assert codes[-1] == 429


def test_a_token_opens_only_its_own_doors(plane: Plane) -> None:
    central, gateway = plane.bearer["central"], plane.bearer["gateway"]
    before = plane.kept()
    assert plane.http.get(f"{API}/gateways/gateway-1/table", headers=central).status_code == 403
    assert plane.http.get(f"{API}/gateways/gateway-2/table", headers=gateway).status_code == 403
    assert plane.http.put(f"{API}/zones/x", headers=gateway, json={}).status_code == 403
    assert plane.http.get(f"{API}/users", headers=central).status_code == 403
    assert plane.http.post(f"{API}/doors/main-gate/unlock", headers=central, json={"reason": "x"}).status_code == 403
    foreign = plane.cookie | {"Origin": "https://evil.invalid", "Idempotency-Key": "k"}
    assert plane.http.post(f"{API}/doors/main-gate/unlock", headers=foreign, json={"reason": "x"}).status_code == 403
    assert plane.kept() == before


def test_a_socket_takes_no_nonsense(plane: Plane) -> None:
    url = plane.ground.site.api_url.replace("http", "ws", 1) + f"{API}/ws"
    for headers in ({}, {"Cookie": "menjin=x"}, plane.cookie | {"Origin": "https://evil.invalid"}):
        with pytest.raises(websockets.InvalidStatus):
            connect(url, additional_headers=headers).close()
    for nonsense in (
        "",
        "null",
        "[" * 10_000,
        '{"type":"unlock","door":"main-gate"}',
        b"\x00" * 60_000,
        "x" * (1 << 20),
    ):
        with connect(url, additional_headers=plane.cookie) as link:
            link.recv(5)
            with contextlib.suppress(TimeoutError, websockets.ConnectionClosed):
                link.send(nonsense)
                assert "unlock" not in str(link.recv(0.2))
    raw = head(plane, f"{API}/ws", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
               "Sec-WebSocket-Key: AAAA", f"Cookie: {plane.cookie['Cookie']}", method="GET")  # fmt: skip
    assert status(ask(plane, raw + b"\xff" * 10_000)) < 500
    plane.assert_serves()


def test_after_all_of_it_the_process_is_no_larger_and_ends_in_time(plane: Plane) -> None:
    eventually(lambda: plane.ground.rss_bytes("api") < MOST_BYTES)
    plane.assert_serves()
    started = time.monotonic()
    assert plane.ground.stop_menjin("api") == 0
    assert time.monotonic() - started < 15

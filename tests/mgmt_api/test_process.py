import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from ruamel.yaml import YAML

from config.secret import new_key, write_secret
from tests.mgmt_api.conftest import V1


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def write_site(folder: Path, port: int, **api: object) -> Path:
    """A site file with an `api` part alone."""
    write_secret(folder / "site.key", new_key())
    for name in ("gateway", "central"):
        write_secret(folder / f"{name}.token", secrets.token_hex(16))
    site = {
        "site": {"id": 7, "name": {"zh": "云栖花园", "en": "Yunqi Garden"}},
        "data_dir": str(folder / "data"),
        "secrets": {"site_key_file": str(folder / "site.key"), "reader_keys_file": str(folder / "readers.json")},
        "api": {
            "port": port,
            "gateways": [{"name": "gateway-1", "token_file": str(folder / "gateway.token")}],
            "central": [{"name": "central", "token_file": str(folder / "central.token")}],
            **api,
        },
    }
    path = folder / "site.yaml"
    YAML().dump(site, path)
    return path


class Process:
    def __init__(self, site: Path, port: int, folder: Path) -> None:
        self.url, self.folder = f"http://127.0.0.1:{port}", folder
        self.log = (folder / "log").open("w+")
        self.child = subprocess.Popen(
            [sys.executable, "-m", "mgmt_api", str(site)], stderr=self.log, env=dict(os.environ)
        )

    def token(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {(self.folder / f'{name}.token').read_text().strip()}"}

    def wait_ready(self) -> float:
        start = time.monotonic()
        while time.monotonic() - start < 30 and self.child.poll() is None:
            if '"event": "ready"' in (self.folder / "log").read_text():
                return time.monotonic() - start
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> tuple[int, float]:
        """The exit code, and how long the stop took."""
        start = time.monotonic()
        self.child.send_signal(signal.SIGTERM)
        code = self.child.wait(20)
        return code, time.monotonic() - start


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    port = free_port()
    running = Process(write_site(tmp_path, port), port, tmp_path)
    try:
        yield running
    finally:
        if running.child.poll() is None:
            running.child.kill()
            running.child.wait()
        running.log.close()


def test_the_process_serves_and_stops_in_seconds_with_streams_open(process: Process) -> None:
    process.wait_ready()
    assert httpx2.get(f"{process.url}/healthz", trust_env=False).json()["status"] == "ok"
    assert "Menjin" in httpx2.get(process.url, trust_env=False).text
    with httpx2.Client(base_url=process.url, trust_env=False, timeout=30) as client:
        watch = client.stream("GET", f"{V1}/gateways/gateway-1/watch", headers=process.token("gateway"))
        with watch as stream:
            text = stream.iter_lines()
            assert next(text) == "event: table"
            code, took_s = process.stop()
            assert (code, took_s < 10) == (0, True), took_s
            assert list(text)[-1] == ""
    log = (process.folder / "log").read_text()
    assert "Traceback" not in log
    for secret in process.folder.glob("*.token"):
        assert secret.read_text().strip() not in log


def test_what_was_acknowledged_is_there_after_a_kill(process: Process, tmp_path: Path) -> None:
    process.wait_ready()
    central = process.token("central")
    for i in range(20):
        httpx2.put(f"{process.url}{V1}/zones/z{i}", json={}, headers=central, trust_env=False).raise_for_status()
    process.child.kill()
    process.child.wait()
    port = free_port()
    again = Process(write_site_again(tmp_path, port), port, tmp_path)
    try:
        again.wait_ready()
        found = httpx2.get(f"{again.url}{V1}/sync/state", headers=central, trust_env=False).json()
        assert found["counts"]["zones"] == 20
    finally:
        again.child.kill()
        again.child.wait()
        again.log.close()


def write_site_again(folder: Path, port: int) -> Path:
    """The same site, on another port."""
    path = folder / "site.yaml"
    site = YAML().load(path)
    site["api"]["port"] = port
    YAML().dump(site, path)
    return path


@pytest.mark.parametrize("lack", ["token", "key", "issuer"])
def test_a_site_without_its_secrets_does_not_start(tmp_path: Path, lack: str) -> None:
    port = free_port()
    (tmp_path / "bad.pem").write_text("not a key")
    (tmp_path / "bad.pem").chmod(0o600)
    extra = {"issuer_key_file": str(tmp_path / "bad.pem")} if lack == "issuer" else {}
    site = write_site(tmp_path, port, **extra)
    if lack == "token":
        (tmp_path / "central.token").chmod(0o644)
    if lack == "key":
        (tmp_path / "site.key").unlink()
    process = Process(site, port, tmp_path)
    assert process.child.wait(30) == 78
    process.log.close()
    assert "cannot_start" in (tmp_path / "log").read_text()

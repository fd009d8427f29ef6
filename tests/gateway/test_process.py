"""The whole door process, with a real broker, a device behind it and a management plane that comes and goes."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gateway.verify import verify
from tests.gateway.plane import TOKEN, Plane, Server
from tests.gateway.test_sync import until
from tests.gateway.world import SITE_KEY, card_read, credential, rows

RUN = """
import sys
from pathlib import Path
from config import logs
from config.load import load_settings
from gateway.__main__ import run
logs.configure("gateway")
sys.exit(run(load_settings(Path(sys.argv[1]))))
"""
SITE = """
site: {{id: 4097, name: {{zh: 小区, en: Estate}}}}
data_dir: {folder}/data
secrets: {{site_key_file: {folder}/site.key, reader_keys_file: {folder}/keys.json}}
gateway: {{id: gateway-{n}, api: {{url: "{url}", token_file: {folder}/token}}}}
broker: {{host: 127.0.0.1, port: {port}, username: gateway-{n}, devices: [{{name: club-{n}}}]}}
doors:
  - {{name: club-{n}, number: 2, label: {{zh: 会所, en: Clubhouse}}, lock: {{device: club-{n}}}, strike_s: 0.5}}
access_points:
  - {{name: club-{n}-in, door: club-{n}, readers: [club-{n}], zone_from: estate, zone_to: building-1}}
"""


class Device:
    """A door controller behind the broker: does what it is told, once, and says so."""

    def __init__(self, port: int, name: str = "club-1") -> None:
        self.pulses: list[dict[str, Any]] = []
        self._name, self._count = name, 0
        self._client = paho.Client(CallbackAPIVersion.VERSION2, name, protocol=paho.MQTTv5)
        self._client.on_message = self._told
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(f"menjin/1/d/{name}/down/#", qos=1)
        self._client.loop_start()
        self._say("state", {"online": True, "boot": "b1"}, retain=True)

    def present(self, card: int) -> None:
        read, self._count = card_read(card), self._count + 1
        body = {"reader": self._name, "bits": f"{read.bits:07x}", "count": read.bit_count, "age_ms": 0}
        self._say("read", body | {"n": self._count, "boot": "b1"})

    def show(self, text: str) -> None:
        self._count += 1
        self._say("text", {"reader": self._name, "text": text, "n": self._count, "boot": "b1", "age_ms": 0})

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _told(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        if message.topic.endswith("/lock"):
            self.pulses.append(json.loads(message.payload))
            self._say("done", {"id": self.pulses[-1]["id"], "result": "done", "detail": ""})

    def _say(self, kind: str, body: dict[str, Any], *, retain: bool = False) -> None:
        self._client.publish(f"menjin/1/d/{self._name}/up/{kind}", json.dumps(body), qos=1, retain=retain)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n")
    process = subprocess.Popen(["/usr/sbin/mosquitto", "-c", str(config)], stderr=subprocess.DEVNULL)
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.02)
    yield port
    process.terminate()
    process.wait()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server(Plane())
    made.plane.reset(rows(credential(100)))
    await made.start()
    yield made
    await made.stop()


class Gateway:
    """The process, started and ended as an operator would."""

    def __init__(self, folder: Path, url: str = "http://127.0.0.1:1", port: int = 1, n: int = 1) -> None:
        self.folder, self.run = folder, RUN
        folder.mkdir(exist_ok=True)
        token = TOKEN if n == 1 else f"token-of-{n}"
        for name, text in (("site.key", SITE_KEY.hex()), ("token", token), ("keys.json", "{}")):
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        (folder / "site.yaml").write_text(SITE.format(folder=folder, url=url, port=port, n=n))
        self.log = folder / "gateway.log"
        self.log.touch()
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        count = self.said("ready")
        arguments = [sys.executable, "-c", self.run, str(self.folder / "site.yaml")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(arguments, stderr=log)
        await until(lambda: self.said("ready") > count, 20)

    def said(self, event: str) -> int:
        lines = self.log.read_text().splitlines()
        return sum(json.loads(line).get("event") == event for line in lines if line.startswith("{"))

    def end(self, number: int) -> tuple[int, float]:
        """The exit code, and how long it took."""
        assert self.process is not None
        begin = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(10)
        return code, time.monotonic() - begin

    @property
    def journal(self) -> Path:
        return self.folder / "data" / "gateway" / "journal.db"


@pytest.fixture
def gateway(tmp_path: Path, broker: int, server: Server) -> Iterator[Gateway]:
    made = Gateway(tmp_path, server.url, broker)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.end(signal.SIGKILL)


@pytest.fixture
def device(broker: int) -> Iterator[Device]:
    made = Device(broker)
    yield made
    made.close()


async def test_doors_open_from_the_last_table_after_kill_9_with_no_plane(
    gateway: Gateway, device: Device, server: Server
) -> None:
    await gateway.start()
    await until(lambda: server.plane.inventories and server.plane.inventories[-1]["table_version"] == 1, 20)
    await until(lambda: server.plane.inventories[-1]["doors"][0]["online"], 20)
    device.present(100)
    await until(lambda: device.pulses)
    assert device.pulses[0]["action"] == "pulse"
    assert device.pulses[0]["pulse_ms"] == 500
    await until(lambda: [each["kind"] for each in server.plane.events.values()].count("CommandOutcome") == 1)
    gateway.end(signal.SIGKILL)
    await server.stop()
    await gateway.start()
    await asyncio.sleep(1.5)  # the broker's connection, and whatever a start might wrongly cause
    assert len(device.pulses) == 1
    device.present(100)
    device.present(999)
    await until(lambda: len(device.pulses) == 2)
    code, took_s = gateway.end(signal.SIGTERM)
    assert code == 0
    assert took_s < 10
    assert len(device.pulses) == 2
    assert verify(gateway.journal) == []


async def test_an_operator_opens_a_door_once(gateway: Gateway, device: Device, server: Server) -> None:
    await gateway.start()
    await until(lambda: server.plane.listeners and server.plane.inventories, 20)
    await until(lambda: server.plane.inventories[-1]["doors"][0]["online"], 20)
    order = {"id": "o1", "action": "unlock", "door": "club-1", "operator": "wang", "reason": "快递"}
    order |= {"issued_at": time.time(), "expires_at": time.time() + 5}
    server.plane.tell("command", order)
    server.plane.tell("command", order)
    server.plane.tell("command", order | {"id": "o2", "expires_at": time.time() - 1})
    await until(lambda: sum(each["kind"] == "CommandOutcome" for each in server.plane.events.values()) == 2)
    assert [each["id"] for each in device.pulses] == ["o1"]
    told = {(each["kind"], each.get("command_id"), each.get("reason")) for each in server.plane.events.values()}
    assert {
        ("RemoteUnlock", "o1", "快递"), ("CommandOutcome", "o1", "Done"), ("CommandOutcome", "o2", "Expired")
    } <= told  # fmt: skip
    assert gateway.end(signal.SIGTERM)[0] == 0


async def test_wiring_that_can_never_work_ends_with_1(tmp_path: Path) -> None:
    Gateway(tmp_path)  # its files alone
    text = (tmp_path / "site.yaml").read_text()
    bus = "buses: [{name: bus-1, port: /dev/null, readers: [{name: lobby-1, address: 1}]}]\n"
    (tmp_path / "site.yaml").write_text(text + bus)
    arguments = [sys.executable, "-c", RUN, str(tmp_path / "site.yaml")]
    process = await asyncio.to_thread(subprocess.run, arguments, stderr=subprocess.PIPE, timeout=20)
    assert process.returncode == 1
    assert b"has no key for lobby-1" in process.stderr

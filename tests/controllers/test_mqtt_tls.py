"""TLS, client certificates and the generated rights on a real mosquitto; and what every command carries."""

import gc
import json
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from controllers.driver import CardRead, Driver, LinkState, Result
from controllers.errors import LinkLost
from controllers.mqtt import MqttDriver
from controllers.mqtt_acl import Rights, dejaos_terminal, esprfid_board, gateway, own_device
from controllers.mqtt_dejaos import Terminal
from controllers.mqtt_dejaos_session import DejaosSession
from controllers.mqtt_dialect import BrokerLogin, MqttSessionDriver
from controllers.mqtt_esprfid import EspBoard, EspRfidSession
from tests.controllers.acl_broker import AclBroker, Device, make_certificates
from tests.controllers.witness import Running, Witness, lock, running, signal

BASE = "d/abc/access_device/v2"
DEVICES = [own_device("gate"), own_device("other"), dejaos_terminal("pool", "abc", BASE), esprfid_board("yard", "yard")]
RIGHTS = [*DEVICES, gateway("menjin", DEVICES), Rights("watch", (), ("#",))]
UP = "menjin/1/d/gate/up"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[AclBroker]:
    made = AclBroker(tmp_path, RIGHTS, tls=True)
    yield made
    made.kill()


def own_dialect(broker: AclBroker, witness: Witness, ca: Path | None = None, certified: bool = True) -> MqttDriver:
    here = broker.directory
    files = (here / "menjin.pem", here / "menjin.key") if certified else (None, None)
    return MqttDriver(
        "broker", "127.0.0.1", broker.port, "", "", ca or here / "ca.pem", ["gate", "other"], witness, certificate=files
    )


@contextmanager
def device(broker: AclBroker, name: str, topics: list[str]) -> Iterator[Device]:
    made = Device(broker, name, topics, tls=True)
    try:
        yield made
    finally:
        made.leave()


def test_a_card_opens_a_door_between_two_certificates(broker: AclBroker) -> None:
    witness = Witness()
    driver = own_dialect(broker, witness)
    with running(driver), device(broker, "gate", ["menjin/1/d/gate/down/#"]) as gate:
        gate.say(f"{UP}/state", {"online": True, "boot": "b"}, retain=True)
        assert witness.expect(LinkState, lambda state: state.up).secure
        time.sleep(0.3)
        gate.say(f"{UP}/read", {"reader": "gate", "bits": "0ca0a73", "count": 26, "n": 1, "boot": "b", "age_ms": 0})
        assert not witness.expect(CardRead).seen.stale
        command = lock("gate")
        driver.submit(command)
        told = gate.expect("lock")
        gate.say(f"{UP}/done", {"id": told["id"], "result": "done", "detail": ""})
        assert witness.outcome(command).result is Result.DONE


def test_a_device_speaks_by_its_certificates_name_and_for_no_other(broker: AclBroker) -> None:
    witness = Witness()
    driver = own_dialect(broker, witness)
    with (
        running(driver),
        device(broker, "gate", ["menjin/1/d/gate/down/#"]) as gate,
        device(broker, "other", ["menjin/1/#"]) as thief,
    ):
        gate.say(f"{UP}/state", {"online": True, "boot": "b"}, retain=True)
        witness.expect(LinkState, lambda state: state.up)
        read = {"reader": "gate", "bits": "0ca0a73", "count": 26, "n": 1, "boot": "b", "age_ms": 0}
        thief.say(f"{UP}/read", read)
        command = lock("gate", in_s=0.6)
        driver.submit(command)
        gate.expect("lock")
        thief.say(f"{UP}/done", {"id": command.command_id, "result": "done", "detail": ""})
        assert witness.outcome(command).result is Result.UNKNOWN
        assert not witness.all(CardRead)
        assert not thief.got


def dies(driver: Driver) -> str:
    thread = Running(driver)
    thread.thread.join(15)
    failure = thread.end()
    assert isinstance(failure, LinkLost)
    return str(failure)


def test_without_a_certificate_nobody_is_let_in(broker: AclBroker) -> None:
    witness = Witness()
    assert "broker" in dies(own_dialect(broker, witness, certified=False))
    assert not [each for each in witness.all(LinkState) if each.up]


def test_a_broker_of_another_authority_is_not_spoken_to(broker: AclBroker, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    make_certificates(foreign, [])
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ResourceWarning
        )  # paho leaves the socket of a failed handshake to the collector
        assert "certificate" in dies(own_dialect(broker, Witness(), ca=foreign / "ca.pem")).lower()
        gc.collect()


class Watcher:
    """A client of MQTT 5 that hears everything, with what each message carries."""

    def __init__(self, broker: AclBroker) -> None:
        self.heard: list[paho.MQTTMessage] = []
        ready = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "watch", protocol=paho.MQTTv5)
        here = broker.directory
        self._client.tls_set(f"{here}/ca.pem", f"{here}/watch.pem", f"{here}/watch.key")
        self._client.on_message = lambda _client, _data, message: self.heard.append(message)
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.connect("127.0.0.1", broker.port)
        self._client.subscribe("#", qos=1)
        self._client.loop_start()
        assert ready.wait(5)

    def command(self, topic: str) -> paho.MQTTMessage:
        end = time.monotonic() + 5
        while not (found := [each for each in self.heard if each.topic == topic]):
            assert time.monotonic() < end, [each.topic for each in self.heard]
            time.sleep(0.02)
        return found[0]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@dataclass(frozen=True)
class Dialect:
    """A device, how its driver is made, what it says to be on line, and the topic on which it is told to open."""

    device: str
    driver: Callable[[AclBroker, Witness], Driver]
    hello: tuple[str, dict[str, Any]]
    topic: str


def dejaos(broker: AclBroker, witness: Witness) -> Driver:
    return MqttSessionDriver("dejaos", login(broker), DejaosSession([Terminal("pool", "abc")]), witness)


def esprfid(broker: AclBroker, witness: Witness) -> Driver:
    board = EspBoard("yard", "yard", "yard", "wiegand", "H10301", "10.0.0.9")
    return MqttSessionDriver("esprfid", login(broker), EspRfidSession([board]), witness)


NOW = int(time.time())
ESP_HELLO = {"type": "heartbeat", "time": NOW, "ip": "10.0.0.9", "hostname": "yard"}
DEJAOS_HELLO = {"serialNo": "1", "uuid": "abc", "time": NOW, "data": {}}
DIALECTS = {
    "menjin": Dialect("gate", own_dialect, (f"{UP}/state", {"online": True, "boot": "b"}), "menjin/1/d/gate/down/lock"),
    "dejaos": Dialect("pool", dejaos, (f"{BASE}/event/heartbeat", DEJAOS_HELLO), f"{BASE}/cmd/abc/control"),
    "esprfid": Dialect("yard", esprfid, ("yard/send", ESP_HELLO), "yard/cmd"),
}


def login(broker: AclBroker) -> BrokerLogin:
    here = broker.directory
    return BrokerLogin("127.0.0.1", broker.port, "", "", here / "ca.pem", here / "menjin.pem", here / "menjin.key")


@pytest.mark.parametrize("name", DIALECTS)
def test_each_command_expires_in_the_broker_and_is_never_retained(name: str, broker: AclBroker) -> None:
    dialect, witness, watcher = DIALECTS[name], Witness(), Watcher(broker)
    driver = dialect.driver(broker, witness)
    try:
        with running(driver), device(broker, dialect.device, [dialect.topic]) as peer:
            time.sleep(0.3)
            peer.say(*dialect.hello)
            witness.expect(LinkState, lambda state: state.up and state.device == dialect.device)
            driver.submit(lock(dialect.device, in_s=3))
            assert carried(watcher.command(dialect.topic)) == (False, True)
            if name == "menjin":
                driver.submit(signal(dialect.device))
                assert carried(watcher.command(dialect.topic.replace("lock", "signal"))) == (False, True)
    finally:
        watcher.close()


def carried(message: paho.MQTTMessage) -> tuple[bool, bool]:
    """Whether it was retained, and whether it dies within its deadline."""
    expiry = getattr(message.properties, "MessageExpiryInterval", None)
    body: dict[str, Any] = json.loads(message.payload)
    assert body
    return message.retain, expiry is not None and 0 < expiry <= 4

"""The MQTT door on the real broker, with a gateway's own client as the other side."""

import json
import queue
import sys
import time
from collections.abc import Iterator
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from simulators import broker
from simulators.control import Remote
from simulators.processes import Crew
from simulators.site import MQTT_DOOR, Site

DOWN = f"menjin/1/d/{MQTT_DOOR}/down"


class Gateway:
    def __init__(self, site: Site, user: str = "menjin") -> None:
        self.heard: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"test-{user}", protocol=mqtt.MQTTv5)
        self.client.username_pw_set(user, site.secret(f"mqtt-{user}").read_text())
        self.client.on_connect = lambda client, *_: client.subscribe("menjin/1/#", qos=1)
        self.client.on_message = lambda _c, _d, message: self._hear(message)
        self.client.connect("127.0.0.1", site.ports.broker)
        self.client.loop_start()

    def _hear(self, message: mqtt.MQTTMessage) -> None:
        self.heard.put((message.topic.split("/", 4)[-1], json.loads(message.payload)))

    def expect(self, topic: str) -> dict[str, Any]:
        while True:
            heard, payload = self.heard.get(timeout=30)
            if heard == topic:
                return payload

    def unlock(self, id_: str, lives_s: float, expiry_s: int | None = None) -> None:
        now = time.time()
        order = {"id": id_, "action": "pulse", "output": 0, "pulse_ms": 300}
        properties = Properties(PacketTypes.PUBLISH)
        if expiry_s:
            properties.MessageExpiryInterval = expiry_s
        payload = json.dumps({**order, "issued_at": now, "expires_at": now + lives_s})
        self.client.publish(f"{DOWN}/lock", payload, qos=1, properties=properties).wait_for_publish(5)


@pytest.fixture
def door(site: Site, crew: Crew) -> Remote:
    port = site.ports.broker
    crew.launch("broker", broker.argv(site.directory / "broker"), lambda: broker.answers(port))
    secret = str(site.secret(f"mqtt-{MQTT_DOOR}"))
    argv = [sys.executable, "-m", "simulators.mqtt_door", "--device", MQTT_DOOR, "--port", str(port)]
    return Remote(crew.start("door", [*argv, "--password-file", secret]).ready["control"])


@pytest.fixture
def gateway(site: Site, door: Remote) -> Iterator[Gateway]:
    gateway = Gateway(site)
    assert gateway.expect("up/state")["online"]
    yield gateway
    gateway.client.disconnect()
    gateway.client.loop_stop()


def strikes(door: Remote) -> int:
    return sum(entry["what"] == "output" and entry["on"] for entry in door.diary(0))


def test_a_read_goes_up_and_an_unlock_comes_down_once(door: Remote, gateway: Gateway) -> None:
    door.call("present", bits="0ca0a73", count=26)
    assert gateway.expect("up/read")["bits"] == "0ca0a73"
    gateway.unlock("a", 5)
    gateway.unlock("a", 5)
    assert gateway.expect("up/done") == {"id": "a", "result": "done", "detail": ""}
    assert gateway.expect("up/done")["id"] == "a"
    assert strikes(door) == 1


def test_an_unlock_past_its_deadline_is_dropped_and_said_so(door: Remote, gateway: Gateway) -> None:
    gateway.unlock("late", -1)
    assert gateway.expect("up/done")["result"] == "expired"
    assert strikes(door) == 0


def test_a_pulled_cable_speaks_the_last_will_and_expiry_keeps_old_unlocks_away(door: Remote, gateway: Gateway) -> None:
    door.call("network", on=False)
    assert not gateway.expect("up/state")["online"]
    gateway.unlock("stale", 60, expiry_s=1)
    time.sleep(3)  # the broker counts whole seconds
    door.call("network", on=True)
    assert gateway.expect("up/state")["online"]
    assert not [entry for entry in door.diary(0) if entry["what"] == "received_lock"]


def test_another_devices_user_may_not_order_a_door(site: Site, door: Remote, gateway: Gateway) -> None:
    laptop = Gateway(site, "watcher")
    laptop.unlock("forged", 5)
    gateway.unlock("true", 5)
    assert gateway.expect("up/done")["id"] == "true"
    assert strikes(door) == 1
    laptop.client.disconnect()
    laptop.client.loop_stop()

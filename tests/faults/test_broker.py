"""Campaign 7: the broker is killed and comes back; backlogs, doubles and what somebody left retained."""

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from simulators import broker
from simulators.site import MQTT_DOOR
from tests.faults.crowd import Crowd
from tests.faults.grounds import Grounds, eventually
from tests.faults.history import LATEST_S, assert_whole, grants, unrecorded

AGAIN_S = 20.0
UP, DOWN = (f"menjin/1/d/{MQTT_DOOR}/{way}" for way in ("up", "down"))


@pytest.fixture
def site(fresh: Grounds) -> Grounds:
    """A broker that keeps its sessions on disk, as a careful site has it."""
    conf = fresh.site.directory / "broker" / "mosquitto.conf"
    kept = f"persistence true\npersistence_location {conf.parent}/\nautosave_interval 1\nautosave_on_changes true\n"
    conf.write_text(conf.read_text().replace("persistence false\n", kept))
    fresh.wire(buses=[], scanners=[], **only_the_garage(fresh))
    start_broker(fresh)
    fresh.field("garage")
    fresh.start_menjin("gateway")
    eventually(lambda: any(each["kind"] == "LinkUp" for each in fresh.records()))
    return fresh


def only_the_garage(ground: Grounds) -> dict[str, Any]:
    """The door behind the broker and the reader there; what hangs on other wires is left out."""
    settings = ground.site.settings.model_dump(mode="json")
    doors = [each for each in settings["doors"] if each["name"] == "garage"]
    points = [each | {"readers": [MQTT_DOOR]} for each in settings["access_points"] if each["door"] == "garage"]
    return {"doors": doors, "fire_zones": [], "access_points": points}


def start_broker(site: Grounds) -> None:
    argv = broker.argv(site.site.directory / "broker")
    site.children["broker"] = site.crew.launch("broker", argv, lambda: broker.answers(site.site.ports.broker))


def opens(site: Grounds, within_s: float = AGAIN_S) -> None:
    """Present cards until the garage opens."""
    since, started = site.garage.last(), time.monotonic()
    crowd = Crowd(site, (MQTT_DOOR,), seed=int(time.time()))
    while not site.released(MQTT_DOOR, since):
        assert time.monotonic() - started < within_s, site.said("gateway")[-1500:]
        crowd.come()
        time.sleep(0.25)


@contextmanager
def client(site: Grounds, user: str) -> Iterator[mqtt.Client]:
    """Another connection of a user: a twin of the door, or a careless gateway."""
    ready = threading.Event()
    made = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"twin-{user}", protocol=mqtt.MQTTv311)
    made.username_pw_set(user, site.site.secret(f"mqtt-{user}").read_text())
    made.on_connect = lambda *_: ready.set()
    made.connect("127.0.0.1", site.site.ports.broker)
    made.loop_start()
    assert ready.wait(5)
    try:
        yield made
    finally:
        made.disconnect()
        made.loop_stop()


def said(made: mqtt.Client, topic: str, retain: bool = False, **payload: Any) -> None:
    made.publish(topic, json.dumps(payload), qos=1, retain=retain).wait_for_publish(5)


def assert_each_pulse_was_granted_in_time(site: Grounds, since: int = 0) -> None:
    """No door opened without its record, none late, none twice for one command."""
    assert unrecorded(site.released(MQTT_DOOR, since), grants(site.records(), "garage")) == []
    asked = [entry for entry in site.garage.diary(since) if entry["what"] == "received_lock"]
    granted = {each["command_id"]: each["occurred_at"] for each in grants(site.records(), "garage")}
    assert all(not entry["retained"] for entry in asked)
    late = [entry for entry in asked if entry["at"] - granted[entry["command"]["id"]] > LATEST_S]
    assert all(entry["command"]["expires_at"] <= entry["at"] for entry in late)


def test_a_broker_killed_again_and_again_opens_nothing_late_and_the_door_works_soon_after(
    site: Grounds, long: bool
) -> None:
    dice, crowd = random.Random(7), Crowd(site, (MQTT_DOOR,))
    for _ in range(60 if long else 3):
        stop = threading.Event()
        rush = crowd.rush(stop)
        time.sleep(0.5 + dice.random() * 0.5)
        site.kill("broker")
        time.sleep(0.2)
        stop.set()
        rush.join()
        time.sleep(dice.random() * 2)
        start_broker(site)
        opens(site)
    time.sleep(LATEST_S)
    assert_each_pulse_was_granted_in_time(site)
    assert_whole(site.journal)


def test_reads_that_waited_in_the_broker_open_nothing(site: Grounds) -> None:
    opens(site)
    time.sleep(0.5)
    site.kill("gateway")
    seq, since, crowd = site.last_seq(), site.garage.last(), Crowd(site, (MQTT_DOOR,), seed=9)
    for _ in range(20):
        crowd.come()
    time.sleep(1.5)
    site.kill("broker")
    start_broker(site)
    site.start_menjin("gateway")
    kinds = eventually(lambda: [e["kind"] for e in site.records(seq) if e["kind"] in ("StaleRead", "Granted")])
    time.sleep(1)
    kinds = [each["kind"] for each in site.records(seq) if each["kind"] in ("StaleRead", "Granted")]
    assert set(kinds) == {"StaleRead"}
    assert site.released(MQTT_DOOR, since) == []
    opens(site)
    assert_whole(site.journal)


def test_doubles_and_old_numbers_open_once(site: Grounds) -> None:
    opens(site)
    time.sleep(1.2)
    presented = [entry for entry in site.garage.diary(0) if entry["what"] == "presented"]
    read = {"reader": MQTT_DOOR, "bits": presented[-1]["bits"], "count": presented[-1]["count"]}
    boot = "twin"
    seq, since = site.last_seq(), site.garage.last()
    with client(site, MQTT_DOOR) as twin:
        said(twin, f"{UP}/state", retain=True, online=True, boot=boot)
        for _ in range(20):
            said(twin, f"{UP}/read", **read, n=5, boot=boot, age_ms=0)
            time.sleep(0.1)
        for number in range(5):
            said(twin, f"{UP}/read", **read, n=number, boot=boot, age_ms=0)
        time.sleep(1.2)
        said(twin, f"{UP}/read", **read, n=6, boot=boot, age_ms=60_000)
        said(twin, f"{UP}/read", **read | {"reader": "reader-main"}, n=7, boot=boot, age_ms=0)
        said(twin, f"{UP}/read", **read, n=8, boot="another life", age_ms=0)
    time.sleep(0.5)
    assert len(grants(site.records(seq))) == 1
    assert len(site.released(MQTT_DOOR, since)) == 1


def test_what_was_left_retained_opens_nothing(site: Grounds) -> None:
    """A former gateway's unlock, and reads that somebody retained."""
    opens(site)
    presented = [entry for entry in site.garage.diary(0) if entry["what"] == "presented"]
    read = {"reader": MQTT_DOOR, "bits": presented[-1]["bits"], "count": presented[-1]["count"]}
    time.sleep(LATEST_S)
    seq, since = site.last_seq(), site.garage.last()
    now = time.time()
    with client(site, "menjin") as former, client(site, MQTT_DOOR) as twin:
        old = {"action": "pulse", "output": 0, "pulse_ms": 3000, "issued_at": now - 60, "expires_at": now - 55}
        said(former, f"{DOWN}/lock", retain=True, id="stale", **old)
        said(twin, f"{UP}/read", retain=True, **read, n=99, boot="left", age_ms=0)
        said(twin, f"{UP}/done", retain=True, id="stale", result="done", detail="")
    time.sleep(1)
    kept = len(grants(site.records(seq)))  # the retained read came live first, from a life that nobody announced
    assert kept == 0
    site.kill("gateway")
    site.start_menjin("gateway")
    site.garage.call("network", on=False)
    site.garage.call("network", on=True)
    time.sleep(1)
    assert grants(site.records(seq)) == []
    assert site.released(MQTT_DOOR, since) == []
    opens(site)
    assert_whole(site.journal)


def test_foreign_words_on_the_broker_open_nothing(site: Grounds) -> None:
    seq, since = site.last_seq(), site.garage.last()
    foreign = (
        b"", b"null", b"[]", b"{", b"[" * 4000, b"\xff\xfe", b'{"reader":1}', b"A" * 200_000,
        b'{"reader":"garage-door","bits":"zz","count":26,"n":1000,"boot":"x"}',
        b'{"reader":"garage-door","bits":"","count":0,"n":1001,"boot":"x"}',
        b'{"reader":"garage-door","bits":"ffffffff","count":26,"n":1002,"boot":"x"}',
        b'{"reader":"garage-door","bits":"1","count":-1,"n":1e99,"boot":"x"}',
        b'{"active":[1,2,3],"boot":"x","n":1}', b'{"id":"x","result":"done"}', b'{"online":"maybe"}',
    )  # fmt: skip
    with client(site, MQTT_DOOR) as twin:
        for kind in ("state", "read", "inputs", "done", "open", "read/deep/er"):
            for words in foreign:
                twin.publish(f"{UP}/{kind}", words, qos=1).wait_for_publish(5)
    time.sleep(0.5)
    assert grants(site.records(seq)) == []
    assert site.released(MQTT_DOOR, since) == []
    assert "crashed" not in site.said("gateway")
    opens(site)

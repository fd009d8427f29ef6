"""Leg 4: the door behind the broker; every unlock expires, and none waits for a door that is away."""

import threading
import time
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from simulators.control import DeviceError
from simulators.legs.watch import LegFailed, Watch, is_on, opened, present, since_presented_ms
from simulators.site import MQTT_DOOR, PLATE_CAMERA
from simulators.stage import Stage

NOTICE_S = 5.0  # for the broker to speak the device's last will
LATE_S = 6.0  # longer than any unlock may live


def run(stage: Stage) -> dict[str, Any]:
    """A card while the door is there, an order while it is not."""
    card = stage.site.estate.cards_of("building-1", "H10306")[3]
    laptop = Laptop(stage)
    watch = present(stage, "garage", card.bits, walk=True)
    on = opened(watch, "garage", f"card {card.id}")
    watch.event("Granted at the garage", kind="Granted", door="garage", credential=card.id)
    watch.event("Taken at the garage", kind="Taken", door="garage")
    expiry_s = laptop.expiry_s()
    plate_ms = _drives_in(stage)
    late = _order_while_away(stage)
    again = opened(present(stage, "garage", card.bits), "garage", "the same card after the outage")
    return {
        "card_to_strike_ms": since_presented_ms(watch, "garage", on),
        "plate_to_strike_ms": plate_ms,
        "message_expiry_s": expiry_s,
        **late,
        "works_again": bool(again),
    }


def _drives_in(stage: Stage) -> int:
    """A car before the camera of the garage; then one that nobody knows."""
    car, watch = stage.site.estate.cars[0], Watch(stage)
    seen = {"scanner": PLATE_CAMERA, "coding": "gb18030"}
    stage.scanners.call("show", text=car.plate, **seen)
    on = opened(watch, "garage", f"car {car.id}")
    watch.event("Granted to the car", kind="Granted", reader=PLATE_CAMERA, credential=car.id)
    stage.scanners.call("show", text="京A·00000", **seen)
    watch.event("the unknown car", kind="Denied", reader=PLATE_CAMERA, reason="CredentialNotFound")
    shown = watch.entries(stage.scanners, lambda entry: bool(entry["what"] == "shown"))
    first = next(float(entry["at"]) for entry in shown if entry["device"] == PLATE_CAMERA)
    return round((float(on["at"]) - first) * 1000)


def _order_while_away(stage: Stage) -> dict[str, Any]:
    guard = stage.noted("guard")
    watch = Watch(stage)
    stage.garage.call("network", on=False)
    _until(lambda: not guard.door("garage")["online"], NOTICE_S, "the console shows the garage door as offline")
    ordered = time.time()
    try:
        outcome = guard.outcome(guard.unlock("garage", "访客到车库"))
    except DeviceError as error:
        outcome = f"refused at once: {error}"
    if outcome != "Expired":
        raise LegFailed(f"an order for a door that is offline ended as {outcome!r}, expected Expired")
    told_ms = round((time.time() - ordered) * 1000)
    watch.event("the order's end at central", kind="CommandOutcome", door="garage", reason="Expired")
    back = Watch(stage)
    stage.garage.call("network", on=True)
    time.sleep(max(0.0, LATE_S - (time.time() - ordered)))
    if found := back.entries(stage.garage, lambda e: e["what"] == "received_lock" or is_on(e)):
        raise LegFailed(f"a stale unlock reached the door after its return: {found[0]}")
    _until(lambda: guard.door("garage")["online"], NOTICE_S, "the console shows the garage door as online again")
    return {"offline_order": outcome, "told_ms": told_ms, "watched_s": LATE_S}


def _until(is_so: Any, wait_s: float, words: str) -> None:
    deadline = time.monotonic() + wait_s
    while not is_so():
        if time.monotonic() > deadline:
            raise LegFailed(f"{words}: not so after {wait_s:g} s")
        time.sleep(0.1)


class Laptop:
    """A technician's MQTT 5 client that listens to what the gateway tells the door."""

    def __init__(self, stage: Stage) -> None:
        self._heard: list[int | None] = []
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="laptop", protocol=mqtt.MQTTv5)
        self._client.username_pw_set("watcher", stage.site.secret("mqtt-watcher").read_text())
        self._client.on_message = self._message
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_connect = lambda client, *_: client.subscribe(f"menjin/1/d/{MQTT_DOOR}/down/lock")
        self._client.connect("127.0.0.1", stage.site.ports.broker)
        self._client.loop_start()
        if not self._ready.wait(5):
            raise LegFailed("the broker did not let the technician's laptop listen")

    def expiry_s(self) -> int:
        """Seconds that the broker may keep the last unlock; then leave."""
        self._client.disconnect()
        self._client.loop_stop()
        if not self._heard:
            raise LegFailed("no unlock was heard on the broker")
        if not self._heard[-1]:
            raise LegFailed("the unlock on the broker carries no message expiry")
        return self._heard[-1]

    def _message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self._heard.append(getattr(message.properties, "MessageExpiryInterval", None))

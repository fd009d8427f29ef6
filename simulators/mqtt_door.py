"""A process: a door controller behind the broker (MQTT 3.1.1), speaking Menjin's dialect "menjin/1".

    python -m simulators.mqtt_door --device garage-door --port 1883 --password-file secret

It keeps a persistent session, as cheap boards do, so that a careless gateway's unlock would wait for it in the broker.
Requests: present {bits, count, walk?}, force {open}, network {on}, state, diary.
"""

import argparse
import json
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from simulators.control import serve_device
from simulators.diary import Diary
from simulators.strike import Strike

KEEPALIVE_S = 10
REMEMBERED_IDS = 200


class Door:
    """The controller: one reader, one strike, one contact."""

    def __init__(self, device: str, password: str, diary: Diary) -> None:
        self._device = device
        self._diary = diary
        self._boot = uuid.uuid4().hex[:12]
        self._reads = 0
        self._inputs = 0
        self._done: dict[str, str] = {}
        self._strike = Strike(device, diary, self._report_contact)
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=device, clean_session=False, protocol=mqtt.MQTTv311
        )
        self._client.username_pw_set(device, password)
        self._client.will_set(self._up("state"), json.dumps({"online": False}), qos=1, retain=True)
        self._client.on_connect = self._connected
        self._client.on_message = self._message

    def connect(self, port: int) -> None:
        """Join the broker, and stay joined."""
        self._client.connect("127.0.0.1", port, keepalive=KEEPALIVE_S)
        self._client.loop_start()

    def present(self, request: dict[str, Any]) -> None:
        """Hold a card at the reader."""
        (self._strike.expect if request.get("walk") else self._strike.forget)()
        self._reads += 1
        self._diary.write("presented", device=self._device, bits=request["bits"], count=request["count"])
        read = {"reader": self._device, "bits": request["bits"], "count": request["count"]}
        self._publish("read", {**read, "n": self._reads, "boot": self._boot, "age_ms": 0})

    def force(self, request: dict[str, Any]) -> None:
        """Move the leaf by hand."""
        self._strike.force(bool(request["open"]))

    def network(self, request: dict[str, Any]) -> None:
        """Pull or plug the network cable: no farewell is sent."""
        if request["on"]:
            self._client.reconnect()
            self._client.loop_start()
        else:
            self._client.loop_stop()
            link = self._client.socket()
            if link is not None:
                link.close()
        self._diary.write("network", device=self._device, on=bool(request["on"]))

    def state(self, _: dict[str, Any]) -> dict[str, Any]:
        """What a person standing there sees."""
        return {"released": self._strike.released, "open": self._strike.open, "online": self._client.is_connected()}

    def leave(self) -> None:
        """Say farewell."""
        self._publish("state", {"online": False}, retain=True)
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: mqtt.Client, _data: object, _flags: object, reason: Any, _props: object) -> None:
        self._diary.write("broker", device=self._device, reason=str(reason))
        client.subscribe(f"menjin/1/d/{self._device}/down/#", qos=1)
        self._publish("state", {"online": True, "boot": self._boot}, retain=True)
        self._report_contact()

    def _message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        command = json.loads(message.payload)
        what = message.topic.rsplit("/", 1)[1]
        self._diary.write(f"received_{what}", device=self._device, command=command, retained=message.retain)
        if what == "signal":
            colour = {"granted": "green", "denied": "red"}.get(command["signal"], "amber")
            self._diary.write("led", device=self._device, colour=colour, temporary=True)
            self._diary.write("buzzer", device=self._device, beeps=1 if colour == "green" else 2, code=2)
        elif what == "lock":
            self._lock_command(command)

    def _lock_command(self, command: dict[str, Any]) -> None:
        """Do it once and in time, or say why not."""
        result = self._done.get(command["id"])
        if result is None:
            result = "expired" if time.time() >= command["expires_at"] else self._act(command)
            self._done[command["id"]] = result
            while len(self._done) > REMEMBERED_IDS:
                self._done.pop(next(iter(self._done)))
        self._publish("done", {"id": command["id"], "result": result, "detail": ""})

    def _act(self, command: dict[str, Any]) -> str:
        match command["action"]:
            case "pulse":
                self._strike.release(command["pulse_ms"] / 1000)
            case "release":
                self._strike.release(None)
            case "secure":
                self._strike.secure()
            case _:
                return "refused"
        return "done"

    def _report_contact(self) -> None:
        self._inputs += 1
        self._publish("inputs", {"active": [self._strike.open], "boot": self._boot, "n": self._inputs})

    def _publish(self, what: str, payload: dict[str, Any], retain: bool = False) -> None:
        if self._client.is_connected():
            self._client.publish(self._up(what), json.dumps(payload), qos=1, retain=retain)

    def _up(self, what: str) -> str:
        return f"menjin/1/d/{self._device}/up/{what}"


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="an MQTT door controller")
    parser.add_argument("--device", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--password-file", type=Path, required=True)
    arguments = parser.parse_args()
    diary = Diary()
    door = Door(arguments.device, arguments.password_file.read_text().strip(), diary)
    door.connect(arguments.port)
    handlers = {"present": door.present, "force": door.force, "network": door.network, "state": door.state}
    serve_device(handlers, diary, threading.Event())
    door.leave()


if __name__ == "__main__":
    main()

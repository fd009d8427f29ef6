"""A real mosquitto with users and an access list, and a device that tests hold in their hand."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
MOSQUITTO, MAKE_PASSWORDS = (str(shutil.which(tool, path=PATH)) for tool in ("mosquitto", "mosquitto_passwd"))
PASSWORDS = {"menjin": "m-secret", "gate": "g-secret", "other": "o-secret", "blind": "b-secret"}
ACL = """\
user menjin
topic readwrite menjin/1/#
user blind
topic read menjin/1/#
pattern write menjin/1/d/%u/up/#
pattern read menjin/1/d/%u/down/#
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """mosquitto, that can be killed and started again with what it had stored."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self._config = directory / "mosquitto.conf"
        users, rights = directory / "users", directory / "acl"
        users.write_text("".join(f"{user}:{password}\n" for user, password in PASSWORDS.items()))
        subprocess.run([MAKE_PASSWORDS, "-U", str(users)], check=True)
        rights.write_text(ACL)
        for secret in (users, rights):
            secret.chmod(0o600)
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous false",
            f"password_file {users}",
            f"acl_file {rights}",
            "persistence true",
            f"persistence_location {directory}/",
            "autosave_interval 1",
            "autosave_on_changes true",
            "log_type none",
            *(["user root"] if os.geteuid() == 0 else []),
        ]
        self._config.write_text("\n".join(lines) + "\n")
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._config)])
        end = time.monotonic() + 5
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(5)


class Door:
    """A door controller's end of the dialect, an MQTT 3.1.1 client."""

    def __init__(self, broker: Broker, name: str, user: str = "") -> None:
        self.name = name
        self.boot = "b1"
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._connected = threading.Event()
        self._changed = threading.Condition()
        # A persistent session, as many devices have it by default: the broker keeps for it what it may keep.
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, f"door-{name}-{user}", clean_session=False, protocol=paho.MQTTv311
        )
        self._client.username_pw_set(user or name, PASSWORDS[user or name])
        self._client.will_set(self.topic("state"), json.dumps({"online": False}), 1, retain=True)
        self._client.on_subscribe = lambda *_: self._connected.set()
        self._client.on_connect = lambda client, *_: client.subscribe(f"menjin/1/d/{name}/down/#", 1)
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", broker.port, 5)
        self._client.loop_start()
        assert self._connected.wait(5)

    def topic(self, kind: str) -> str:
        return f"menjin/1/d/{self.name}/up/{kind}"

    def say(self, kind: str, retain: bool = False, **payload: Any) -> None:
        self.raw(self.topic(kind), json.dumps(payload).encode(), retain)

    def raw(self, topic: str, payload: bytes, retain: bool = False) -> None:
        self._client.publish(topic, payload, 1, retain).wait_for_publish(5)

    def online(self, boot: str = "b1") -> None:
        self.boot = boot
        self.say("state", retain=True, online=True, boot=boot)

    def read(self, n: int, bits: str = "0ca0a73", count: int = 26, **more: Any) -> None:
        self.say("read", **({"reader": self.name, "bits": bits, "count": count, "n": n, "boot": self.boot} | more))

    def expect(self, kind: str, timeout: float = 30.0) -> dict[str, Any]:
        """The next command of this kind; it is taken out."""
        end = time.monotonic() + timeout
        with self._changed:
            while True:
                for item in self.heard:
                    if item[0] == kind:
                        self.heard.remove(item)
                        return item[1]
                if not self._changed.wait(max(0.0, end - time.monotonic())):
                    raise TimeoutError(f"no {kind} in {self.heard}")

    def _take(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        with self._changed:
            self.heard.append((message.topic.rsplit("/", 1)[1], json.loads(message.payload)))
            self._changed.notify_all()

    def vanish(self) -> None:
        """The cable is pulled: no farewell."""
        connection = self._client.socket()
        self._client.loop_stop()
        if connection is not None:
            connection.close()  # type: ignore[attr-defined] # paho says object

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def door(broker: Broker, name: str, user: str = "") -> Iterator[Door]:
    client = Door(broker, name, user)
    try:
        yield client
    finally:
        client.close()

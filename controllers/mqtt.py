"""The driver of MQTT door controllers that speak `menjin/1` (README.md)."""

import threading
from collections.abc import Sequence
from pathlib import Path

from controllers.driver import Capabilities, Command, Sink


class MqttDriver:
    """One connection to the broker, for all devices behind it. An empty `username` logs in as nobody."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        username: str,
        password: str,
        ca_file: Path | None,
        devices: Sequence[str],
        sink: Sink,
    ) -> None:
        self.name = name
        self._broker = (host, port, username, password, ca_file)
        self._devices = tuple(devices)
        self._sink = sink

    def devices(self) -> dict[str, Capabilities]:
        """The door controllers, by name."""
        return {name: Capabilities(cards=True) for name in self._devices}

    def run(self, stop: threading.Event) -> None:
        """Serve the broker until `stop` is set. Raises `LinkLost` when the connection breaks."""
        stop.wait()

    def submit(self, command: Command) -> None:
        """Take a command from any thread."""

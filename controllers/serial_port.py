"""The serial drivers' threads: an OSDP bus and a line scanner behind pyserial."""

import threading
from collections.abc import Sequence

from controllers.driver import Capabilities, Command, Sink
from controllers.osdp_bus import OsdpReader


class OsdpBusDriver:
    """One RS-485 line of OSDP readers, always over the secure channel."""

    def __init__(self, name: str, port: str, baud: int, readers: Sequence[OsdpReader], sink: Sink) -> None:
        self.name = name
        self._port = port
        self._baud = baud
        self._readers = tuple(readers)
        self._sink = sink

    def devices(self) -> dict[str, Capabilities]:
        """The readers on the line, by name."""
        return {reader.name: Capabilities(cards=True, secure=True) for reader in self._readers}

    def run(self, stop: threading.Event) -> None:
        """Serve the line until `stop` is set. Raises `LinkLost` when the port breaks."""
        stop.wait()

    def submit(self, command: Command) -> None:
        """Take a command from any thread."""


class ScannerDriver:
    """A serial scanner that ends each text with CR and/or LF."""

    def __init__(self, name: str, port: str, baud: int, sink: Sink) -> None:
        self.name = name
        self._port = port
        self._baud = baud
        self._sink = sink

    def devices(self) -> dict[str, Capabilities]:
        """The scanner itself."""
        return {self.name: Capabilities(text=True)}

    def run(self, stop: threading.Event) -> None:
        """Serve the port until `stop` is set. Raises `LinkLost` when it breaks."""
        stop.wait()

    def submit(self, command: Command) -> None:
        """Take a command from any thread."""

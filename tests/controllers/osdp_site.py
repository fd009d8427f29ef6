"""One of libosdp's readers on a line, our driver at its end, a bad wire between them where a test wants one."""

import time
from typing import Any

from controllers.driver import (
    CardRead,
    LinkState,
)
from controllers.osdp_driver import OsdpBusDriver
from tests.controllers.line import Ear, Peer
from tests.faults.wire import Wire

BAUD = 115200


class Site:
    """One reader on a line, our driver at its end."""

    def __init__(self, peer: Peer, driver: OsdpBusDriver, ear: Ear, wire: Wire | None) -> None:
        self.peer, self.driver, self.ear, self._wire = peer, driver, ear, wire

    @property
    def wire(self) -> Wire:
        assert self._wire, "made without a wire"
        return self._wire

    def close(self) -> None:
        """Let go of the wire."""
        if self._wire:
            self._wire.close()

    def unplug(self) -> None:
        """The adapter is pulled out: its port is gone."""
        self.wire.close()

    def plug(self) -> None:
        """It is there again, under the same name."""
        self._wire = Wire(self.wire.near, self.wire.far)

    def up(self, timeout: float = 5.0) -> LinkState:
        return self.ear.wait(LinkState, lambda event: event.up, timeout)

    def fresh(self) -> None:
        """On line, and its backlog drained."""
        self.up()
        time.sleep(0.2)

    def card(self, bits: int = 0xCA0A73, count: int = 26) -> None:
        self.peer.tell(do="card", pd=0, bits=bits, count=count)

    def present(self, bits: int, count: int) -> CardRead:
        """Hold a card to the reader, again when nothing happens, as people do: libosdp forgets a read it told once."""
        for _ in range(8):
            self.card(bits, count)
            try:
                return self.ear.wait(CardRead, lambda event: event.bits == bits and not event.seen.stale, 1.0)
            except TimeoutError:
                continue
        raise TimeoutError("the card was never read")

    def commands(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.peer.rest() if line.get("command") == kind]

"""A bad wire between the readers' line and the gateway: what it does to the bytes is data."""

import os
import random
import select
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path

from simulators.line import Line

Pieces = list[tuple[float, bytes]]  # (delay in seconds, bytes)
Hurt = Callable[["Wire", bytes], Pieces]
BURST = 24  # at 115200 baud a line carries 11.5 bytes a millisecond


class Wire:
    """Carries bytes both ways in a thread of its own; `to_gateway` and `to_readers` hurt them, `babble` adds some."""

    def __init__(self, near: Path, far: Path, seed: int = 1) -> None:
        self.near, self.far = near, far
        self.random = random.Random(seed)
        self.heard: list[bytes] = []  # what the readers said, frame by frame
        self.to_gateway: Hurt = whole
        self.to_readers: Hurt = whole
        self.babble: Callable[[Wire], bytes] | None = None
        self.echo = False  # the adapter hears what it says
        self.held: list[bytes] = []  # what was held back, and is overtaken
        self._gateway = Line(near)
        self._readers = os.open(far, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._readers)
        self._late: list[tuple[float, bool, bytes]] = []  # (when, to the gateway?, bytes)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def hurt(self, to_gateway: Hurt, to_readers: Hurt, babble: "Callable[[Wire], bytes] | None" = None) -> None:
        """From now on the wire is bad."""
        self.to_gateway, self.to_readers, self.babble = to_gateway, to_readers, babble

    def mend(self) -> None:
        """From now on the wire is good; what was under way is lost."""
        self.hurt(whole, whole)
        self._late, self.held, self.echo = [], [], False

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5)
        self._gateway.close()
        os.close(self._readers)

    def _carry(self) -> None:
        while not self._stop.is_set():
            if said := self._gateway.read(0.001):
                if self.echo:
                    self._gateway.write(said)
                self._send(False, self.to_readers(self, said))
            if select.select([self._readers], [], [], 0)[0] and (said := os.read(self._readers, 4096)):
                self.heard.append(said)
                self._send(True, self.to_gateway(self, said))
            if self.babble is not None:
                self._gateway.write(self.babble(self))
            self._deliver()

    def _send(self, up: bool, pieces: Pieces) -> None:
        now = time.monotonic()
        self._late += [(now + delay_s, up, data) for delay_s, data in pieces]

    def _deliver(self) -> None:
        now, late = time.monotonic(), self._late
        due = [entry for entry in late if entry[0] <= now]
        self._late = [entry for entry in late if entry[0] > now]
        for _, up, data in sorted(due, key=lambda entry: entry[0]):
            if up:
                self._gateway.write(data)
            else:
                os.write(self._readers, data)


# --- what a wire may do -----------------------------------------------------------------------------------------------


def whole(_wire: Wire, data: bytes) -> Pieces:
    return [(0, data)]


def silent(_wire: Wire, _data: bytes) -> Pieces:
    return []


def torn(wire: Wire, data: bytes) -> Pieces:
    cut = wire.random.randrange(len(data) + 1)
    return [(0, data[:cut]), (wire.random.random() * 0.02, data[cut:])]


def noisy(wire: Wire, data: bytes) -> Pieces:
    before, after = (wire.random.randbytes(wire.random.randrange(40)) for _ in range(2))
    return [(0, before + data + after)]


def corrupt(wire: Wire, data: bytes) -> Pieces:
    """One to three bits are turned, in two frames of three."""
    if wire.random.random() < 1 / 3:
        return whole(wire, data)
    turned = bytearray(data)
    for _ in range(wire.random.randrange(1, 4)):
        turned[wire.random.randrange(len(turned))] ^= 1 << wire.random.randrange(8)
    return [(0, bytes(turned))]


def lossy(wire: Wire, data: bytes) -> Pieces:
    if wire.random.random() < 0.5:
        return whole(wire, data)
    gone = wire.random.randrange(len(data))
    return [(0, data[:gone] + data[gone + 1 :])]


def doubled(_wire: Wire, data: bytes) -> Pieces:
    return [(0, data), (0.001, data)]


def replayed(wire: Wire, data: bytes) -> Pieces:
    """In place of an answer, or before it, one that was heard before."""
    old = wire.random.choice(wire.heard[-200:])
    return [(0, old)] if wire.random.random() < 0.5 else [(0, old), (0.001, data)]


def babbled(wire: Wire) -> bytes:
    return wire.random.randbytes(BURST)


def slowly(_wire: Wire, data: bytes) -> Pieces:
    """Byte by byte, as at 38400 baud."""
    return [(0.00026 * place, data[place : place + 1]) for place in range(len(data))]


def delayed(wire: Wire, data: bytes) -> Pieces:
    return [(wire.random.uniform(0.05, 0.3), data)]


def reordered(wire: Wire, data: bytes) -> Pieces:
    """Two pieces change places."""
    cut = wire.random.randrange(len(data) + 1)
    return [(0, data[cut:]), (0.001, data[:cut])]


def overtaken(wire: Wire, data: bytes) -> Pieces:
    """A frame in three is held back until the next one has passed it."""
    if wire.held:
        return [(0, data), (0.001, wire.held.pop())]
    if wire.random.random() < 1 / 3:
        wire.held.append(data)
        return []
    return whole(wire, data)


def rarely(hurt: Hurt, one_in: int = 15) -> Hurt:
    """Now and then, and else nothing."""
    return lambda wire, data: hurt(wire, data) if wire.random.randrange(one_in) == 0 else whole(wire, data)

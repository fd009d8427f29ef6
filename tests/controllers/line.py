"""The tests' grip on a line of libosdp peripherals and on our panel at its end."""

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from controllers.driver import Command, DeviceEvent, Driver, LockAction, LockCommand, Outcome
from controllers.errors import LinkLost

SCRIPT = Path(__file__).with_name("peripherals.py")
KEY = bytes.fromhex("0f1e2d3c4b5a69788796a5b4c3d2e1f0")
HANDSHAKE_CHARS = 140  # LSTAT 8, its answer 10; CHLNG 19, CCRYPT 43; SCRYPT 27, RMAC_I 27; idle before each turn 2
Event = TypeVar("Event", bound=DeviceEvent)


class Peer:
    """A process that speaks JSON lines."""

    def __init__(self, script: Path, argument: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(script), argument], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self.seen: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def tell(self, **order: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def expect(self, key: str, value: object = None, timeout: float = 30.0) -> dict[str, Any]:
        """The next line that has the key (with this value)."""
        end = time.monotonic() + timeout
        while True:
            line = self.lines.get(timeout=max(0.001, end - time.monotonic()))
            self.seen.append(line)
            if key in line and value in (None, line[key]):
                return line

    def rest(self) -> list[dict[str, Any]]:
        """All lines until now."""
        self.tell(do="ping")
        at = len(self.seen)
        self.expect("pong")
        return self.seen[at:-1]

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait(10)
        self._reader.join(5)
        self.process.stdout.close()


class Ear:
    """A sink that remembers, and waits for what it wants."""

    def __init__(self) -> None:
        self.events: list[DeviceEvent] = []
        self._heard = threading.Condition()

    def __call__(self, event: DeviceEvent) -> None:
        with self._heard:
            self.events.append(event)
            self._heard.notify_all()

    def wait(self, kind: type[Event], wanted: Callable[[Event], bool] = lambda _: True, timeout: float = 30.0) -> Event:
        """The first event of this kind, past or to come; it is taken out."""
        end = time.monotonic() + timeout
        with self._heard:
            while True:
                for event in self.events:
                    if isinstance(event, kind) and wanted(event):
                        self.events.remove(event)
                        return event
                if not self._heard.wait(max(0.0, end - time.monotonic())) and time.monotonic() > end:
                    raise TimeoutError(f"no {kind.__name__} in {self.events}")

    def all(self, kind: type[Event]) -> list[Event]:
        with self._heard:
            return [event for event in self.events if isinstance(event, kind)]


@contextmanager
def running(driver: Driver) -> Iterator[threading.Event]:
    """The driver in its thread, started again when its link is lost."""
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                driver.run(stop)
            except LinkLost:
                stop.wait(0.05)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(5)
        assert not thread.is_alive()


@contextmanager
def peripherals(*pds: dict[str, Any], **spec: Any) -> Iterator[tuple[Peer, str]]:
    """A line of libosdp peripherals and its port."""
    peer = Peer(SCRIPT, json.dumps({"pds": pds} | spec))
    try:
        yield peer, peer.expect("port")["port"]
    finally:
        peer.close()


def pulse(device: str, command_id: str = "c1", within_s: float = 2.0, ms: int = 3000) -> LockCommand:
    return LockCommand(command_id, device, 0, LockAction.PULSE, time.monotonic() + within_s, ms)


def outcome(ear: Ear, command: Command, timeout: float = 30.0) -> Outcome:
    return ear.wait(Outcome, lambda event: event.command_id == command.command_id, timeout)

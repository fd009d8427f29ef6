"""A process: OSDP readers with strikes on one RS-485 line, given as a pseudo-terminal.

    python -m simulators.osdp_readers --line run/bus-1 --keys readers.json --reader reader-main=0 --reader reader-b1=1

Requests: present {reader, bits, count, walk?}, force {reader, open}, button {reader, pressed, walk?},
fire_loop {reader, whole}, cut {reader?}, restore {reader?}, state, diary. Inputs: 0 the leaf, 1 the button, 2 the loop.
`bits` is right-aligned hex. Every device hears the panel's frames and no other device's, as behind a hub.
"""

import argparse
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulators.control import serve_device
from simulators.diary import Diary
from simulators.line import Line
from simulators.osdp_reader import Reader

STEP_S = 0.002  # far below the 200 ms in which a peripheral must answer


class Bus:
    """The wire and its readers, stepped by one thread."""

    def __init__(self, line: Line, readers: Sequence[Reader], diary: Diary) -> None:
        self.readers = {reader.name: reader for reader in readers}
        self._line = line
        self._diary = diary

    def run(self, stop: threading.Event) -> None:
        """Copy bytes between the wire and the devices until told to stop."""
        while not stop.is_set():
            heard = self._line.read(STEP_S)
            for reader in self.readers.values():
                if not reader.cut:
                    reader.wire.heard += heard
                reader.step()
                if reader.wire.said and not reader.cut:
                    self._line.write(bytes(reader.wire.said))
                reader.wire.said.clear()

    def present(self, request: dict[str, Any]) -> None:
        """Hold a card, and perhaps walk through."""
        reader = self.readers[request["reader"]]
        (reader.strike.expect if request.get("walk") else reader.strike.forget)()
        self._diary.write("presented", device=reader.name, bits=request["bits"], count=request["count"])
        reader.present((int(request["bits"], 16), int(request["count"])))

    def force(self, request: dict[str, Any]) -> None:
        """Open or close a leaf by hand."""
        self.readers[request["reader"]].strike.force(bool(request["open"]))

    def button(self, request: dict[str, Any]) -> None:
        """Press or let go of the request-to-exit button, and perhaps walk out."""
        reader = self.readers[request["reader"]]
        if request.get("walk"):
            reader.strike.expect()
        reader.press(bool(request["pressed"]))

    def fire_loop(self, request: dict[str, Any]) -> None:
        """What the fire panel does to its loop."""
        self.readers[request["reader"]].fire(bool(request["whole"]))

    def cut(self, request: dict[str, Any], is_cut: bool) -> None:
        """Cut or restore the cable of one reader, or of all."""
        for name in [request["reader"]] if "reader" in request else list(self.readers):
            self.readers[name].cut = is_cut
            self._diary.write("cable", device=name, cut=is_cut)

    def state(self, _: dict[str, Any]) -> dict[str, Any]:
        """All readers' states."""
        return {"readers": {name: reader.state() for name, reader in self.readers.items()}}


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="OSDP readers with strikes on one line")
    parser.add_argument("--line", type=Path, required=True, help="path that the panel opens")
    parser.add_argument("--keys", type=Path, required=True, help="JSON: reader name to 32 hex digits")
    parser.add_argument("--reader", action="append", required=True, help="name=address")
    arguments = parser.parse_args()
    keys = json.loads(arguments.keys.read_text())
    diary, stop, line = Diary(), threading.Event(), Line(arguments.line)
    placed = [item.split("=") for item in arguments.reader]
    readers = [Reader(name, int(address), bytes.fromhex(keys[name]), diary) for name, address in placed]
    bus = Bus(line, readers, diary)
    wire = threading.Thread(target=bus.run, args=(stop,))
    wire.start()
    handlers = {
        "present": bus.present,
        "force": bus.force,
        "button": bus.button,
        "fire_loop": bus.fire_loop,
        "cut": lambda request: bus.cut(request, True),
        "restore": lambda request: bus.cut(request, False),
        "state": bus.state,
    }
    serve_device(handlers, diary, stop)
    wire.join()
    line.close()


if __name__ == "__main__":
    main()

"""A process: an OSDP panel, Menjin's or libosdp's, whose host answers each card with an output command at once.

"door" is Menjin's panel under the whole door process; the hosts of the others are trivial.
Usage: `python -m tests.bench.osdp_host door|menjin|libosdp PORT BAUD READERS`; "menjin" takes "4+1" for four readers
and a dead one. Prints "ready" when all readers are on line, then, at each line on its input, its CPU time in seconds.
"""

import itertools
import os
import select
import sys
import threading
import time

from controllers.driver import CardRead, DeviceEvent, LinkState, LockAction, LockCommand
from controllers.osdp_driver import OsdpBusDriver, OsdpReader
from tests.bench.osdp_door import door

KEY = bytes.fromhex("0f1e2d3c4b5a69788796a5b4c3d2e1f0")
REFRESH_S = 0.005  # libosdp's loop: its own wrapper sleeps 20 ms, which doubles its latency; 1 ms gains little
NUMBERS = itertools.count()


def menjin(port: str, baud: int, count: int, ready: threading.Event, dead: int = 0) -> None:
    """Our panel, in a thread."""
    up: set[str] = set()

    def sink(event: DeviceEvent) -> None:
        if isinstance(event, CardRead):
            name = f"c{next(NUMBERS)}"
            driver.submit(LockCommand(name, event.reader, 0, LockAction.PULSE, time.monotonic() + 5, 3000))
        elif isinstance(event, LinkState) and event.up:
            up.add(event.device)
            if len(up) == count:
                ready.set()

    readers = [OsdpReader(f"r{address}", address, KEY) for address in range(1, count + dead + 1)]
    driver = OsdpBusDriver("bus", port, baud, readers, sink)
    threading.Thread(target=driver.run, args=(threading.Event(),), daemon=True).start()


def libosdp(port: str, baud: int, count: int, ready: threading.Event) -> None:
    """libosdp's panel in a thread, driven as its own documentation does, with the better pause."""
    import osdp
    import serial

    class Port(osdp.Channel):
        def __init__(self) -> None:
            super().__init__()
            self.id = 1
            self.serial = serial.Serial(port, baud, timeout=0, exclusive=True)

        def read(self, max_bytes: int) -> bytes:
            return self.serial.read(max_bytes)

        def write(self, buf: bytes) -> int:
            return self.serial.write(buf) or 0

        def flush(self) -> None:
            self.serial.reset_input_buffer()

    channel = Port()
    flags = [osdp.LibFlag.EnforceSecure]
    infos = [osdp.PDInfo(address, channel, scbk=KEY, flags=flags) for address in range(1, count + 1)]
    panel = osdp.ControlPanel(infos, log_level=osdp.LogLevel.Emergency)
    cards: list[int] = []
    panel.ctx.set_event_callback(lambda index, event: cards.append(index) if event["event"] == 1 else None)
    command = {"command": osdp.Command.Output, "output_no": 0, "control_code": 5, "timer_count": 30}

    def serve() -> None:
        while True:
            panel.ctx.refresh()
            if cards:
                while cards:
                    panel.ctx.submit_command(cards.pop(0), command)
                continue  # refresh again at once
            if panel.ctx.sc_status() == (1 << count) - 1:
                ready.set()
            time.sleep(REFRESH_S)

    threading.Thread(target=serve, daemon=True).start()


def main() -> None:
    """Serve until the input ends."""
    which, port, baud, count = sys.argv[1:]
    ready = threading.Event()
    if which == "door":
        door(port, int(baud), KEY, int(count), ready)
    elif which == "menjin":
        alive, _, dead = count.partition("+")
        menjin(port, int(baud), int(alive), ready, int(dead or 0))
    else:
        libosdp(port, int(baud), int(count), ready)
    ready.wait()
    os.write(1, b"ready\n")
    while select.select([0], [], [])[0] and os.read(0, 64):
        used = os.times()
        os.write(1, f"{used.user + used.system}\n".encode())


if __name__ == "__main__":
    main()

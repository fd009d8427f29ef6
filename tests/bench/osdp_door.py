"""The whole door process as the host of a bus."""

import asyncio
import threading

from controllers.driver import DeviceEvent, LinkState, Sink
from controllers.osdp_driver import OsdpBusDriver, OsdpReader
from gateway.site import Reader
from tests.bench.whole_door import serve


def door(port: str, baud: int, key: bytes, count: int, ready: threading.Event) -> None:
    """Serve `count` readers, each with a door of its own, in a thread."""
    names, up = [f"r{address}" for address in range(1, count + 1)], set[str]()

    def driver(sink: Sink) -> OsdpBusDriver:
        def tell(event: DeviceEvent) -> None:
            if isinstance(event, LinkState) and event.up:
                up.add(event.device)
                if len(up) == count:
                    ready.set()
            sink(event)

        readers = [OsdpReader(name, address, key) for address, name in enumerate(names, 1)]
        return OsdpBusDriver("bus", port, baud, readers, tell)

    bus = serve(driver, {Reader(name, "osdp", ("H10301",), 1): name for name in names})
    threading.Thread(target=asyncio.run, args=(bus,), daemon=True).start()

"""The whole door process as the host of a bus: table, journal on the disk, orders. Only its sync is left out."""

import asyncio
import logging
import tempfile
import threading
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from controllers.driver import DeviceEvent, LinkState
from controllers.osdp_driver import OsdpBusDriver, OsdpReader
from gateway.access.generation import build
from gateway.access.model import AccessPoint
from gateway.access.table import PermissionTable
from gateway.clock import Clock
from gateway.commands import Commands
from gateway.inbox import Inbox
from gateway.journal import Journal
from gateway.pen import Pen
from gateway.service import Service
from gateway.site import Door, Reader, Site
from gateway.wire import row, rows_of
from tests.gateway.world import SITE, SITE_KEY, ZONE, credential, rows

BUILD = Path("build")
CARDS = 1000


def door(port: str, baud: int, key: bytes, count: int, ready: threading.Event) -> None:
    """Serve `count` readers, each with a door of its own, in a thread."""
    threading.Thread(target=lambda: asyncio.run(_serve(port, baud, key, count, ready)), daemon=True).start()


async def _serve(port: str, baud: int, key: bytes, count: int, ready: threading.Event) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    BUILD.mkdir(exist_ok=True)
    loop, up = asyncio.get_running_loop(), set[str]()
    names = [f"r{address}" for address in range(1, count + 1)]
    site = _site(names)

    def sink(event: DeviceEvent) -> None:
        if isinstance(event, LinkState) and event.up:
            up.add(event.device)
            if len(up) == count:
                ready.set()
        inbox.put(event)

    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        journal = Journal(Path(folder) / "journal.db", time.time)
        journal.start()
        generation = build([row(kind, body) for kind, body in rows_of(rows(*map(credential, range(1, CARDS))))], 1)
        table = PermissionTable.load(generation, site.access_points, site.tz, site=SITE)
        readers = [OsdpReader(name, address, key) for address, name in enumerate(names, 1)]
        driver = OsdpBusDriver("bus", port, baud, readers, sink)
        service = Service(site, Pen(journal, Clock(), lambda: table), Commands([driver]), loop)
        inbox = Inbox(loop, service.on_event)
        await asyncio.to_thread(driver.run, threading.Event())


def _site(names: list[str]) -> Site:
    doors = [Door(name, number, {"zh": name, "en": name}, name) for number, name in enumerate(names, 1)]
    points = {door.name: AccessPoint(f"{door.name}-in", door.name, door.number, "estate", ZONE) for door in doors}
    readers = [Reader(name, "osdp", ("H10301",), 1) for name in names]
    return Site(SITE, ZoneInfo("Asia/Shanghai"), SITE_KEY, doors, points, readers)

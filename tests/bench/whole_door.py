"""The whole door process behind any driver: table, journal on the disk, orders. Only its sync is left out."""

import asyncio
import logging
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from controllers.driver import Driver, Sink
from controllers.errors import LinkLost
from gateway.access.generation import build
from gateway.access.model import AccessPoint
from gateway.access.table import PermissionTable
from gateway.clock import Clock
from gateway.commands import Commands
from gateway.inbox import Inbox
from gateway.journal import Journal
from gateway.pen import Pen
from gateway.readers import ReaderLimits
from gateway.realtime import go_first
from gateway.service import Service
from gateway.site import Door, Reader, Site
from gateway.wire import row, rows_of
from tests.gateway.world import SITE, SITE_KEY, ZONE, credential, rows

BUILD = Path("build")
CARDS = 1000
UNHELD = ReaderLimits(per_s=1000.0, alarm_after=1_000_000)  # a benchmark is no attack


async def serve(driver_of: Callable[[Sink], Driver], readers: Mapping[Reader, str]) -> None:
    """Serve readers, each with a door whose lock hangs on the named device, for as long as the link lives."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    go_first()  # as the process's root does
    BUILD.mkdir(exist_ok=True)
    loop, site = asyncio.get_running_loop(), _site(readers)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        journal = Journal(Path(folder) / "journal.db", time.time)
        journal.start()
        generation = build([row(kind, body) for kind, body in rows_of(rows(*map(credential, range(1, CARDS))))], 1)
        table = PermissionTable.load(generation, site.access_points, site.tz, site=SITE)
        driver = driver_of(lambda event: inbox.put(event))
        service = Service(site, Pen(journal, Clock(), lambda: table), Commands([driver]), loop, limits=UNHELD)
        inbox = Inbox(loop, service.on_event)
        with suppress(LinkLost):
            await asyncio.to_thread(driver.run, threading.Event())


def _site(readers: Mapping[Reader, str]) -> Site:
    doors, points = [], {}
    for number, (reader, device) in enumerate(readers.items(), 1):
        name = reader.name
        doors.append(Door(name, number, {"zh": name, "en": name}, device))
        points[name] = AccessPoint(f"{name}-in", name, number, "estate", ZONE)
    return Site(SITE, ZoneInfo("Asia/Shanghai"), SITE_KEY, doors, points, [*readers])

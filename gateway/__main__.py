"""The root of the door process: puts it together from the site file, and runs it until told to stop."""

import asyncio
import contextlib
import gc
import signal
import sqlite3
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from config.secret import read_secret
from config.settings import Settings
from controllers.driver import DeviceEvent, Driver, Sink
from controllers.errors import BadSetup
from gateway.access.event import EventKind
from gateway.board_turns import REPORT, BoardTurns
from gateway.clock import Clock
from gateway.commands import Commands
from gateway.control import Control
from gateway.control_words import socket_path
from gateway.device_work import DeviceWork
from gateway.drivers import board_setup, drivers_of, home_assistant
from gateway.generations import Generations
from gateway.home_assistant import unlocker, views
from gateway.inbox import Inbox
from gateway.inventory import inventory
from gateway.journal import Journal
from gateway.pen import Pen
from gateway.place import wired
from gateway.realtime import go_first
from gateway.running import mark
from gateway.service import Service
from gateway.store import Store
from gateway.supervisor import Supervisor
from gateway.sync import Sync
from gateway.wiring import site_of

TICK_S = 0.25
TEXTS_S = 60.0  # so long the texts of a table stay resident once read
FIRST_BUILD_S = 5.0  # doors wait this long at most for what the last life left unbuilt

log = structlog.get_logger()


def run(settings: Settings) -> int:
    """Serve the doors until SIGTERM or SIGINT; then 0. 1 for wiring that can never work. Raises `BadSecret`."""
    go_first()
    try:
        asyncio.run(serve(settings))
    except BadSetup as error:
        log.error("cannot start", error=str(error))
        return 1
    return 0


async def serve(settings: Settings) -> None:
    """Put the process together and serve."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gateway = settings.gateway
    if gateway is None:
        raise ValueError("the site file has no gateway")
    folder, site = settings.data_dir / "gateway", site_of(settings)
    clock, running = Clock(), mark(folder)
    if running is None:
        log.warning("another door process uses this folder", folder=str(folder))
    journal = Journal(
        folder / "journal.db", clock.now, quality=clock.quality, on_commit=lambda: _wake(loop, sync.wake_events)
    )
    clock.floor(journal.high_water)

    def adopted(version: int) -> None:
        pen.write(EventKind.TABLE_ADOPTED, {"table_version": version})
        sync.wake_inventory()

    generations = Generations(folder / "generations", folder / "store.db", site, on_adopt=adopted)
    pen = Pen(journal, clock, lambda: generations.table)

    def hear(event: DeviceEvent) -> None:
        service.on_event(event)
        work.hear(event)

    inbox = Inbox(loop, hear)
    drivers = drivers_of(settings, site.site_key, inbox.put)
    shown = home_assistant(settings, unlocker(loop, clock, lambda order: service.order(order)), inbox.put)

    def changed() -> None:
        sync.wake_inventory()
        if shown is not None:
            for view in views(service):
                shown[0].show(view)

    service = Service(site, pen, Commands(drivers), loop, changed)
    work = DeviceWork(drivers, pen, service.links, folder / "captures")
    store = Store(folder / "store.db", clock.now)
    if store.set_aside is not None:
        log.error("permission mirror was corrupt, it starts anew", kept_aside=store.set_aside.name)
    sync = Sync(
        gateway.api.url,
        read_secret(gateway.api.token_file),
        gateway.id,
        store,
        folder / "store.db",
        generations,
        journal,
        service.order,
        lambda: inventory(site, service, generations.table.version, journal.head.seq),
        wired(folder, site),
        service.elsewhere,
    )
    links = [*drivers, shown[1]] if shown else drivers
    setup = board_setup(settings, site)
    duties = (
        [BoardTurns(setup, service.links, lambda: generations.table.version, clock, folder / REPORT).run]
        if setup
        else []
    )
    if running:
        duties.append(Control(socket_path(settings.data_dir), work.carry_out).run)
    with running or contextlib.nullcontext():
        await _live(journal, generations, store, pen, service, links, inbox.put, sync, duties, stop)


async def _live(
    journal: Journal,
    generations: Generations,
    store: Store,
    pen: Pen,
    service: Service,
    drivers: Sequence[Driver],
    sink: Sink,
    sync: Sync,
    duties: Sequence[Callable[[], Coroutine[Any, Any, None]]],
    stop: asyncio.Event,
) -> None:
    """Start all in order, wait, and end all in reverse. No lock moves by any of it."""
    journal.start()
    pen.write(EventKind.GATEWAY_STARTED, {})
    try:
        service.elsewhere.remember(store.shared())
        await generations.refresh(store)
    except sqlite3.Error as error:  # no room on the disk, say; sync tries again
        log.error("permission mirror cannot be read, the last table serves", error=str(error))
    stopped = asyncio.create_task(stop.wait())
    first = asyncio.create_task(generations.settled())
    await asyncio.wait((first, stopped), timeout=FIRST_BUILD_S, return_when=asyncio.FIRST_COMPLETED)
    gc.freeze()
    supervisor = Supervisor(drivers, sink)
    supervisor.start()
    lasting = (sync.run(), _tick(service), _stay_small(generations), *(duty() for duty in duties))
    tasks = [asyncio.create_task(each) for each in lasting]
    log.info("ready", doors=len(service.doors.by_name), table_version=generations.table.version)
    await stopped
    for task in (*tasks, first):
        task.cancel()
    await asyncio.gather(*tasks, first, return_exceptions=True)
    await generations.close()
    await asyncio.to_thread(supervisor.stop, 1.0)
    await asyncio.to_thread(journal.close, 1.0)
    store.close()


async def _tick(service: Service) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        try:
            service.tick()
        except Exception:  # one bad tick must not end the doors
            log.exception("tick failed")


async def _stay_small(generations: Generations) -> None:
    while True:
        await asyncio.sleep(TEXTS_S)
        generations.table.let_texts_go()


def _wake(loop: asyncio.AbstractEventLoop, wake: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending
        loop.call_soon_threadsafe(wake)


if __name__ == "__main__":
    sys.exit("run it as: menjin gateway --config site.yaml")

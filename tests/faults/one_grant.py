"""One grant in a process of its own, so that it can be killed at any system call."""

import asyncio
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from controllers.driver import Command, DeviceEvent, LockCommand
from gateway.access.generation import build
from gateway.access.table import PermissionTable
from gateway.clock import Clock
from gateway.commands import Commands
from gateway.journal import Journal
from gateway.pen import Pen
from gateway.service import Service
from gateway.wire import row, rows_of
from tests.gateway.world import SITE, RecordingDriver, rows, site, text_read

AFTER_S = 0.05  # for what follows a command: its outcome, and the record of that


def show(folder: Path, issuer: str, text: str, gate: Connection) -> None:
    """Show a visitor pass at the club's door, and write each pulse that the lock was told to `pulses` in the folder.

    `gate` is told the process's threads (name to native id) when all is ready, and says when to go.
    """
    asyncio.run(_show(folder, issuer, text, gate))


async def _show(folder: Path, issuer: str, text: str, gate: Connection) -> None:
    loop, done, here = asyncio.get_running_loop(), asyncio.Event(), site()
    clock = Clock()
    journal = Journal(folder / "journal.db", clock.now, reserve_bytes=1 << 16)
    data = build([row(*each) for each in rows_of(rows(issuers=({"kid": 1, "public_key": issuer},)))], 1)
    table = PermissionTable.load(data, here.access_points, here.tz, site=SITE)

    class Told(RecordingDriver):
        def submit(self, command: Command) -> None:
            super().submit(command)
            loop.call_later(AFTER_S, done.set)

    def take(event: DeviceEvent) -> None:
        loop.call_soon_threadsafe(service.on_event, event)

    def pulse(command: LockCommand) -> None:
        with (folder / "pulses").open("a") as file:
            file.write(f"{command.command_id}\n")

    driver = Told(take)
    driver.on_lock = pulse
    service = Service(here, Pen(journal, clock, lambda: table), Commands([driver]), loop)
    journal.start()
    gate.send({thread.name: thread.native_id for thread in threading.enumerate()})
    gate.recv()
    service.on_event(text_read(text, "club-1"))
    with suppress(TimeoutError):
        await asyncio.wait_for(done.wait(), 5)
    await asyncio.to_thread(journal.close)

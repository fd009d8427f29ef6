"""One grant in a process of its own, so that it can be killed at any system call.

`python -m tests.faults.one_grant FOLDER ISSUER PASS` shows a visitor pass at the club's door. It ends once the lock was
told, which it writes to `FOLDER/pulses`, or once the pass was refused.
"""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

from controllers.driver import DeviceEvent, LockCommand, TextRead
from gateway.access.generation import build
from gateway.access.table import PermissionTable
from gateway.clock import Clock
from gateway.commands import Commands
from gateway.journal import Journal
from gateway.pen import Pen
from gateway.service import Service
from gateway.wire import row, rows_of
from tests.gateway.world import SITE, RecordingDriver, rows, seen, site


async def main(folder: Path, issuer: str, text: str) -> None:
    """Present the pass, and wait for what becomes of it."""
    loop, done, here = asyncio.get_running_loop(), asyncio.Event(), site()
    clock = Clock()
    journal = Journal(folder / "journal.db", clock.now, reserve_bytes=1 << 16)
    data = build([row(*each) for each in rows_of(rows(issuers=({"kid": 1, "public_key": issuer},)))], 1)
    table = PermissionTable.load(data, here.access_points, here.tz, site=SITE)

    def take(event: DeviceEvent) -> None:
        loop.call_soon_threadsafe(service.on_event, event)

    def pulse(command: LockCommand) -> None:
        with (folder / "pulses").open("a") as file:
            file.write(f"{command.command_id}\n")
        loop.call_later(0.1, done.set)

    driver = RecordingDriver(take)
    driver.on_lock = pulse
    service = Service(here, Pen(journal, clock, lambda: table), Commands([driver]), loop)
    journal.start()
    service.on_event(TextRead("club-1", text, seen()))
    with suppress(TimeoutError):
        await asyncio.wait_for(done.wait(), 0.3 if driver.signals else 10)
    await asyncio.to_thread(journal.close)


if __name__ == "__main__":
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))

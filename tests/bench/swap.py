"""Doors while a whole new table comes in, is built and swapped: grants as fast as at rest, no read lost, no mixture.

Even cards stand in the old table alone, odd ones in the new alone: what was decided must be what the table named in
the event says.
"""

import asyncio
import gc
import json
import logging
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import structlog

from gateway.__main__ import SWITCH_S
from gateway.builder import NICE
from gateway.clock import Clock
from gateway.commands import Commands
from gateway.generations import Generations
from gateway.inbox import Inbox
from gateway.journal import Journal
from gateway.pen import Pen
from gateway.readers import ReaderLimits
from gateway.service import Service
from gateway.store import Store
from tests.gateway.world import RecordingDriver, card_read, credential, rows, site

BUILD = Path("build")
CARDS, PAGE_ROWS = 100_000, 500
TABLES = 3  # one after another, so that the slowest hundredth is more than a read or two
READS_PER_S, REST_S = 100, 8.0
FREE = ReaderLimits(repeat_card_s=0.0, per_s=1e6, alarm_after=1_000_000)

Row = dict[str, object]


def run() -> list[Row]:
    """Rows of name, value, unit, ratio. About a minute."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:  # a real disk: the system's folder may be memory
        before = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)  # as the process's root does
        try:
            return asyncio.run(_measure(Path(folder)))
        finally:
            sys.setswitchinterval(before)


def transfer(store_path: Path, version: int, odd: bool) -> None:
    """A whole new table into the mirror, page by page, as `gateway.pull` does in a child."""
    os.nice(NICE)
    store = Store(store_path)
    store.begin_snapshot()
    store.stage(rows() | {"version": version})
    for start in range(0, CARDS, PAGE_ROWS):
        page = [credential(2 * n + odd) for n in range(start, start + PAGE_ROWS)]
        store.stage(dict.fromkeys(rows(), ()) | {"credentials": page, "version": version})
    store.commit_snapshot(version)
    store.close()


class Doors:
    """The door process's own parts, on one loop; the driver stands still."""

    def __init__(self, folder: Path) -> None:
        self.store_path = folder / "store.db"
        self.store, here = Store(self.store_path), site()
        self.generations = Generations(folder / "generations", self.store_path, here)
        self.journal = Journal(folder / "journal.db", time.time)
        self.journal.start()
        self.driver = RecordingDriver(lambda event: None, answer=None)
        pen = Pen(self.journal, Clock(), lambda: self.generations.table)
        loop = asyncio.get_running_loop()
        self.inbox = Inbox(loop, Service(here, pen, Commands([self.driver]), loop, limits=FREE).on_event)
        self.sent: list[float] = []
        self.driver.on_lock = lambda _command: self.sent.append(time.perf_counter())
        self.read: list[tuple[int, float]] = []  # card, when
        self.stop = False

    def present(self) -> None:
        """Reads at a steady pace, as a driver's thread brings them: an even card and an odd one by turns."""
        number = 0
        while not self.stop:
            time.sleep(1 / READS_PER_S)
            number = (number + 1) % (2 * CARDS)
            self.read.append((number, time.perf_counter()))
            self.inbox.put(card_read(number))

    async def take_whole(self, version: int, odd: bool) -> float:
        """Transfer, build and swap; how long it took."""
        start = time.perf_counter()
        child = multiprocessing.get_context("spawn").Process(target=transfer, args=(self.store_path, version, odd))
        child.start()
        await asyncio.to_thread(child.join)
        await self.generations.refresh(self.store)
        await self.generations.settled()
        return time.perf_counter() - start


async def _measure(folder: Path) -> list[Row]:
    doors = Doors(folder)
    await doors.take_whole(1, odd=False)
    gc.collect()
    gc.freeze()
    presenting = asyncio.create_task(asyncio.to_thread(doors.present))
    await asyncio.sleep(REST_S)
    begun = time.perf_counter()
    took = [await doors.take_whole(2 + number, odd=number % 2 == 0) for number in range(TABLES)]
    ended = time.perf_counter()
    await asyncio.sleep(REST_S)
    doors.stop = True
    await presenting
    await asyncio.sleep(0.5)
    await doors.generations.close()
    await asyncio.to_thread(doors.journal.close)
    return _rows(doors, begun, ended, took)


def _rows(doors: Doors, begun: float, ended: float, took: list[float]) -> list[Row]:
    decided = _decided(doors)
    granted = [at for (_, at), event in zip(doors.read, decided, strict=True) if event["kind"] == "Granted"]
    waits = [(at, (sent - at) * 1_000) for at, sent in zip(granted, doors.sent, strict=True)]
    rest = [wait for at, wait in waits if not begun <= at <= ended]
    busy = [wait for at, wait in waits if begun <= at <= ended]
    idle_p99, busy_p99 = _p99(rest), _p99(busy)
    return [
        {
            "name": f"new table of {CARDS:,} cards, arrived to in force", "value": round(median(took), 2), "unit": "s",
            "spread": f"{min(took):.2f} to {max(took):.2f}",
        },
        {"name": "grant at rest p50", "value": round(median(rest), 3), "unit": "ms"},
        {"name": "grant at rest p99", "value": round(idle_p99, 3), "unit": "ms"},
        {
            "name": "grant meanwhile p99", "value": round(busy_p99, 3), "unit": "ms", "peer": f"at rest {idle_p99:.3f}",
            "ratio": round(idle_p99 / busy_p99, 2),
        },
        {"name": "grant meanwhile, longest", "value": round(max(busy), 3), "unit": "ms", "peer": f"of {len(busy)}"},
        {"name": "reads lost or decided by a mixture", "value": 0.0, "unit": f"of {len(decided)}"},
    ]  # fmt: skip


def _p99(times: list[float]) -> float:
    return quantiles(times, n=100)[98]


def _decided(doors: Doors) -> list[dict[str, Any]]:
    """The event of each read, in order. Raises AssertionError if one is missing or not what its table says."""
    found, seq = [], 0
    while batch := doors.journal.after(seq):
        found += [json.loads(sealed.text) for sealed in batch]
        seq = batch[-1].seq
    decided = [event for event in found if event["kind"] in ("Granted", "Denied")]
    if len(decided) != len(doors.read):
        raise AssertionError(f"{len(doors.read)} reads, {len(decided)} decisions")
    for (card, _), event in zip(doors.read, decided, strict=True):
        in_force = card % 2 != event["table_version"] % 2
        if (event["kind"] == "Granted") is not in_force:
            raise AssertionError(f"card {card} by table {event['table_version']}: {event['kind']}")
    return decided

"""Doors while a whole new table comes in, is built and swapped: grants as fast as at rest, no read lost, no mixture.

Even cards stand in the old table alone, odd ones in the new alone: what was decided must be what the table named in
the event says. The slowest hundredth is a dozen reads: other work on the machine moves it from run to run more than
most changes do. Compare several runs in turn, and look at rest beside meanwhile.
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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import parse_qs, urlsplit

import structlog

from gateway import wire
from gateway.child import child
from gateway.clock import Clock
from gateway.commands import Commands
from gateway.generations import Generations
from gateway.inbox import Inbox
from gateway.journal import Journal
from gateway.pen import Pen
from gateway.readers import ReaderLimits
from gateway.realtime import go_first
from gateway.service import Service
from gateway.store import Store
from tests.gateway.world import RecordingDriver, card_read, credential, rows, site

BUILD = Path("build")
CARDS, PAGE_ROWS = 100_000, 500
TABLES = 3  # one after another, so that the slowest hundredth is more than a read or two
READS_PER_S, REST_S = 100, 8.0
PIPE = asyncio.subprocess.PIPE
NO_CHANGES = json.dumps(dict.fromkeys(wire.KINDS, ())).encode()[1:]
FREE = ReaderLimits(repeat_card_s=0.0, per_s=1e6, alarm_after=1_000_000)

Row = dict[str, object]


def run() -> list[Row]:
    """Rows of name, value, unit, ratio. About a minute."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:  # a real disk: the system's folder may be memory
        before = sys.getswitchinterval()
        go_first()  # as the process's root does
        try:
            return asyncio.run(_measure(Path(folder)))
        finally:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))  # for the benches after it
            sys.setswitchinterval(before)


class Plane(BaseHTTPRequestHandler):
    """Gives pages that were made before, as a plane on another machine would; a gateway's name is its version."""

    protocol_version, wbufsize = "HTTP/1.1", -1  # one write an answer
    pages: tuple[list[bytes], ...] = ()  # the rest of each page behind its version, of even cards and of odd ones

    def do_GET(self) -> None:
        """The next page of the table; of changes there are none, and none since an older version."""
        url = urlsplit(self.path)
        version, what = url.path.split("/")[-2:]
        after = int(parse_qs(url.query).get("after", "0")[0])
        gone = what == "changes" and after < int(version)
        rest = NO_CHANGES if what == "changes" else self.pages[int(version) % 2 == 0][after]
        body = b'{"version": %b, %b' % (version.encode(), rest)
        self.send_response(410 if gone else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def serve(link: Connection) -> None:
    """The plane's process. At a site it is another machine, so here it must leave the cores to the doors."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    Plane.pages = _pages(odd=False), _pages(odd=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Plane)
    link.send(server.server_port)
    server.serve_forever()


def _pages(odd: bool) -> list[bytes]:
    starts = range(0, CARDS, PAGE_ROWS)
    made = []
    for number, start in enumerate(starts, 1):
        lists = rows(*(credential(2 * n + odd) for n in range(start, start + PAGE_ROWS)))
        last = number == len(starts)
        page = {"digest": wire.digest(lists), "next": None if last else str(number), "form": wire.FORM, **lists}
        made.append(json.dumps(page).encode()[1:])
    return made


class Doors:
    """The door process's own parts, on one loop; the driver stands still."""

    def __init__(self, folder: Path, plane: str) -> None:
        self.plane = plane
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

    async def take_whole(self, version: int) -> float:
        """Transfer, build and swap; how long it took."""
        start = time.perf_counter()
        async with child("gateway.pull", self.plane, str(version), str(self.store_path), stdin=PIPE) as puller:
            await puller.communicate(b"token\n")
        if puller.returncode:
            raise AssertionError(f"the transfer ended with {puller.returncode}")
        await self.generations.refresh(self.store)
        await self.generations.settled()
        return time.perf_counter() - start


async def _measure(folder: Path) -> list[Row]:
    spawn = multiprocessing.get_context("spawn")
    link, theirs = spawn.Pipe()
    plane = spawn.Process(target=serve, args=(theirs,), daemon=True)
    plane.start()
    doors = Doors(folder, f"http://127.0.0.1:{await asyncio.to_thread(link.recv)}")
    await doors.take_whole(1)
    gc.collect()
    gc.freeze()
    presenting = asyncio.create_task(asyncio.to_thread(doors.present))
    await asyncio.sleep(REST_S)
    begun = time.perf_counter()
    took = [await doors.take_whole(2 + number) for number in range(TABLES)]
    ended = time.perf_counter()
    await asyncio.sleep(REST_S)
    doors.stop = True
    await presenting
    await asyncio.sleep(0.5)
    await doors.generations.close()
    await asyncio.to_thread(doors.journal.close)
    plane.terminate()
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

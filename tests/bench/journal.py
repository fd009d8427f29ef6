"""Durable events beside SQLAlchemy, on the same disk in one run; and where the time of a grant goes."""

import asyncio
import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import structlog
from sqlalchemy import JSON, Engine, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from controllers.driver import DeviceEvent, LockCommand
from gateway.access.event import AccessEvent, EventKind
from gateway.access.generation import build
from gateway.access.table import PermissionTable
from gateway.clock import Clock
from gateway.commands import Commands
from gateway.inbox import Inbox
from gateway.journal import Journal
from gateway.orders import Orders
from gateway.pen import Pen
from gateway.readers import ReaderLimits
from gateway.service import Service
from gateway.wire import row, rows_of
from tests.gateway.world import SITE, RecordingDriver, card_read, credential, rows, site

BUILD = Path("build")
ROUNDS = 4
SINGLE_S = 1.0  # of one event a commit, per round and side
BULK_EVENTS = 10_000
GRANTS, GRANTS_PER_S = 500, 50
FREE = ReaderLimits(repeat_card_s=0.0, per_s=1e6)

Row = dict[str, object]


class Base(DeclarativeBase):
    """The peer's table: the same record, as an ORM would keep it."""


class Event(Base):
    """One event."""

    __tablename__ = "event"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    occurred_at: Mapped[float]
    door: Mapped[str]
    credential: Mapped[str]
    record: Mapped[dict[str, Any]] = mapped_column(JSON)


def run() -> list[Row]:
    """Rows of name, value, unit, peer, ratio, spread (lowest to highest round). About 25 s."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:  # a real disk: the system's folder may be memory
        return [*_durable(Path(folder)), *asyncio.run(_stages(Path(folder)))]


def _event(number: int) -> AccessEvent:
    return AccessEvent(
        EventKind.GRANTED, time.time(), "lobby", "lobby-in", "lobby-1", f"c-{number}", "card", f"r-{number}",
        policy="residents/always", raw="26:0ca0a73", command_id="0123456789abcdef", table_version=17,
    )  # fmt: skip


# --- durable events -------------------------------------------------------------------------------------------------


def _durable(folder: Path) -> list[Row]:
    journal = Journal(folder / "journal.db", time.time, queue_limit=2 * BULK_EVENTS)
    journal.start()
    engine = create_engine(f"sqlite:///{folder / 'orm.db'}")
    Base.metadata.create_all(engine)
    ours: list[list[float]] = []
    theirs: list[list[float]] = []
    bulk = []
    for _ in range(ROUNDS):
        ours.append(_one_by_one(lambda number: journal.append(_event(number)).result()))
        theirs.append(_one_by_one(lambda number: _orm(engine, number)))
        bulk.append(_bulk(journal))
    journal.close()
    engine.dispose()
    rates = [[len(times) / sum(times) for times in side] for side in (ours, theirs)]
    made = [_beside("durable events, one waits for the next", "events/s", rates[0], rates[1], more_is_better=True)]
    made.append(_beside("durable events, all that is queued", "events/s", bulk, rates[1], more_is_better=True))
    for percent in (50, 99):
        sides = [[_percentile(times, percent) * 1000 for times in side] for side in (ours, theirs)]
        made.append(_beside(f"event to disk p{percent}", "ms", *sides, more_is_better=False))
    return made


def _one_by_one(write: Callable[[int], object]) -> list[float]:
    times, end, number = [], time.perf_counter() + SINGLE_S, 0
    while (begin := time.perf_counter()) < end:
        write(number)
        times.append(time.perf_counter() - begin)
        number += 1
    return times


def _orm(engine: Engine, number: int) -> None:
    event = _event(number)
    with Session(engine) as session:
        session.add(
            Event(
                kind=event.kind, occurred_at=event.occurred_at, door=event.door, credential=event.credential,
                record=event.record(),
            )
        )  # fmt: skip
        session.commit()


def _bulk(journal: Journal) -> float:
    begin = time.perf_counter()
    futures = [journal.append(_event(number)) for number in range(BULK_EVENTS)]
    futures[-1].result()
    return BULK_EVENTS / (time.perf_counter() - begin)


def _beside(name: str, unit: str, ours: Sequence[float], theirs: Sequence[float], *, more_is_better: bool) -> Row:
    pairs = [mine / other if more_is_better else other / mine for mine, other in zip(ours, theirs, strict=True)]
    return {
        "name": name,
        "value": round(median(ours), 3),
        "unit": unit,
        "peer": f"SQLAlchemy {median(theirs):,.2f}",
        "ratio": round(median(pairs), 1),
        "spread": f"{min(pairs):.1f} to {max(pairs):.1f}",
    }


# --- stages of a grant ----------------------------------------------------------------------------------------------


class Stamps:
    """When each stage of each grant was over, in order."""

    def __init__(self) -> None:
        self.read: list[float] = []
        self.taken: list[float] = []
        self.decided: list[float] = []
        self.durable: list[float] = []
        self.sent: list[float] = []


async def _stages(folder: Path) -> list[Row]:
    """Grants at a steady pace through the real service and journal; the driver stands still."""
    loop, stamps = asyncio.get_running_loop(), Stamps()
    journal = Journal(folder / "grants.db", time.time)
    journal.start()
    here = site()
    table = PermissionTable.load(_table(), here.access_points, here.tz, site=SITE)
    driver = RecordingDriver(lambda event: None, answer=None)
    pen = Pen(journal, Clock(), lambda: table)
    service = Service(here, pen, Commands([driver]), loop, limits=FREE)
    _stamp(service, driver, stamps)

    def handle(event: DeviceEvent) -> None:
        stamps.taken.append(time.perf_counter())
        service.on_event(event)

    inbox = Inbox(loop, handle)
    await asyncio.to_thread(_present, inbox, stamps)
    while len(stamps.sent) < GRANTS:
        await asyncio.sleep(0.01)
    await asyncio.to_thread(journal.close)
    return _stage_rows(stamps)


def _table() -> bytes:
    return build([row(kind, body) for kind, body in rows_of(rows(*(credential(card) for card in range(1000))))], 1)


def _stamp(service: Service, driver: RecordingDriver, stamps: Stamps) -> None:
    orders: Orders = service._orders
    carry_out, recorded = orders.carry_out, orders._recorded

    def decided(*arguments: Any) -> None:
        stamps.decided.append(time.perf_counter())
        carry_out(*arguments)

    def durable(*arguments: Any) -> None:
        stamps.durable.append(time.perf_counter())
        recorded(*arguments)

    def sent(_command: LockCommand) -> None:
        stamps.sent.append(time.perf_counter())

    orders.carry_out, orders._recorded, driver.on_lock = decided, durable, sent  # type: ignore[method-assign]


def _present(inbox: Inbox, stamps: Stamps) -> None:
    """As a driver's thread does."""
    for number in range(GRANTS):
        time.sleep(1 / GRANTS_PER_S)
        stamps.read.append(time.perf_counter())
        inbox.put(card_read(number % 1000))


def _stage_rows(stamps: Stamps) -> list[Row]:
    marks = (stamps.read, stamps.taken, stamps.decided, stamps.durable, stamps.sent)
    names = ("to the loop", "decide", "to the disk", "to the driver")
    total = [(end - begin) * 1000 for begin, end in zip(stamps.read, stamps.sent, strict=True)]
    found: list[Row] = [
        {"name": f"grant, read to command p{percent}", "value": round(_percentile(total, percent), 3), "unit": "ms"}
        for percent in (50, 99)
    ]
    for name, before, after in zip(names, marks, marks[1:], strict=False):
        times = [(end - begin) * 1000 for begin, end in zip(before, after, strict=True)]
        share = f"{sum(times) / sum(total):.0%} of the grant"
        found.append({"name": f"grant, {name} p50", "value": round(median(times), 3), "unit": "ms", "peer": share})
    return found


def _percentile(times: Sequence[float], percent: int) -> float:
    return quantiles(times, n=100)[percent - 1]

"""One resident's change: from the page in the gateway's hand until doors decide by it, beside SQLAlchemy."""

import asyncio
import logging
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import structlog
from sqlalchemy import create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from gateway.generations import Generations
from gateway.store import Store
from gateway.wire import KINDS
from tests.gateway.world import card_key, credential, rows, site

BUILD = Path("build")
CREDENTIALS, CHANGES, ROUNDS = 100_000, 200, 3

Row = dict[str, object]


class Base(DeclarativeBase):
    """The peer's table: the same row, as an ORM would keep it."""


class Kept(Base):
    """One credential."""

    __tablename__ = "credential"
    id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    body: Mapped[str]


def run() -> list[Row]:
    """Rows of name, value, unit, peer, ratio, spread (lowest to highest round). About 30 s."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[Row]:
    store = Store(folder / "store.db")
    store.begin_snapshot()
    store.stage(rows(*(credential(number) for number in range(CREDENTIALS))))
    store.commit_snapshot(1)
    generations = Generations(folder / "generations", folder / "store.db", site())
    await generations.refresh(store)
    await generations.settled()
    with Session(_peer(folder / "peer.db")) as session:
        session.add_all(Kept(id=f"c-{n}", state="enabled", body="{}") for n in range(CREDENTIALS))
        session.commit()
        ours: list[list[float]] = []
        theirs: list[float] = []
        for number in range(ROUNDS):  # one after the other, so that both have the disk as it is just then
            ours.append(await _ours(store, generations, 2 + number * CHANGES))
            theirs.append(median(_theirs(session, number)))
    await generations.close()
    store.close()
    return _rows(ours, theirs)


async def _ours(store: Store, generations: Generations, version: int) -> list[float]:
    """Milliseconds of each change, from the page to the table that shows it."""
    spent = []
    for step in range(CHANGES):
        state = "lost" if step % 2 == 0 else "enabled"
        page: dict[str, Any] = {name: [] for name in KINDS} | {"deleted": [], "version": version + step}
        page["credentials"] = [credential(step, state=state)]
        began = time.perf_counter()
        await asyncio.to_thread(store.apply, page)
        shown = asyncio.create_task(generations.refresh(store))
        while (found := generations.table.find(card_key(step))) is None or found.state != state:
            await asyncio.sleep(0)
        spent.append((time.perf_counter() - began) * 1e3)
        await shown
    return spent


def _theirs(session: Session, number: int) -> list[float]:
    """Milliseconds of a commit of the same change: an ORM that reads its table anew has it in force no sooner."""
    spent = []
    for step in range(CHANGES):
        began = time.perf_counter()
        row = session.get_one(Kept, f"c-{step}")
        row.state = f"state-{number}-{step}"
        session.commit()
        spent.append((time.perf_counter() - began) * 1e3)
    return spent


def _peer(path: Path) -> Any:
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def durable(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    Base.metadata.create_all(engine)
    return engine


def _rows(ours: Sequence[Sequence[float]], theirs: Sequence[float]) -> list[Row]:
    mine = [median(each) for each in ours]
    slow = [quantiles(each, n=100)[98] for each in ours]
    ratios = [theirs_ms / mine_ms for mine_ms, theirs_ms in zip(mine, theirs, strict=True)]
    spread = f"{min(mine):.2f}-{max(mine):.2f}"
    return [
        {"name": f"one change of {CREDENTIALS:,} in force, p50", "value": median(mine), "unit": "ms",
         "peer": "SQLAlchemy, the commit alone", "ratio": median(ratios), "spread": spread},
        {"name": "the same, p99", "value": median(slow), "unit": "ms", "spread": f"{min(slow):.2f}-{max(slow):.2f}"},
    ]  # fmt: skip

"""Decisions beside pycasbin, regorus and SQLAlchemy: the same residents, the same requests, equal answers, one run.

The rules are those of a site: states, validity, leases by class, what a door asks for, and weeks with special days.

Then the large estate, alone: 1,000,000 cards, 2,000 access points, 10,000 profiles.
"""

import gc
import mmap
import multiprocessing
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, perf_counter_ns

import psutil

from gateway.access.decision import Card, Granted, Scene, Whereabouts, decide
from gateway.access.door_words import DoorMode
from gateway.access.holders import who_can
from gateway.access.model import CredentialState
from gateway.access.table import PermissionTable
from tests.bench.decide_estate import ASSURANCE, EPOCH, LARGE, SMALL, Estate, Request, key_of
from tests.bench.decide_peers import Answer, casbin_engine, regorus_engine, sqlalchemy_engine

ROUNDS = 7
REQUESTS = {"menjin": 40_000, "pycasbin FastEnforcer": 1_000, "regorus": 2_500, "SQLAlchemy query": 200}
"""A round of each, about a tenth of a second long: it costs the first few ms to be heard again by the caches."""
MEGABYTE = 1_000_000
SCENE = Scene(Whereabouts(), DoorMode.LOCKED)  # as the door process gives it

Row = dict[str, object]


class _NoPassage:
    def last_iat(self, handle: bytes) -> int | None:
        return None

    def uses(self, id_: bytes) -> int:
        return 0


_NO_PASSAGE = _NoPassage()


class Menjin:
    """The table of an estate. The door process holds the card, the access point and its clock before it decides."""

    def __init__(self, estate: Estate, path: Path) -> None:
        self.points = estate.access_points()
        with path.open("rb") as file:
            self.mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.table = PermissionTable.load(self.mapped, self.points, UTC, site=1)

    def answer(self, key: bytes, point: int, at: datetime) -> bool:
        """For a comparison of answers."""
        card, now = Card(key, ASSURANCE), at.timestamp()
        return isinstance(decide(self.table, _NO_PASSAGE, self.points[point], card, now, scene=SCENE), Granted)

    def times_us(self, asked: Sequence[Request]) -> list[float]:
        """How long each decision takes; the card was just read, and its key just made."""
        table, times = self.table, []
        for key, number, at in asked:
            point, card, now = self.points[number], Card(key[:8] + key[8:], ASSURANCE), at.timestamp()
            start = perf_counter_ns()
            decide(table, _NO_PASSAGE, point, card, now, scene=SCENE)
            times.append((perf_counter_ns() - start) / 1_000)
        return times


class Peer:
    """Another engine."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def times_us(self, asked: Sequence[Request]) -> list[float]:
        """How long each decision takes."""
        times = []
        for key, point, at in asked:
            start = perf_counter_ns()
            self.answer(key, point, at)
            times.append((perf_counter_ns() - start) / 1_000)
        return times


def engine(name: str, path: Path) -> Menjin | Peer:
    """One of REQUESTS, loaded."""
    if name == "menjin":
        return Menjin(SMALL, path)
    return Peer({"pycasbin FastEnforcer": casbin_engine, "regorus": regorus_engine}.get(name, sqlalchemy_engine)())


class Engine:
    """An engine in a process of its own, so that no engine's heap is in another's way."""

    def __init__(self, name: str, path: Path) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._link, theirs = spawn.Pipe()
        self._child = spawn.Process(target=serve, args=(theirs, name, path), daemon=True)
        self._child.start()
        self.grown: int = self._link.recv()

    def ask(self, what: str, count: int, seed: int) -> list[float]:
        """The answers to a round of requests, or how long each took, in us."""
        self._link.send((what, count, seed))
        found: list[float] = self._link.recv()
        return found

    def close(self) -> None:
        self._link.send(None)
        self._child.join()


def serve(link: Connection, name: str, path: Path) -> None:
    """The child: load, then rounds as they are asked for."""
    before = psutil.Process().memory_info().rss
    loaded = engine(name, path)
    gc.collect()
    gc.freeze()
    link.send(psutil.Process().memory_info().rss - before)
    for what, count, seed in iter(link.recv, None):
        asked = SMALL.requests(count, seed)
        link.send([loaded.answer(*each) for each in asked] if what == "answers" else loaded.times_us(asked))


def run() -> list[Row]:
    """Rows of name, value, unit, peer, ratio, spread (lowest to highest round). About 2 minutes."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = (_generation(estate, Path(folder)) for estate in (SMALL, LARGE))
        return [*_beside_peers(small), *_large(large)]


def _generation(estate: Estate, folder: Path) -> Path:
    """A generation's file, written by a child as it is at a site."""
    path = folder / str(estate.residents)
    child = multiprocessing.get_context("spawn").Process(target=estate.write_generation, args=(path,))
    child.start()
    child.join()
    return path


def _beside_peers(path: Path) -> list[Row]:
    engines = {name: Engine(name, path) for name in REQUESTS}
    _check_equal(engines)
    times: dict[str, list[list[float]]] = {name: [] for name in engines}
    for seed in range(ROUNDS):
        for name, each in engines.items():
            times[name].append(each.ask("times", REQUESTS[name], seed))
    for each in engines.values():
        each.close()
    return _rows(times, {name: each.grown for name, each in engines.items()})


def _check_equal(engines: dict[str, Engine]) -> None:
    """Answers to reads of many hours; it warms every engine up too."""
    answers = {name: [each.ask("answers", 50, seed) for seed in range(100, 130)] for name, each in engines.items()}
    if any(given != answers["menjin"] for given in answers.values()):
        raise AssertionError({name: sum(map(sum, given)) for name, given in answers.items()})
    if not 600 < sum(map(sum, answers["menjin"])) < 1_200:
        raise AssertionError("the requests are not a fair mixture")


def _rows(times: dict[str, list[list[float]]], grown: dict[str, int]) -> list[Row]:
    measures: tuple[tuple[str, str, Callable[[list[float]], float], bool], ...] = (
        ("decisions", "1/s", lambda round_: len(round_) / sum(round_) * 1e6, True),
        ("decision p50", "us", median, False),
        ("decision p99", "us", p99, False),
    )
    rows: list[Row] = []
    for peer in list(times)[1:]:
        for name, unit, measure, more_is_better in measures:
            ours, theirs = ([measure(round_) for round_ in times[engine]] for engine in ("menjin", peer))
            pairs = [(a / b if more_is_better else b / a) for a, b in zip(ours, theirs, strict=True)]
            made = _row(name, median(ours), unit, ours)
            made |= {"peer": f"{peer} {median(theirs):,.1f}", "ratio": round(median(pairs), 1)}
            rows.append(made | {"spread": f"{min(pairs):.1f} to {max(pairs):.1f}"})
        made = _row("memory of the loaded table", grown["menjin"] / MEGABYTE, "MB")
        made |= {"peer": f"{peer} {grown[peer] / MEGABYTE:,.1f}"}
        rows.append(made | {"ratio": round(grown[peer] / max(grown["menjin"], 1), 1)})
    return rows


def p99(times: Sequence[float]) -> float:
    """The 99th percentile."""
    return quantiles(times, n=100)[98]


def _row(name: str, value: float, unit: str, spread: Sequence[float] = ()) -> Row:
    made: Row = {"name": name, "value": round(value, 2), "unit": unit}
    return made | {"spread": f"{min(spread):.2f} to {max(spread):.2f}"} if spread else made


def _large(path: Path) -> list[Row]:
    """The large estate: its file, its memory, how soon it serves, its decisions, and one resident's change."""
    ready_s, swaps, changes = [], [], []
    before = _resident()
    ours = Menjin(LARGE, path)
    grown = _resident() - before
    asked = [LARGE.requests(4_000, seed) for seed in range(ROUNDS)]
    gc.collect()
    gc.freeze()
    unread = _resident()
    times = [_by_minutes_us(ours, each) for each in asked]
    read = _resident() - unread
    for _ in range(3):
        start = perf_counter()
        ours = Menjin(LARGE, path)
        ready_s.append(perf_counter() - start)
        swaps.append(ours.times_us(LARGE.requests(2, 999))[0] / 1_000)  # the first read at a door, by a new table
    table = ours.table
    for n in range(200):
        lost = table.find(key_of(n))
        if lost is not None:
            start = perf_counter()
            table = table.with_changes([lost._replace(state=CredentialState.LOST)], [], 2 + n)
            changes.append((perf_counter() - start) * 1_000)
    size = f"{LARGE.residents:,} cards"
    start = perf_counter()
    found = len(list(who_can(ours.table, ours.points[0], EPOCH + timedelta(hours=12))))
    who_s = perf_counter() - start
    p50s, p99s = [median(each) for each in times], [p99(each) for each in times]
    return [
        _row(f"table file, {size}", path.stat().st_size / MEGABYTE, "MB"),
        _row(f"memory, loaded, {size}", grown / MEGABYTE, "MB"),
        _row(f"memory, after {ROUNDS * 4_000:,} reads, {size}", (grown + read) / MEGABYTE, "MB"),
        _row(f"ready from a file on disk, {size}", median(ready_s), "s", ready_s),
        _row(f"swap, to its first answer, {size}", median(swaps), "ms", swaps),
        _row(f"one credential's change laid over, {size}", median(changes), "ms", changes),
        _row(f"who can pass one door ({found:,}), {size}", who_s, "s"),
        _row(f"decision p50, {size}", median(p50s), "us", p50s),
        _row(f"decision p99, {size}", median(p99s), "us", p99s),
    ]


def _by_minutes_us(ours: Menjin, asked: Sequence[Request]) -> list[float]:
    """How long each decision of an hour takes; after each minute the door process lets texts go."""
    times = []
    for start in range(0, len(asked), per_minute := len(asked) // 60):
        times += ours.times_us(asked[start : start + per_minute])
        ours.table.let_texts_go()
    return times


def _resident() -> int:
    gc.collect()
    return psutil.Process().memory_info().rss

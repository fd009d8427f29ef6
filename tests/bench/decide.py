"""Decisions beside pycasbin, regorus and SQLAlchemy: the same residents, the same requests, equal answers, one run.

Then the large estate, alone: 1,000,000 cards, 2,000 access points, 10,000 profiles.
"""

import gc
import mmap
import multiprocessing
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, perf_counter_ns
from typing import TypeVar

import psutil

from gateway.access.decision import Card, Granted, Scene, Whereabouts, decide
from gateway.access.door_words import DoorMode
from gateway.access.holders import who_can
from gateway.access.model import CredentialState
from gateway.access.table import PermissionTable
from tests.bench.decide_estate import EPOCH, LARGE, SMALL, Estate, Request, key_of
from tests.bench.decide_peers import Answer, casbin_engine, regorus_engine, sqlalchemy_engine

ROUNDS = 7
REQUESTS = {"menjin": 4_000, "pycasbin FastEnforcer": 300, "regorus": 1_000, "SQLAlchemy query": 300}  # a round
MEGABYTE = 1_000_000
SCENE = Scene(Whereabouts(), DoorMode.LOCKED)  # as the door process gives it

Row = dict[str, object]
T = TypeVar("T")


class _NoPassage:
    def last_iat(self, handle: bytes) -> int | None:
        return None

    def uses(self, id_: bytes) -> int:
        return 0


_NO_PASSAGE = _NoPassage()


class Menjin:
    """The table of an estate. The door process holds the card, the access point and its clock before it decides."""

    def __init__(self, estate: Estate, mapped: mmap.mmap) -> None:
        self.points = estate.access_points()
        self.table = PermissionTable.load(mapped, self.points, UTC, site=1)

    def answer(self, key: bytes, point: int, at: datetime) -> bool:
        """For a comparison of answers."""
        card, now = Card(key, assurance=1), at.timestamp()
        return isinstance(decide(self.table, _NO_PASSAGE, self.points[point], card, now, scene=SCENE), Granted)

    def times_us(self, asked: list[Request]) -> list[float]:
        """How long each decision takes; the card was just read."""
        table, times = self.table, []
        for key, number, at in asked:
            point, card, now = self.points[number], Card(key, assurance=1), at.timestamp()
            start = perf_counter_ns()
            decide(table, _NO_PASSAGE, point, card, now, scene=SCENE)
            times.append((perf_counter_ns() - start) / 1_000)
        return times


def run() -> list[Row]:
    """Rows of name, value, unit, peer, ratio, spread (lowest to highest round). About 2 minutes."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = (_generation(estate, Path(folder)) for estate in (SMALL, LARGE))
        return [*_beside_peers(small), *_large(large)]


def _generation(estate: Estate, folder: Path) -> mmap.mmap:
    """A generation's file, written by a child as it is at a site."""
    path = folder / str(estate.residents)
    child = multiprocessing.get_context("spawn").Process(target=estate.write_generation, args=(path,))
    child.start()
    child.join()
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _beside_peers(mapped: mmap.mmap) -> list[Row]:
    made: dict[str, Callable[[], Answer]] = {
        "pycasbin FastEnforcer": casbin_engine,
        "regorus": regorus_engine,
        "SQLAlchemy query": sqlalchemy_engine,
    }
    ours, grown_by = _grown(lambda: Menjin(SMALL, mapped))
    engines: dict[str, Answer] = {"menjin": ours.answer}
    grown = {"menjin": grown_by}
    for name, make in made.items():
        engines[name], grown[name] = _grown(make)
    _check_equal(engines)
    gc.collect()
    gc.freeze()
    times: dict[str, list[list[float]]] = {name: [] for name in engines}
    for seed in range(ROUNDS):
        for name, answer in engines.items():
            asked = SMALL.requests(REQUESTS[name], seed)
            times[name].append(ours.times_us(asked) if name == "menjin" else _times_us(answer, asked))
    return _rows(times, grown)


def _grown(make: Callable[[], T]) -> tuple[T, int]:
    """What was made, and by how many bytes this process grew for it."""
    gc.collect()
    before = psutil.Process().memory_info().rss
    found = make()
    gc.collect()
    return found, psutil.Process().memory_info().rss - before


def _check_equal(engines: dict[str, Answer]) -> None:
    """Answers to reads of many hours; it warms every engine up too."""
    asked = [request for seed in range(100, 120) for request in SMALL.requests(50, seed)]
    answers = {name: [answer(*request) for request in asked] for name, answer in engines.items()}
    if len({tuple(given) for given in answers.values()}) != 1:
        raise AssertionError({name: sum(given) for name, given in answers.items()})
    if not 200 < sum(answers["menjin"]) < 800:
        raise AssertionError("the requests are not a fair mixture")


def _times_us(answer: Answer, asked: list[Request]) -> list[float]:
    times = []
    for key, point, at in asked:
        start = perf_counter_ns()
        answer(key, point, at)
        times.append((perf_counter_ns() - start) / 1_000)
    return times


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


def _large(mapped: mmap.mmap) -> list[Row]:
    """The large estate: its file, its memory, how soon it serves, its decisions, and one resident's change."""
    ready_s, swaps, changes = [], [], []
    for _ in range(3):
        start = perf_counter()
        ours, grown = _grown(lambda: Menjin(LARGE, mapped))
        ready_s.append(perf_counter() - start)
        swaps.append(ours.times_us(LARGE.requests(2, 999))[0] / 1_000)  # the first read at a door, by a new table
    asked = [LARGE.requests(4_000, seed) for seed in range(ROUNDS)]
    resident = psutil.Process().memory_info()
    times = [ours.times_us(each) for each in asked]
    after = psutil.Process().memory_info()
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
        _row(f"table file, {size}", len(mapped) / MEGABYTE, "MB"),
        _row(f"memory, loaded, {size}", grown / MEGABYTE, "MB"),
        _row(f"memory, after {ROUNDS * 4_000:,} reads, {size}", (grown + after.rss - resident.rss) / MEGABYTE, "MB"),
        _row(f"ready from a file on disk, {size}", median(ready_s), "s", ready_s),
        _row(f"swap, to its first answer, {size}", median(swaps), "ms", swaps),
        _row(f"one credential's change laid over, {size}", median(changes), "ms", changes),
        _row(f"who can pass one door ({found:,}), {size}", who_s, "s"),
        _row(f"decision p50, {size}", median(p50s), "us", p50s),
        _row(f"decision p99, {size}", median(p99s), "us", p99s),
    ]

"""Decisions beside pycasbin and SQLAlchemy: the same 100,000 residents, the same requests, equal answers, one run."""

import gc
import mmap
import multiprocessing
import tempfile
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter_ns

import psutil

from gateway.access.decision import Card, Granted, decide
from gateway.access.table import PermissionTable
from tests.bench import decide_estate as estate
from tests.bench.decide_peers import Answer, casbin_engine, sqlalchemy_engine

ROUNDS = 7
REQUESTS = {"menjin": 4_000, "pycasbin FastEnforcer": 300, "SQLAlchemy query": 300}  # a round
MEGABYTE = 1_000_000


class _NoPassage:
    def last_iat(self, handle: bytes) -> int | None:
        return None

    def uses(self, id_: bytes) -> int:
        return 0


def run() -> list[dict[str, object]]:
    """Rows of name, value, unit, peer, ratio, spread (lowest to highest round). About 30 s."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "generation"
        child = multiprocessing.get_context("spawn").Process(target=estate.write_generation, args=(path,))
        child.start()
        child.join()
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return _measure(mapped)


def _measure(mapped: mmap.mmap) -> list[dict[str, object]]:
    engines, grown = {}, {}
    for name, make in (
        ("menjin", lambda: _menjin(mapped)),
        ("pycasbin FastEnforcer", casbin_engine),
        ("SQLAlchemy query", sqlalchemy_engine),
    ):
        engines[name], grown[name] = _grown(make)
    _check_equal(engines)
    gc.collect()
    gc.freeze()
    times: dict[str, list[list[float]]] = {name: [] for name in engines}
    for seed in range(ROUNDS):
        for name, answer in engines.items():
            times[name].append(_times_us(answer, estate.requests(REQUESTS[name], seed)))
    return _rows(times, grown, len(mapped))


def _menjin(mapped: mmap.mmap) -> Answer:
    points = estate.access_points()
    table, passage = PermissionTable.load(mapped, points, UTC, site=1), _NoPassage()
    return lambda key, point, at: isinstance(decide(table, passage, points[point], Card(key), at), Granted)


def _grown(make: Callable[[], Answer]) -> tuple[Answer, int]:
    """The engine, loaded and warm, and by how many bytes this process grew for it."""
    gc.collect()
    before = psutil.Process().memory_info().rss
    answer = make()
    for request in estate.requests(200, seed=99):
        answer(*request)
    gc.collect()
    return answer, psutil.Process().memory_info().rss - before


def _check_equal(engines: dict[str, Answer]) -> None:
    asked = estate.requests(1_000, seed=100)
    answers = {name: [answer(*request) for request in asked] for name, answer in engines.items()}
    if len({tuple(given) for given in answers.values()}) != 1:
        raise AssertionError({name: sum(given) for name, given in answers.items()})
    if not 200 < sum(answers["menjin"]) < 800:
        raise AssertionError("the requests are not a fair mixture")


def _times_us(answer: Answer, asked: list[estate.Request]) -> list[float]:
    times = []
    for key, point, at in asked:
        start = perf_counter_ns()
        answer(key, point, at)
        times.append((perf_counter_ns() - start) / 1_000)
    return times


def _rows(times: dict[str, list[list[float]]], grown: dict[str, int], file_bytes: int) -> list[dict[str, object]]:
    measures: tuple[tuple[str, str, Callable[[list[float]], float], bool], ...] = (
        ("decisions", "1/s", lambda round_: len(round_) / sum(round_) * 1e6, True),
        ("decision p50", "us", median, False),
        ("decision p99", "us", lambda round_: quantiles(round_, n=100)[98], False),
    )
    rows: list[dict[str, object]] = []
    for peer in list(times)[1:]:
        for name, unit, measure, more_is_better in measures:
            ours, theirs = ([measure(round_) for round_ in times[engine]] for engine in ("menjin", peer))
            pairs = [(a / b if more_is_better else b / a) for a, b in zip(ours, theirs, strict=True)]
            rows.append(
                {
                    "name": name,
                    "value": round(median(ours), 2),
                    "unit": unit,
                    "peer": f"{peer} {median(theirs):,.1f}",
                    "ratio": round(median(pairs), 1),
                    "spread": f"{min(pairs):.1f} to {max(pairs):.1f}",
                }
            )
        rows.append(_memory_row(peer, grown))
    rows.append({"name": "table file, 100,000 residents", "value": file_bytes / MEGABYTE, "unit": "MB"})
    return rows


def _memory_row(peer: str, grown: dict[str, int]) -> dict[str, object]:
    return {
        "name": "memory of the loaded table",
        "value": round(grown["menjin"] / MEGABYTE, 1),
        "unit": "MB",
        "peer": f"{peer} {grown[peer] / MEGABYTE:,.1f}",
        "ratio": round(grown[peer] / grown["menjin"], 1),
        "spread": "",
    }

"""Read to command on an RS-485 line: ours beside libosdp's panel, over the same paced line and C peripherals.

From the last bit of a card's frame on the wire to the first bit of the output command, secure channel on: with a host
that answers at once, and with the whole door process (decision, event on the disk) as the host. About 120 s.
"""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median, quantiles

from controllers.wiegand import encode
from tests.controllers.line import KEY, Peer, peripherals

CASES = ((115200, 1), (115200, 4), (9600, 1), (9600, 4))
PANELS = ("menjin", "libosdp")
FACILITY = 7
CARDS = {115200: 40, 9600: 16}
PAUSE_S = {115200: 0.1, 9600: 0.35}
IDLE_CHARS, CHAR_BITS = 2, 10
IDLE_S = 4.0
QUIET_S = 6.0  # before a line counts as quiet


def run() -> list[dict[str, object]]:
    """Rows of name, value, unit, peer, ratio (libosdp's time by ours), spread (p5 to p95)."""
    rows: list[dict[str, object]] = []
    for baud, readers in CASES:
        door, ours, theirs = (_latencies_ms(panel, baud, readers) for panel in ("door", *PANELS))
        case = f"{baud} baud, {readers} {'reader' if readers == 1 else 'readers'}"
        rows += _compared(f"read to unlock, {case}", baud, door, theirs)
        rows += _compared(f"panel alone, {case}", baud, ours, theirs)
    return [*rows, _idle_cpu()]


def _compared(case: str, baud: int, ours: list[float], theirs: list[float]) -> Iterator[dict[str, object]]:
    floor_ms = IDLE_CHARS * CHAR_BITS / baud * 1000
    value = median(ours)
    yield _row(f"{case}, p50", value, "ms", f"libosdp {median(theirs):.1f}", median(theirs) / value, ours)
    worst, other = _percentile(ours, 95), _percentile(theirs, 95)
    yield _row(f"{case}, p95", worst, "ms", f"libosdp {other:.1f}", other / worst, None)
    yield _row(f"{case}, over the wire's idle p50", value - floor_ms, "ms", f"wire {floor_ms:.2f}", None, None)


def _latencies_ms(panel: str, baud: int, readers: int) -> list[float]:
    chance = random.Random(baud + readers)
    with _line(panel, baud, readers) as (peer, _host):
        peer.tell(do="mark")
        for number in range(CARDS[baud]):
            bits, count = encode("H10301", FACILITY, number + 1)
            peer.tell(do="card", pd=number % readers, bits=bits, count=count)
            time.sleep(PAUSE_S[baud] * chance.uniform(0.7, 1.3))
        time.sleep(1.0)
        peer.tell(do="marked")
        return list(_pairs(peer.expect("marked")["marked"]))


def _pairs(marks: list[tuple[str, int, float]]) -> Iterator[float]:
    """Each read with the next command to the same reader."""
    reads: dict[int, float] = {}
    for side, address, at in sorted(marks, key=lambda mark: mark[2]):
        if side == "read":
            reads.setdefault(address, at)
        elif address in reads:
            yield (at - reads.pop(address)) * 1000


@contextmanager
def _line(panel: str, baud: int, readers: int) -> Iterator[tuple[Peer, "subprocess.Popen[str]"]]:
    pds = [{"address": address, "scbk": KEY.hex()} for address in range(1, readers + 1)]
    with peripherals(*pds, baud=baud) as (peer, port):
        arguments = [sys.executable, "-m", "tests.bench.osdp_host", panel, port, str(baud), str(readers)]
        with subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as host:
            try:
                while _say(host) != "ready":
                    pass  # what libraries print
                time.sleep(0.5)  # the first polls
                yield peer, host
            finally:
                host.kill()


def _say(host: "subprocess.Popen[str]") -> str:
    assert host.stdout
    line = host.stdout.readline()
    if not line:
        raise RuntimeError("the panel's process ended")
    return line.strip()


def _idle_cpu() -> dict[str, object]:
    """The share of a core that a quiet bus of 16 readers takes at 115200 baud, polled as fast as the wire allows."""
    shares = []
    for panel in PANELS:
        with _line(panel, 115200, 16) as (_peer, host):
            assert host.stdin
            time.sleep(QUIET_S)
            used = []
            for wait_s in (IDLE_S, 0):
                host.stdin.write("cpu\n")
                host.stdin.flush()
                used.append(float(_say(host)))
                time.sleep(wait_s)
            shares.append((used[1] - used[0]) / IDLE_S * 100)
    return _row(
        "cpu of a quiet bus of 16, 115200 baud", shares[0], "% of a core", f"libosdp {shares[1]:.1f}", None, None
    )


def _percentile(values: list[float], percent: int) -> float:
    return quantiles(values, n=100)[percent - 1]


def _row(
    name: str, value: float, unit: str, peer: str, ratio: float | None, values: list[float] | None
) -> dict[str, object]:
    spread = f"{_percentile(values, 5):.2f} to {_percentile(values, 95):.2f}" if values else ""
    return {"name": name, "value": value, "unit": unit, "peer": peer, "ratio": ratio, "spread": spread}

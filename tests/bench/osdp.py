"""Read to command on an RS-485 line: ours beside libosdp's panel, over the same paced line and C peripherals.

From the last bit of a card's frame on the wire to the first bit of the output command, secure channel on: 1, 4, 16 and
32 readers at three baud rates, both panels under a host that answers at once, both lines at the same time; for a few of
them also the whole door process (decision, event on the disk). About five minutes; MENJIN_LONG=1: ten times the cards.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from statistics import mean, median, quantiles

from controllers.wiegand import encode
from tests.controllers.line import KEY, Peer, peripherals

LONG = os.environ.get("MENJIN_LONG") == "1"
CASES = tuple((baud, readers) for baud in (115200, 38400, 9600) for readers in (1, 4, 16, 32))
DOORS = ((115200, 1), (115200, 4), (9600, 4))
SECONDS = {115200: 3.0, 38400: 4.0, 9600: 6.0}  # for showing cards
DOOR_PAUSE_S = 0.15  # the door process refuses a reader more than 20 reads a second
LONGER = 10 if LONG else 1
PANELS = ("menjin", "libosdp")
FACILITY = 7
LOST_S = 10.0
IDLE_CHARS, CHAR_BITS = 2, 10
READ_CHARS = COMMAND_CHARS = 30  # RAW and OUT in the secure channel
FIRST_CHARS = 120  # a poll of each reader, and then the question what it can do: no command goes before
IDLE_S = 12.0
QUIET_S = 5.5  # before a line counts as quiet
DEAD = ((115200, 4, 1), (115200, 8, 8), (9600, 8, 8))  # baud, readers, dead ones beside them
SLOW = ((115200, 4, 1, 0.15), (115200, 8, 8, 0.04), (9600, 8, 4, 0.04))  # baud, readers, slow ones, how slow
SETTLED_S, WAITS_S = 3.0, 20.0
SLOW_SETTLED_S = 12.0  # ten late answers of each, and a round
ROUNDS_BITS = 2400  # a reader: six polls with their answers


def run() -> list[dict[str, object]]:
    """Rows of name, value, unit, peer, ratio (libosdp's time by ours), spread (p5 to p95)."""
    rows: list[dict[str, object]] = []
    for baud, readers in CASES:
        with ThreadPoolExecutor(2) as both:
            ours, theirs = both.map(partial(_latencies_ms, baud, readers), PANELS)
        rows += _compared(f"read to command, {baud} baud, {readers} readers", baud, ours, theirs)
        if (baud, readers) in DOORS:
            door = _latencies_ms(baud, readers, "door")
            rows += _compared(f"the same under the door process, {baud} baud, {readers} readers", baud, door, theirs)
    return [*rows, *(_beside_dead(*case) for case in DEAD), *(_beside_slow(*case) for case in SLOW), _idle_cpu()]


def _compared(case: str, baud: int, ours: list[float], theirs: list[float]) -> Iterator[dict[str, object]]:
    char_ms = CHAR_BITS / baud * 1000
    for percent in (50, 99):
        value, other = _percentile(ours, percent), _percentile(theirs, percent)
        peer = f"libosdp {other:.1f} of {len(theirs)}"
        yield row(f"{case}, p{percent} of {len(ours)}", value, "ms", peer, other / value, ours)
    frames_ms, idle_ms = (READ_CHARS + COMMAND_CHARS) * char_ms, IDLE_CHARS * char_ms
    whole, wire = frames_ms + median(ours), frames_ms + idle_ms
    yield row(f"{case}, both frames p50", whole, "ms", f"the wire's bits {wire:.2f}", wire / whole, None)


def _latencies_ms(baud: int, readers: int, panel: str) -> list[float]:
    seconds = SECONDS[baud] * LONGER
    pause_s = DOOR_PAUSE_S if panel == "door" else 0.02 * 115200 / baud
    with line(panel, baud, readers) as (peer, _host):
        peer.tell(do="present", seconds=seconds, at_once=max(1, readers // 8), pause=pause_s)
        return list(_pairs(peer.expect("marked", timeout=seconds + LOST_S)["marked"]))


def _beside_dead(baud: int, alive: int, dead: int) -> dict[str, object]:
    """How long a shown card waits for its poll beside dead readers, and without them: both lines at the same time."""
    with ThreadPoolExecutor(2) as both:
        ill, usual = both.map(partial(_waits_ms, baud, alive), (f"{alive}+{dead}", f"{alive}"))
    name = f"card shown to read, {baud} baud, {alive} readers beside {dead} dead, mean of {len(ill)}"
    return row(name, mean(ill), "ms", f"without {mean(usual):.1f}", mean(usual) / mean(ill), ill)


def _beside_slow(baud: int, alive: int, slow: int, late_s: float) -> dict[str, object]:
    """The same beside readers that hesitate before each answer."""
    with ThreadPoolExecutor(2) as both:
        ill, usual = both.map(partial(_waits_ms, baud, alive, f"{alive}"), ([late_s] * slow, []))
    who = f"{alive} readers beside {slow} that hesitate {late_s * 1000:.0f} ms"
    name = f"card shown to read, {baud} baud, {who}, p50 of {len(ill)}"
    return row(name, median(ill), "ms", f"without {median(usual):.1f}", median(usual) / median(ill), ill)


def _waits_ms(baud: int, alive: int, readers: str, late_s: Sequence[float] = ()) -> list[float]:
    """Cards are shown at all readers at once, so that each part of the polls' round counts as much."""
    chance, shown, pause_s = random.Random(5), [], ROUNDS_BITS * alive / baud
    with line("menjin", baud, readers, late_s) as (peer, _host):
        time.sleep(SLOW_SETTLED_S if late_s else SETTLED_S)
        peer.tell(do="mark")
        for number in range(int(WAITS_S / pause_s) * LONGER):
            for pd in range(alive):
                bits, count = encode("H10301", FACILITY, number % 1000 + 1)
                shown.append(time.monotonic())
                peer.tell(do="card", pd=pd, bits=bits, count=count)
            time.sleep(pause_s * chance.uniform(0.7, 1.3))
        time.sleep(1)
        peer.tell(do="marked")
        reads = sorted(at for side, _, at in peer.expect("marked")["marked"] if side == "read")
    return [(at - began) * 1000 for began, at in zip(shown, reads, strict=True)]


def _pairs(marks: list[tuple[str, int, float]]) -> Iterator[float]:
    """Each read with the next command to the same reader."""
    reads: dict[int, float] = {}
    for side, address, at in sorted(marks, key=lambda mark: mark[2]):
        if side == "read":
            reads.setdefault(address, at)
        elif side == "command" and address in reads:
            yield (at - reads.pop(address)) * 1000


@contextmanager
def line(
    panel: str, baud: int, readers: int | str, late_s: Sequence[float] = ()
) -> Iterator[tuple[Peer, "subprocess.Popen[str]"]]:
    """A panel with its readers, "4+1" for four and a dead one, and behind them those that hesitate."""
    alive = int(str(readers).split("+")[0])
    late = [0.0] * alive + list(late_s)
    pds = [{"address": n, "scbk": KEY.hex(), "late_s": seconds} for n, seconds in enumerate(late, 1)]
    asked = str(alive + len(late_s)) if late_s else str(readers)
    with peripherals(*pds, baud=baud) as (peer, port):
        arguments = [sys.executable, "-m", "tests.bench.osdp_host", panel, port, str(baud), asked]
        with subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as host:
            try:
                while _say(host) != "ready":
                    pass  # what libraries print
                time.sleep(0.5 + alive * FIRST_CHARS * CHAR_BITS / baud)
                yield peer, host
            finally:
                host.kill()


def _say(host: "subprocess.Popen[str]") -> str:
    assert host.stdout
    said = host.stdout.readline()
    if not said:
        raise RuntimeError("the panel's process ended")
    return said.strip()


def _idle_cpu() -> dict[str, object]:
    """The share of a core that a quiet bus of 16 readers takes at 115200 baud, polled as fast as the wire allows."""
    shares = []
    for panel in PANELS:
        with line(panel, 115200, 16) as (_peer, host):
            assert host.stdin
            time.sleep(QUIET_S)
            used = []
            for wait_s in (IDLE_S, 0):
                host.stdin.write("cpu\n")
                host.stdin.flush()
                used.append(float(_say(host)))
                time.sleep(wait_s)
            shares.append((used[1] - used[0]) / IDLE_S * 100)
    return row(
        "cpu of a quiet bus of 16, 115200 baud", shares[0], "% of a core", f"libosdp {shares[1]:.1f}", None, None
    )


def _percentile(values: list[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def row(
    name: str, value: float, unit: str, peer: str, ratio: float | None, values: list[float] | None
) -> dict[str, object]:
    spread = f"{_percentile(values, 5):.2f} to {_percentile(values, 95):.2f}" if values else ""
    return {"name": name, "value": value, "unit": unit, "peer": peer, "ratio": ratio, "spread": spread}

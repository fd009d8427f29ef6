"""Motion from a sub stream (640 x 360, 12 frames a second, 5 looked at): what it costs, how late, how often wrong.

The picture is the virtual site's: a clock, a block that never stands still, and somebody who walks by when told. Zones
lie where nothing moves by itself; one on the block would alarm all the time, rightly. Real scenes cost more to decode.
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

import psutil

from camera.command import grey_command
from camera.motion_watcher import WHOLE, WIDTH
from camera.source import parse_source
from tests.bench.cpu import cpu_s
from tests.camera.site import CameraSite, RecorderProcess, eventually, wired, words

Row = dict[str, object]
WALKS, WINDOW_S, QUIET_S = 15, 20.0, 60.0
ZONES = [
    {"name": "lane", "polygon": [[0, 0.28], [1, 0.28], [1, 0.52], [0, 0.52]]},
    {"name": "sky", "polygon": [[0.6, 0], [1, 0], [1, 0.25], [0.6, 0.25]]},
    {"name": "wall", "polygon": [[0, 0.72], [1, 0.72], [1, 0.88], [0, 0.88]]},
]


def run() -> list[Row]:
    """Rows of name, value, unit, peer, ratio (how many times better than the peer), spread. About 4 minutes."""
    with tempfile.TemporaryDirectory() as folder:
        site = CameraSite("/gate")
        analytics = {"stream": "main", "learn_s": 5}
        recorder = RecorderProcess(Path(folder), [wired("gate", site.url("/gate"), analytics=analytics)], segment_s=60)
        try:
            recorder.http.put("/cameras/gate/drawing", json={"revision": 1, "zones": ZONES}).raise_for_status()
            eventually(lambda: recorder.get("/drawings")["gate"]["learnt"], 60)
            return [_cost(site, recorder), _wrong(recorder), *_delays(site, recorder)]
        finally:
            recorder.close()
            site.kill()


def _cost(site: CameraSite, recorder: RecorderProcess) -> Row:
    """CPU of the worker with its decoder, beside that decoder alone, in the same seconds."""
    worker = next(each for each in psutil.Process(recorder.process.pid).children()
                  if "camera.motion_worker" in words(each))  # fmt: skip
    bare = subprocess.Popen(grey_command(WHOLE, 5.0, widest=WIDTH), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        if bare.stdin:
            bare.stdin.write(parse_source("gate", site.url("/gate")).script())
            bare.stdin.close()
        time.sleep(5)
        processes = [worker, *worker.children(recursive=True)]
        ours, alone = cpu_s(processes), cpu_s([psutil.Process(bare.pid)])
        time.sleep(WINDOW_S)
        share = (cpu_s(processes) - ours) / WINDOW_S * 100
        peer = (cpu_s([psutil.Process(bare.pid)]) - alone) / WINDOW_S * 100
    finally:
        bare.kill()
        bare.wait()
    resident = sum(each.memory_info().rss for each in processes) / 1e6
    spread = f"{WINDOW_S:.0f} s; the decoder alone {peer:.1f} %; {resident:.0f} MB resident"
    return _row("motion and health, CPU a camera", share, "% of a core", "ffmpeg, decoding alone", peer / share, spread)


def _wrong(recorder: RecorderProcess) -> Row:
    """Alarms while nobody is there."""
    before = len(recorder.get("/alarms")["alarms"])
    time.sleep(QUIET_S)
    wrong = len(recorder.get("/alarms")["alarms"]) - before
    return _row("false alarms, three zones, moving picture", wrong * 60 / QUIET_S, "a minute", None, None,
                f"{QUIET_S:.0f} s")  # fmt: skip


def _delays(site: CameraSite, recorder: RecorderProcess) -> Iterator[Row]:
    """From somebody's first frame to the alarm at who follows the log."""
    delays = [_delay(site, recorder) for _ in range(WALKS)]
    spread = f"{min(delays):.2f} to {max(delays):.2f}, {WALKS} walks; two of three pictures, 0.2 s apart"
    yield _row("somebody walks in -> alarm, p50", median(delays), "s", None, None, spread)
    yield _row("somebody walks in -> alarm, p95", quantiles(delays, n=20)[-1], "s", None, None, spread)


def _delay(site: CameraSite, recorder: RecorderProcess) -> float:
    after = max((each["changed"] for each in recorder.get("/alarms")["alarms"]), default=0)
    site.tell("walk /gate on")
    began = time.monotonic()
    eventually(lambda: recorder.get("/alarms", after=after, wait_s=5)["alarms"], 30, 0.01)
    took_s = time.monotonic() - began
    site.tell("walk /gate off")
    eventually(lambda: all(each["to"] for each in recorder.get("/alarms")["alarms"]), 30)
    time.sleep(1)
    return took_s


def _row(name: str, value: float, unit: str, peer: str | None, ratio: float | None, spread: str) -> Row:
    return {"name": name, "value": value, "unit": unit, "peer": peer, "ratio": ratio, "spread": spread}

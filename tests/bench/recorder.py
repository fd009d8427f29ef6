"""What recording costs: 1080p25 at 4 Mbit/s, beside bare ffmpeg and beside GStreamer's recorder, in the same seconds.

One encoded film is looped by an RTSP server without encoding (tests/bench/film_camera.py); all sides copy the same
packets, by ffmpeg with the same flags on ours and on the bare side. Then the doors' latency with 16 cameras recorded
and without. About 4 minutes for 1 and 16 cameras; with MENJIN_LONG=1 for 1, 4, 16 and 32, half an hour.
"""

import os
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from statistics import fmean, quantiles

import psutil

from camera.command import record_command
from camera.source import parse_source
from controllers.wiegand import encode
from tests.bench.cpu import cpu_s
from tests.bench.osdp import line
from tests.camera.site import RecorderProcess, eventually, free_port, wired

LONG = os.environ.get("MENJIN_LONG") == "1"
COUNTS = (1, 4, 16, 32) if LONG else (1, 16)
WINDOWS, WINDOW_S, SETTLE_S = (5, 60, 20) if LONG else (3, 20, 6)  # whole files: each has its end in them
SEGMENT_S, FILM_S, FPS = 60, 20, 25  # files as long as a site's
CARDS = 1000 if LONG else 300
DOOR_CAMERAS = 16
HERE = Path(__file__).parent
QUIET = subprocess.DEVNULL

Row = dict[str, object]
Group = list[psutil.Process]


def run() -> list[Row]:
    """Rows of name, value, unit, peer, ratio (ours by theirs), spread."""
    with tempfile.TemporaryDirectory() as folder, _film_camera(Path(folder)) as url:
        rows: list[Row] = []
        for count in COUNTS:
            rows += _beside(Path(folder) / str(count), url, count)
        return [*rows, *_doors(Path(folder), url)]


@contextmanager
def _film_camera(folder: Path) -> Iterator[str]:
    film, port = folder / "film.h264", free_port()
    source = f"testsrc2=size=1920x1080:rate={FPS}:duration={FILM_S},noise=alls=12:allf=t"
    argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast"]
    argv += ["-pix_fmt", "yuv420p", "-b:v", "4M", "-maxrate", "4M", "-bufsize", "4M", "-g", "50", "-bf", "0"]
    argv += ["-sc_threshold", "0", "-bsf:v", "h264_metadata=aud=insert", str(film)]
    subprocess.run(argv, check=True)
    argv = ["/usr/bin/python3", str(HERE / "film_camera.py"), "--port", str(port), "--fps", str(FPS), str(film)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=QUIET, text=True) as camera:
        try:
            assert camera.stdout
            assert camera.stdout.readline() == "ready\n"
            yield f"rtsp://127.0.0.1:{port}/film"
        finally:
            camera.kill()


def _beside(folder: Path, url: str, count: int) -> list[Row]:
    """Cost of `count` cameras on each side, in the same windows; then what ours lost between files."""
    names = [f"camera-{n}" for n in range(count)]
    (folder / "ours").mkdir(parents=True)
    with ExitStack() as stack:
        recorder = RecorderProcess(folder / "ours", [wired(name, url) for name in names], SEGMENT_S)
        stack.callback(recorder.close)
        bare = [stack.enter_context(_killed(_bare(url, folder / f"bare-{name}"))) for name in names]
        gstreamer = [stack.enter_context(_killed(_gstreamer(url, folder / f"gst-{name}"))) for name in names]
        eventually(lambda: all(recorder.state(name) == "recording" for name in names), 60)
        eventually(lambda: all(any(folder.glob(f"{side}-{n}/*.mp4")) for side in ("bare", "gst") for n in names), 60)
        time.sleep(SETTLE_S)
        rows = _cost(recorder, bare, gstreamer, count)
        recorder.end()
        return [*rows, _boundaries(recorder, folder.parent / "film.h264", names[:4], count)]


def _bare(url: str, folder: Path) -> "subprocess.Popen[bytes]":
    """The recorder's own ffmpeg command, without the recorder."""
    folder.mkdir()
    argv = record_command(folder, "bare", SEGMENT_S)
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=QUIET, stderr=QUIET, start_new_session=True)
    assert process.stdin
    process.stdin.write(parse_source("bare", url).script())
    process.stdin.close()
    return process


def _gstreamer(url: str, folder: Path) -> "subprocess.Popen[bytes]":
    folder.mkdir()
    argv = ["/usr/bin/python3", str(HERE / "film_recorder.py"), url, str(folder), str(SEGMENT_S)]
    return subprocess.Popen(argv, stdout=QUIET, stderr=QUIET)


@contextmanager
def _killed(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _cost(
    recorder: RecorderProcess,
    bare: "list[subprocess.Popen[bytes]]",
    gstreamer: "list[subprocess.Popen[bytes]]",
    count: int,
) -> list[Row]:
    """CPU and memory a camera of each side."""
    root = psutil.Process(recorder.process.pid)
    sides: list[Group] = [
        [root, *root.children()],
        *([psutil.Process(p.pid) for p in each] for each in (bare, gstreamer)),
    ]
    shares: list[list[float]] = []
    for _ in range(WINDOWS):
        before = [cpu_s(group) for group in (*sides, [root])]
        began = time.monotonic()
        time.sleep(WINDOW_S)
        after = [cpu_s(group) for group in (*sides, [root])]
        shares.append([(b - a) / (time.monotonic() - began) / count * 100 for a, b in zip(before, after, strict=True)])
    ours, theirs, gst, python = (fmean(column) for column in zip(*shares, strict=True))
    pss = [_pss_mb(group) / count for group in (*sides, [root])]
    of = f"{count} camera{'s' if count > 1 else ''}"
    cpu, memory, other = f"cpu a camera, {of}", f"memory a camera, {of} (PSS)", "against another recorder"
    spreads = [_spread(list(column)) for column in zip(*shares, strict=True)]
    return [
        _row(cpu, ours, "% of a core", f"bare ffmpeg {theirs:.2f}", ours / theirs, spreads[0]),
        _row(f"{cpu}, {other}", ours, "% of a core", f"GStreamer {gst:.2f}", ours / gst, spreads[2]),
        _row(f"{cpu}, of it Python", python, "% of a core", None, None, spreads[3]),
        _row(memory, pss[0], "MB", f"bare ffmpeg {pss[1]:.1f}", pss[0] / pss[1], f"of it Python {pss[3]:.1f}"),
        _row(f"{memory}, {other}", pss[0], "MB", f"GStreamer {pss[2]:.1f}", pss[0] / pss[2], ""),
    ]


def _boundaries(recorder: RecorderProcess, film: Path, names: list[str], count: int) -> Row:
    """Pictures lost or doubled over the files of a run, by the hash of each picture's slices."""
    number = {digest: n for n, digest in enumerate(_pictures(film))}
    lost = doubled = files = 0
    for name in names:
        paths = sorted(recorder.dir.glob(f"{name}/*/*/*.mp4"))
        seen = [number[digest] for path in paths for digest in _pictures(path)]
        steps = [(b - a) % len(number) for a, b in pairwise(seen)]
        lost, doubled = lost + sum(step - 1 for step in steps if step), doubled + steps.count(0)
        files += len(paths) - 1
    told = f"{doubled} doubled, {files} boundaries of {len(names)} cameras"
    return _row(f"pictures lost between files, {count} cameras", lost, "pictures", None, None, told)


def _pictures(path: Path) -> list[str]:
    """The hash of each picture, without what a server may add to it; raw films by way of an MP4."""
    if path.suffix != ".mp4":
        made = path.with_suffix(".mp4")
        argv = ["ffmpeg", "-v", "error", "-y", "-i", str(path), "-c", "copy", str(made)]
        subprocess.run(argv, check=True)
        path = made
    argv = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v", "-c", "copy"]
    argv += ["-bsf:v", "filter_units=remove_types=6-9|12", "-f", "framehash", "-hash", "md5", "-"]
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    return [line.rsplit(",", 1)[1].strip() for line in said.splitlines() if line and line[0] != "#"]


def _doors(folder: Path, url: str) -> Iterator[Row]:
    """A card's frame to its door's order, with the whole door process: with cameras recorded, and without."""
    (folder / "doors").mkdir()
    alone = _card_ms()
    recorder = RecorderProcess(folder / "doors", [wired(f"c-{n}", url) for n in range(DOOR_CAMERAS)])
    try:
        eventually(lambda: all(each["state"] == "recording" for each in recorder.get("/cameras")), 60)
        beside = _card_ms()
    finally:
        recorder.close()
    for name, percent in (("p50", 50), ("p99", 99)):
        value, usual = (quantiles(each, n=100)[percent - 1] for each in (beside, alone))
        title = f"card to unlock with {DOOR_CAMERAS} cameras recorded, {name}"
        yield _row(title, value, "ms", f"none recorded {usual:.2f}", value / usual, _spread(beside))


def _card_ms() -> list[float]:
    chance = random.Random(16)
    with line("door", 115200, 1) as (peer, _host):
        with suppress(PermissionError):  # a reader is hardware: its clock waits for no core
            os.sched_setscheduler(peer.process.pid, os.SCHED_RR, os.sched_param(1))
        peer.tell(do="mark")
        for number in range(CARDS):
            bits, length = encode("H10301", 7, number % 999 + 1)
            peer.tell(do="card", pd=0, bits=bits, count=length)
            time.sleep(0.1 * chance.uniform(0.7, 1.3))
        time.sleep(1)
        peer.tell(do="marked")
        marks = peer.expect("marked", timeout=30)["marked"]
    reads, found = list[float](), list[float]()
    for side, _, at in sorted(marks, key=lambda mark: mark[2]):
        if side == "read":
            reads.append(at)
        elif reads:
            found.append((at - reads.pop()) * 1000)
            reads.clear()
    return found


def _pss_mb(group: Group) -> float:
    return sum(float(process.memory_full_info().pss) for process in group) / 1e6


def _spread(values: list[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


def _row(name: str, value: float, unit: str, peer: str | None, ratio: float | None, spread: str) -> Row:
    return {"name": name, "value": round(value, 3), "unit": unit, "peer": peer, "ratio": ratio, "spread": spread}

"""The recorder beside bare ffmpeg: the same RTSP stream six times on each side, the same flags, the same seconds.

The stream is small (640 x 360, 12 frames a second), so the shares say what supervision costs, not what a large
picture costs: stream copy costs by the packet, and both sides copy the same ones.
"""

import asyncio
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

import psutil
from websockets.asyncio.client import connect

from camera.clip import verify
from camera.command import record_command
from camera.database import Database
from camera.export import Export, Wanted, signing_key
from camera.footage import Footage
from camera.index import Index
from camera.recorded import recount
from camera.recording import Archive
from camera.retention import Policy, plan
from camera.segment import US, Gop, Segment, pack_gops
from camera.source import parse_source
from camera.timeline import Timeline
from tests.camera.site import TOKEN, CameraSite, RecorderProcess, clocks, eventually, kill, wired

CAMERAS = tuple(f"camera-{n}" for n in range(6))
WINDOWS, WINDOW_S, SEGMENT_S = 3, 6, 10
LIVE_SAMPLES = 12
DAY_US = 86_400 * US

Row = dict[str, object]


def run() -> list[Row]:
    """Rows of name, value, unit, peer, ratio, spread. About 50 s."""
    with tempfile.TemporaryDirectory() as folder:
        site = CameraSite("/gate")
        recorder = RecorderProcess(Path(folder), [wired(n, site.url("/gate")) for n in CAMERAS], SEGMENT_S)
        peers = [_bare(site.url("/gate"), Path(folder) / name) for name in CAMERAS]
        try:
            eventually(lambda: all(recorder.state(name) == "recording" for name in CAMERAS))
            rows = [*_cost(recorder, peers), *_live(recorder), *_killed(recorder)]
        finally:
            for peer in peers:
                peer.kill()
                peer.wait()
            recorder.close()
            site.kill()
        return [*rows, _boundary(recorder), *_export(), *_index(Path(folder) / "large.db"), _plan()]


def _bare(url: str, folder: Path) -> "subprocess.Popen[bytes]":
    """The recorder's own ffmpeg command, without the recorder."""
    folder.mkdir()
    argv = record_command(folder, "bare", SEGMENT_S)
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet)
    if process.stdin:
        process.stdin.write(parse_source("bare", url).script())
        process.stdin.close()
    return process


def _cost(recorder: RecorderProcess, peers: "list[subprocess.Popen[bytes]]") -> Iterator[Row]:
    """CPU and memory a camera, both sides in the same windows."""
    root = psutil.Process(recorder.process.pid)
    ours, bare = [root, *root.children()], [psutil.Process(peer.pid) for peer in peers]
    shares: list[tuple[float, float, float]] = []
    for _ in range(WINDOWS):
        before = [_cpu_s(group) for group in (ours, bare, [root])]
        time.sleep(WINDOW_S)
        after = [_cpu_s(group) for group in (ours, bare, [root])]
        used = [(b - a) / WINDOW_S / len(CAMERAS) * 100 for a, b in zip(before, after, strict=True)]
        shares.append((used[0], used[1], used[2]))
    a, b, python = (median(column) for column in zip(*shares, strict=True))
    spread = _spread([row[0] for row in shares])
    yield _row("cpu a camera", a, "% of a core", f"bare ffmpeg {b:.2f}", a / b if b else None, spread)
    yield _row("cpu a camera, of it Python", python, "% of a core", None, None, _spread([row[2] for row in shares]))
    mine, theirs = _pss_mb(ours) / len(CAMERAS), _pss_mb(bare) / len(CAMERAS)
    yield _row("memory a camera (PSS)", mine, "MB", f"bare ffmpeg {theirs:.1f}", mine / theirs, "")
    yield _row(
        "memory of the recorder's Python (PSS)", _pss_mb([root]), "MB", None, None, "one process for all cameras"
    )


def _live(recorder: RecorderProcess) -> Iterator[Row]:
    """From the camera's clock in the picture to the bytes at a viewer."""
    ages_ms, first_s = asyncio.run(_ages_ms(recorder))
    cuts = quantiles(ages_ms, n=20)
    yield _row("live picture's age p50", median(ages_ms), "ms", None, None, _spread(ages_ms))
    yield _row("live picture's age p95", cuts[-1], "ms", None, None, f"{len(ages_ms)} frames")
    yield _row("live, first picture after opening", first_s * 1000, "ms", None, None, "")


async def _ages_ms(recorder: RecorderProcess) -> tuple[list[float], float]:
    url, header = f"ws://127.0.0.1:{recorder.port}/cameras/camera-0/live", {"Authorization": f"Bearer {TOKEN}"}
    began = time.monotonic()
    async with connect(url, additional_headers=header, max_size=None) as link:
        json.loads(await link.recv())
        film = [await link.recv()]
        first_s = time.monotonic() - began
        arrived: list[float] = []
        for _ in range(LIVE_SAMPLES + 24):
            film.append(await link.recv())
            arrived.append(time.time() * 1000)
    shown = clocks(b"".join(part for part in film if isinstance(part, bytes)))
    return [at - ms for at, ms in list(zip(reversed(arrived), reversed(shown), strict=False))[:LIVE_SAMPLES]], first_s


def _killed(recorder: RecorderProcess) -> Iterator[Row]:
    """What kill -9 of an ffmpeg costs, by the clocks in the pictures."""
    kill(recorder.ffmpegs()[0])
    eventually(
        lambda: (
            all(len(recorder.timeline(n)["segments"]) >= 2 for n in CAMERAS) and len(recorder.ffmpegs()) == len(CAMERAS)
        )
    )
    time.sleep(3)
    recorder.end()
    lost_s = max(b - a for name in CAMERAS for a, b in pairwise(_recorded(recorder, name))) / 1000
    yield _row("footage lost at kill -9 of ffmpeg", lost_s, "s", None, None, "with the time to connect again")


def _boundary(recorder: RecorderProcess) -> Row:
    """Frames lost between two files of a run, by the packets' number against the clocks."""
    steps: list[int] = []
    for name in CAMERAS:
        files = sorted(recorder.dir.glob(f"{name}/*/*/*.mp4"))
        for one, two in pairwise(files):
            if one.stem.rpartition("-")[0] == two.stem.rpartition("-")[0]:
                steps.append(clocks(two)[0] - clocks(one)[-1])
    lost = sum(max(0, round(step * 12 / 1000) - 1) for step in steps)
    return _row("frames lost between files", lost, "frames", None, None, f"{len(steps)} boundaries")


def _recorded(recorder: RecorderProcess, camera: str) -> list[int]:
    return sorted(ms for path in recorder.dir.glob(f"{camera}/*/*/*.mp4") for ms in clocks(path))


def _export() -> Iterator[Row]:
    """Two minutes of 1080p25 at 4 Mbit/s, cut by ffmpeg's own segmenter into files of 60 s, against its concat copy."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        footage = _made(root)
        wanted = Wanted({"gate": {}}, 5 * US, 125 * US, "bench", "bench")
        export = Export(footage, signing_key(root / "signing.key"))
        ours, sizes = [], []
        for n in range(5):
            with (root / f"{n}.zip").open("wb") as file:
                ours.append(_ms(lambda file=file: export.write(file, wanted, {}, 0)))  # type: ignore[misc] # at once
                sizes.append(file.tell())
        names = [f"file '{path}'\n" for path in sorted(root.glob("gate/*/*/*.mp4"))]
        (root / "list").write_text("".join(names))
        argv = ["ffmpeg", "-v", "error", "-y", "-f", "concat", "-safe", "0", "-ss", "5", "-i", str(root / "list")]
        argv += ["-t", "120", "-c", "copy", str(root / "peer.mp4")]
        theirs = [_ms(lambda: subprocess.run(argv, check=True)) for _ in range(5)]
        peer = f"ffmpeg -f concat -c copy {median(theirs):.0f}, without hashes"
        ratio = median(ours) / median(theirs)
        yield _row("signed export of 2 minutes", median(ours), "ms", peer, ratio, f"{_spread(ours)}; {sizes[0]} bytes")
        checked = [_ms(lambda: verify(root / "0.zip")) for _ in range(5)]
        yield _row("its verification", median(checked), "ms", None, None, _spread(checked))


def _made(root: Path) -> Footage:
    """Three files of a minute, taken in as recorded ones."""
    archive = Archive(root, Index(Database(root / "index.db")))
    folder = archive.incoming("gate")
    run = archive.begin("gate", 0)
    argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=25:duration=10", "-c:v"]
    argv += ["libx264", "-preset", "ultrafast", "-b:v", "4M", "-minrate", "4M", "-maxrate", "4M", "-bufsize", "4M"]
    argv += ["-x264-params", "nal-hrd=cbr", "-g", "50", "-bf", "0", "-pix_fmt", "yuv420p", str(root / "ten.mp4")]
    subprocess.run(argv, check=True)
    options = "movflags=+frag_keyframe+empty_moov+default_base_moof:frag_duration=500000"
    argv = ["ffmpeg", "-v", "error", "-stream_loop", "17", "-i", str(root / "ten.mp4"), "-c", "copy", "-f", "segment"]
    argv += ["-segment_format", "mp4", "-segment_format_options", options, "-segment_time", "60"]
    subprocess.run([*argv, "-reset_timestamps", "1", f"{folder}/{run.id}-%06d.mp4"], check=True)
    for n, path in enumerate(sorted(folder.glob("*.mp4"))):
        archive.adopt(path, "gate", n * 60 * US)
    return Footage(root, Timeline(Database(root / "index.db")), {})


def _index(path: Path) -> Iterator[Row]:
    """Thirty days of sixteen cameras at a file a minute: what a page of the console asks for."""
    database = Database(path)
    minutes = 30 * 1440
    with database.writing() as rows:
        rows.execute("insert into init values (1, 795, 'video/mp4', 640, 360)")
        gops = pack_gops(Gop(n * 1000, 1000, n * 2 * US, 2 * US) for n in range(30))
        for camera in range(16):
            rows.executemany(
                "insert into segment values (?, ?, ?, ?, 30000, ?, 1, ?, '', 0, ?, '', '')",
                ((f"{camera}-{n}", str(camera), (n * 60 + 2 * (n % 60 == 0)) * US, (n + 1) * 60 * US, f"{camera}/{n}",
                  gops, n)
                 for n in range(minutes)),
            )  # fmt: skip
        began = time.perf_counter()
        recount(rows)
        recounted_ms = (time.perf_counter() - began) * 1000
    timeline = Timeline(database)
    all_ms = [_ms(lambda: [timeline.recorded(str(n), 0, 30 * DAY_US) for n in range(16)]) for _ in range(9)]
    day = [_ms(lambda: timeline.spans("1", 14 * DAY_US, 15 * DAY_US)) for _ in range(9)]
    month = [_ms(lambda: timeline.spans("1", 0, 30 * DAY_US)) for _ in range(5)]
    clip = [_ms(lambda: timeline.segments("1", 14 * DAY_US, 14 * DAY_US + 30 * US)) for _ in range(9)]
    database.close()
    yield _row(
        "timeline of 30 days x 16 cameras", median(all_ms), "ms", None, None, f"{_spread(all_ms)}; a gap an hour"
    )
    yield _row("the same, made anew from 691,200 files", recounted_ms, "ms", None, None, "once, at an upgrade")
    yield _row("timeline of a day, a camera, every file", median(day), "ms", None, None, _spread(day))
    yield _row("timeline of 30 days, a camera, every file", median(month), "ms", None, None, _spread(month))
    yield _row("index of a 30 s clip", median(clip), "ms", None, None, _spread(clip))


def _plan() -> Row:
    """The plan of a first sweep that removes 100,000 of 1,000,000 files."""

    def files() -> Iterator[Segment]:
        for n in range(1_000_000):
            yield Segment(f"r-{n}", f"c{n % 16}", n * US, (n + 60) * US, 1000, "", 1, "", 0, 0, ())

    policies = {f"c{n}": Policy(max_age_s=900_000) for n in range(16)}
    began = time.perf_counter()
    gone = sum(1 for _ in plan(files(), [], policies, {}, 1_000_060 * US))
    return _row(
        "retention's plan", (time.perf_counter() - began) * 1000, "ms", None, None, f"{gone} of 1,000,000 files go"
    )


def _cpu_s(group: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in group)


def _pss_mb(group: list[psutil.Process]) -> float:
    return sum(float(process.memory_full_info().pss) for process in group) / 1e6


def _ms(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _spread(values: list[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


def _row(name: str, value: float, unit: str, peer: str | None, ratio: float | None, spread: str) -> Row:
    return {"name": name, "value": round(value, 3), "unit": unit, "peer": peer, "ratio": ratio, "spread": spread}

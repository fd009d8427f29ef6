"""What a fault costs, how old the live picture is, and how long the index, an export and a sweep take. About 90 s.

The camera shows its clock in the picture (simulators/rtsp_camera.py): what is lost is told by the pictures themselves.
"""

import asyncio
import json
import logging
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import median, quantiles

import psutil
import structlog
from websockets.asyncio.client import connect

from camera import disk
from camera.clip import verify
from camera.clocks import CLOCK_RIGHT_US
from camera.database import Database
from camera.export import Export, Wanted, signing_key
from camera.footage import Footage
from camera.index import Index
from camera.recorded import recount
from camera.recording import Archive
from camera.retention import Policy, Retention
from camera.segment import US, Gop, pack_gops
from camera.timeline import Timeline
from tests.camera.site import TOKEN, CameraSite, RecorderProcess, clocks, eventually, kill, wired, words

LONG = os.environ.get("MENJIN_LONG") == "1"
KILLS = 20 if LONG else 2
chance = Random(5).random
SEGMENT_S = 10
SWEPT, GOING = 1_000_000, 100_000 if LONG else 5_000
LIVE_SAMPLES = 12
DAY_US = 86_400 * US

_INSERT = (
    "insert into segment (id, camera, start_us, end_us, bytes, path, init, gops, sha256, salvaged, seq, prev, chain,"
    " class) values (?, ?, ?, ?, ?, ?, 1, ?, '', 0, ?, '', '', ?)"
)

Row = dict[str, object]


def run() -> list[Row]:
    """Rows of name, value, unit, peer, ratio, spread."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # stdout is the rows'
    with tempfile.TemporaryDirectory() as folder:
        site = CameraSite("/gate")
        recorder = RecorderProcess(Path(folder), [wired("camera-0", site.url("/gate"))], SEGMENT_S)
        try:
            eventually(lambda: recorder.state("camera-0") == "recording")
            rows = [*_live(recorder), *_killed(recorder), *_killed_whole(recorder), *_restarted(recorder, site)]
        finally:
            recorder.close()
            site.kill()
        return [*rows, *_export(), *_index(Path(folder) / "large.db"), *_sweep(Path(folder) / "swept")]


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
    """What kill -9 of ffmpeg costs. The camera begins each connection with a key frame, as most do."""
    kills = list[float]()
    for _ in range(KILLS):
        time.sleep(11 + chance())  # of steady footage: then the next attempt is at once
        (child,) = recorder.ffmpegs()
        killed_s = time.time()
        kill(child)
        kills.append(killed_s)
        eventually(lambda child=child: recorder.ffmpegs() not in ([], [child]))  # type: ignore[misc] # called at once
    time.sleep(3)
    recorder.end()
    pictures = [ms / 1000 for ms in _recorded(recorder)]
    before = [max(each for each in pictures if each < killed_s) for killed_s in kills]
    after = [min(each for each in pictures if each > killed_s) for killed_s in kills]
    name = "footage lost at kill -9 of ffmpeg"
    for part, values in (
        (name, [b - a for a, b in zip(before, after, strict=True)]),
        (f"{name}, of it the open fragment", [k - a for a, k in zip(before, kills, strict=True)]),
        (f"{name}, of it until a key frame comes again", [b - k for b, k in zip(after, kills, strict=True)]),
    ):
        yield _row(part, median(values), "s", None, None, f"{_spread(values)}, {KILLS} kills")


def _killed_whole(recorder: RecorderProcess) -> Iterator[Row]:
    """What is not on the disk of the seconds before kill -9 of the recorder."""
    lost = []
    for _ in range(KILLS):
        recorder.start()
        eventually(lambda: recorder.state("camera-0") == "recording")
        time.sleep(3.1)
        recorder.crash()
        killed_ms = time.time() * 1000
        eventually(lambda: not _writers(recorder))
        left = sorted(recorder.dir.glob("incoming/*/*.mp4"))[-1]
        lost.append((killed_ms - clocks(left)[-1]) / 1000)
    told = f"{_spread(lost)}, {KILLS} kills"
    yield _row("footage lost at kill -9 of the recorder, before it", median(lost), "s", None, None, told)
    recorder.start()


def _writers(recorder: RecorderProcess) -> list[str]:
    found = (words(process) for process in psutil.process_iter())
    return [" ".join(each) for each in found if each[:1] == ["ffmpeg"] and str(recorder.dir) in each[-1]]


def _restarted(recorder: RecorderProcess, site: CameraSite) -> Iterator[Row]:
    """From a restarted camera's first answer to its first recorded picture."""
    waited = []
    for _ in range(KILLS):
        eventually(lambda: recorder.state("camera-0") == "recording")
        time.sleep(11)
        site.kill()
        time.sleep(2)
        site.start()
        ready_ms = time.time() * 1000
        eventually(lambda: recorder.state("camera-0") == "recording")
        time.sleep(1)
        newest = max(recorder.dir.glob("incoming/*/*.mp4"), key=lambda path: path.stat().st_mtime)
        waited.append((clocks(newest)[0] - ready_ms) / 1000)
    told = f"{_spread(waited)}, {KILLS} restarts of 2 s"
    yield _row("a camera's restart, from ready to recorded", median(waited), "s", None, None, told)


def _recorded(recorder: RecorderProcess) -> list[int]:
    return sorted(ms for path in recorder.dir.glob("camera-0/*/*/*.mp4") for ms in clocks(path))


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
                _INSERT,
                ((f"{camera}-{n}", str(camera), (n * 60 + 2 * (n % 60 == 0)) * US, (n + 1) * 60 * US, 30000,
                  f"{camera}/{n}", gops, n, 1)
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


def _sweep(root: Path) -> Iterator[Row]:
    """A sweep of an index of 1,000,000 files: one in which nothing goes, and one in which some thousand do."""
    disk.make_folder(root)
    database = Database(root / "index.db")
    with database.writing() as rows:
        rows.execute("insert into init values (1, 795, 'video/mp4', 640, 360)")
        rows.executemany(
            _INSERT,
            ((f"r-{n:07d}", f"c{n % 16}", _start_us(n), _start_us(n + 16), 4096, _name(n), b"", n // 16 + 1,
              1 + n % 3) for n in range(SWEPT)),
        )  # fmt: skip
        rows.executemany("insert into camera (name) values (?)", ((f"c{n}",) for n in range(16)))
        recount(rows)
    end_us = _start_us(SWEPT)
    idle = Retention(root, Index(database), Timeline(database), _policies(SWEPT), 0)
    nothing = [_ms(lambda: idle.sweep(end_us)) for _ in range(9)]
    yield _row(f"sweep of {SWEPT:,} files, none goes", median(nothing), "ms", None, None, _spread(nothing))
    for n in range(GOING):
        path = root / _name(n)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(4096))
    busy = Retention(root, Index(database), Timeline(database), _policies(SWEPT - GOING), 0)
    began = time.perf_counter()
    gone = busy.sweep(end_us)
    took_s = time.perf_counter() - began
    database.close()
    yield _row(f"sweep of {SWEPT:,} files, {gone:,} go", took_s, "s", None, None, f"{gone / took_s:,.0f} a second")


def _name(number: int) -> str:
    return f"c{number % 16}/d/{number // 3200}/{number}.mp4"


def _start_us(number: int) -> int:
    return CLOCK_RIGHT_US + number // 16 * 60 * US


def _policies(files: int) -> dict[str, Policy]:
    """As many of the newest files stay."""
    return {f"c{n}": Policy(max_age_s=files / 16 * 60) for n in range(16)}


def _ms(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _spread(values: list[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


def _row(name: str, value: float, unit: str, peer: str | None, ratio: float | None, spread: str) -> Row:
    return {"name": name, "value": round(value, 3), "unit": unit, "peer": peer, "ratio": ratio, "spread": spread}

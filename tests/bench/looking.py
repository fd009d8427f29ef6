"""Looking, as a guard does it: in Chromium, through the plane. An hour of 1080p25 at 4 Mbit/s, and a live picture.

A seek is a click on the timeline, from the pointer's release until the first right picture is shown, of the same group
of pictures and no later than the moment, and until the very one is; a hand holds the button for a tenth of a second
(Card, Moran and Newell's keystroke-level model), and for comparison there are clicks without that time. The peer is
Chromium's own HLS player on the recorder's playlist of the same hour, which seeks by its own time. A live picture's age
is read from the clock that its camera burnt into it.
"""

import os
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import BrowserContext, Page, sync_playwright

from camera.database import Database
from camera.index import Index
from camera.recording import Archive
from camera.segment import US
from mgmt_api.console import build_hook
from simulators.browser import CHROMIUM, READ_CLOCK
from tests.camera.site import CameraSite, RecorderProcess, eventually, wired
from tests.console.footage_house import Front

Row = dict[str, object]
FILES, SEEKS, LIVE_S = 60, 60, 6
FILE_S = 60
GROUP_MS, NEAR_MS = 2000, 120
PRESS_MS = 100
# Answers how long it took from the pointer's release to the first right picture and to the page's moment, in ms.
WATCH = """() => { window.took = new Promise((done) => {
  const clock = () => Date.parse(document.querySelector('.controls-clock').dateTime);
  const video = document.querySelector('.screen video'), before = clock();
  document.querySelector('.timeline canvas').addEventListener('pointerup', () => {
    const began = performance.now();
    let first = null;
    const look = (_, { mediaTime }) => {
      const early = clock() - window.origin - mediaTime * 1000; // but for whole hours
      const off = (((early % 3600000) + 5400000) % 3600000) - 1800000;
      if (clock() !== before && off > -NEAR_MS && off < GROUP_MS) first ??= performance.now() - began;
      if (clock() !== before && Math.abs(off) < NEAR_MS) done([first, performance.now() - began]);
      else video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  }, { once: true });
}); }""".replace("GROUP_MS", str(GROUP_MS)).replace("NEAR_MS", str(NEAR_MS))
NATIVE = """async ([at]) => {
  const video = document.querySelector('#peer'), began = performance.now();
  return await new Promise((done) => {
    const look = (_, { mediaTime }) =>
      Math.abs(mediaTime - at) < 0.12 ? done(performance.now() - began) : video.requestVideoFrameCallback(look);
    video.requestVideoFrameCallback(look);
    video.currentTime = at;
  });
}"""


def run() -> list[Row]:
    """Rows of name, value, unit, peer, ratio, spread. About 90 s."""
    build_hook.build()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        chance = random.Random(7)
        with _front(Path(folder)) as (front, begin):
            context = front.sign_in(browser)
            first, ours = _seeks(context, front.url, begin, chance, PRESS_MS)
            _, at_once = _seeks(context, front.url, begin, chance, 0)
            theirs = _native(context, front.url, begin, chance)
            ages = _live(context, front.url)
        browser.close()
    peer = f"Chromium's HLS {median(theirs):.0f} / {_p95(theirs):.0f}"
    return [
        _row("seek in an hour, first right picture p50", median(first), peer, median(first) / median(theirs), first),
        _row("seek in an hour, first right picture p95", _p95(first), peer, _p95(first) / _p95(theirs), first),
        _row("seek in an hour, the very picture p50", median(ours), peer, median(ours) / median(theirs), ours),
        _row("seek in an hour, the very picture p95", _p95(ours), peer, _p95(ours) / _p95(theirs), ours),
        _row("the same, clicked in no time, p50", median(at_once), peer, median(at_once) / median(theirs), at_once),
        _row("the same, clicked in no time, p95", _p95(at_once), peer, _p95(at_once) / _p95(theirs), at_once),
        _row("live picture's age on the screen p50", median(ages), None, None, ages),
        _row("live picture's age on the screen p95", _p95(ages), None, None, ages),
    ]


@contextmanager
def _front(folder: Path) -> Iterator[tuple[Front, float]]:
    """The plane before a recorder with an hour of one camera, and another that is live."""
    begin = (int(time.time()) // 3600 - 2) * 3600
    (folder / "recordings").mkdir()
    _record(folder / "recordings", begin)
    site = CameraSite("/garage")
    cameras = [wired("gate", "rtsp://127.0.0.1:1/x"), wired("garage", site.url("/garage"))]
    recorder = RecorderProcess(folder, cameras, segment_s=10)
    front = Front(folder, recorder)
    try:
        eventually(lambda: recorder.state("garage") == "recording")
        yield front, begin
    finally:
        front.close()
        recorder.close()
        site.kill()


def _record(root: Path, begin: float) -> None:
    """An hour in files of a minute: one file under many names, since disks are dear and the hash is the same work."""
    database = Database(root / "index.db")
    archive = Archive(root, Index(database))
    folder, run = archive.incoming("gate"), archive.begin("gate", int(begin) * US)
    argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=25:duration=10", "-c:v"]
    argv += [
        "libx264",
        "-preset",
        "ultrafast",
        "-b:v",
        "4M",
        "-maxrate",
        "4M",
        "-bufsize",
        "4M",
        "-g",
        "50",
        "-bf",
        "0",
    ]
    subprocess.run([*argv, "-pix_fmt", "yuv420p", str(root / "ten.mp4")], check=True)
    argv = ["ffmpeg", "-v", "error", "-stream_loop", "5", "-i", str(root / "ten.mp4"), "-c", "copy", "-t", str(FILE_S)]
    options = "+frag_keyframe+empty_moov+default_base_moof"
    subprocess.run([*argv, "-movflags", options, "-frag_duration", "500000", str(root / "minute.mp4")], check=True)
    for n in range(FILES):
        path = folder / f"{run.id}-{n:06d}.mp4"
        os.link(root / "minute.mp4", path)
        archive.adopt(path, "gate", (int(begin) + n * FILE_S) * US)
    database.close()


def _seeks(
    context: BrowserContext, url: str, begin: float, chance: random.Random, press_ms: int
) -> tuple[list[float], list[float]]:
    page = context.new_page()
    at = datetime.fromtimestamp(begin + 1800, UTC)
    page.goto(f"{url}/#/footage?{urlencode({'at': at.isoformat(), 'reason': 'bench', 'cameras': 'gate'})}")
    eventually(lambda: page.evaluate("document.querySelector('.screen video')?.readyState >= 2"))
    page.wait_for_timeout(1500)
    # The video's time is the wall clock less a whole number of days and the moment that the page was opened at.
    page.evaluate(f"window.origin = {at.timestamp() * 1000}")
    box = page.locator(".timeline canvas").bounding_box()
    if box is None:
        raise RuntimeError("the page has no timeline")
    took = []
    for _ in range(SEEKS):
        page.evaluate(WATCH)
        page.mouse.move(box["x"] + chance.uniform(0.02, 0.98) * box["width"], box["y"] + 60)
        page.wait_for_timeout(250)
        page.mouse.down()
        page.wait_for_timeout(press_ms)
        page.mouse.up()
        took.append(_answer(page, "window.took"))
    page.close()
    return [first for first, _ in took], [exact for _, exact in took]


def _native(context: BrowserContext, url: str, begin: float, chance: random.Random) -> list[float]:
    """The peer: the recorder's playlist in a plain video element."""
    page = context.new_page()
    page.goto(f"{url}/#/board")
    span = {name: datetime.fromtimestamp(at, UTC).isoformat() for name, at in (("from", begin), ("to", begin + 3600))}
    source = f"{url}/api/v1/cameras/gate/playlist.m3u8?{urlencode(span | {'reason': 'bench'})}"
    page.evaluate(
        """source => { const video = Object.assign(document.createElement('video'), {id: 'peer', muted: true});
        document.body.append(video); video.src = source; }""",
        source,
    )
    eventually(lambda: page.evaluate("document.querySelector('#peer').readyState >= 2"))
    took = []
    for _ in range(SEEKS):
        page.wait_for_timeout(250)
        took.append(float(_answer(page, f"({NATIVE})([{chance.uniform(30, 3500)}])")))
    page.close()
    return took


def _live(context: BrowserContext, url: str) -> list[float]:
    page = context.new_page()
    page.goto(f"{url}/#/board")
    page.wait_for_selector("figure[data-camera=garage][data-state=playing]")
    page.wait_for_timeout(2000)
    video, ages = page.locator("figure[data-camera=garage] video"), []
    until = time.monotonic() + LIVE_S
    while time.monotonic() < until:
        told = video.evaluate(READ_CLOCK)
        ages += [float(told["page_ms"] - told["video_ms"])] if "error" not in told else []
        page.wait_for_timeout(60)
    page.close()
    return ages


def _answer(page: Page, promise: str) -> Any:
    limit = "new Promise((_, no) => setTimeout(() => no(new Error('no picture within 10 s')), 10000))"
    return page.evaluate(f"Promise.race([{promise}, {limit}])")


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1]


def _row(name: str, value: float, peer: str | None, ratio: float | None, values: list[float]) -> Row:
    spread = f"{min(values):.0f} to {max(values):.0f}, {len(values)} of them"
    return {"name": name, "value": round(value, 1), "unit": "ms", "peer": peer, "ratio": ratio, "spread": spread}

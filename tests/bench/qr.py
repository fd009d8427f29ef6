"""QR codes in pictures: our ladder beside pyzbar and OpenCV on the same pictures; and from the camera to the driver.

The pictures are made (1280 x 720; turned, tilted, blurred, noisy, small, inverted; as long as a live code): the shares
found compare decoders and say nothing of a camera's optics. With a code, our ladder has all its rungs; without one, it
runs as on a stream, and the walls of noise count as moving: each gets one deep rung.
"""

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median, quantiles

import cv2
import numpy
import psutil
import segno
from pyzbar import pyzbar

from camera.pictures import Grey
from camera.qr import Ladder, read_codes
from config.settings import CodeReader
from controllers.driver import Capabilities, Command, DeviceEvent, Sink, TextRead
from controllers.qr_camera import QrCameraDriver
from gateway.site import Reader
from tests.bench.cpu import cpu_s
from tests.bench.whole_door import serve
from tests.camera.site import TOKEN, CameraSite, RecorderProcess, code_picture, eventually, wired

Row = dict[str, object]
Decoder = Callable[[Grey], list[str]]
WIDTH, HEIGHT, EACH, SHOWN = 1280, 720, 8, 20
BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def run() -> list[Row]:
    """Rows of name, value, unit, peer, ratio (how many times better than the peer), spread. About 60 s."""
    cv2.setNumThreads(1)
    chance = numpy.random.default_rng(1)
    shown = [(text, picture) for kind in KINDS for text, picture in _pictures(kind, chance)]
    walls = [_grey(chance.normal(120, 12, (HEIGHT, WIDTH))) for _ in range(EACH)]
    return [*_decoders(shown, walls), *_from_camera()]


def _text(chance: numpy.random.Generator) -> str:
    return "MJ1:" + "".join(chance.choice(list(BASE45), 128))


def _code(text: str, scale: int) -> Grey:
    rows = list(segno.make_qr(text, error="m").matrix_iter(scale))
    return _grey(numpy.where(numpy.array(rows) > 0, 25, 235))


def _scene(code: Grey, chance: numpy.random.Generator) -> Grey:
    picture = numpy.full((HEIGHT, WIDTH), 110, numpy.uint8)
    rows, columns = code.shape
    top, left = chance.integers(0, HEIGHT - rows), chance.integers(0, WIDTH - columns)
    picture[top : top + rows, left : left + columns] = code
    return picture


def _turned(picture: Grey, chance: numpy.random.Generator) -> Grey:
    about = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), float(chance.uniform(0, 360)), 1.0)
    return _grey(cv2.warpAffine(picture, about, (WIDTH, HEIGHT), borderValue=110))


def _tilted(picture: Grey, chance: numpy.random.Generator) -> Grey:
    square = numpy.array([(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)], numpy.float32)
    bent = square + chance.uniform(-0.25, 0.25, (4, 2)).astype(numpy.float32) * (WIDTH, HEIGHT) * 0.5
    matrix = cv2.getPerspectiveTransform(square, bent.astype(numpy.float32))
    return _grey(cv2.warpPerspective(picture, matrix, (WIDTH, HEIGHT), borderValue=110))


def _middle(code: Grey) -> Grey:
    picture = numpy.full((HEIGHT, WIDTH), 110, numpy.uint8)
    top, left = (HEIGHT - code.shape[0]) // 2, (WIDTH - code.shape[1]) // 2
    picture[top : top + code.shape[0], left : left + code.shape[1]] = code
    return picture


KINDS: dict[str, Callable[[str, numpy.random.Generator], Grey]] = {
    "plain": lambda text, chance: _scene(_code(text, 6), chance),
    "turned": lambda text, chance: _turned(_middle(_code(text, 6)), chance),
    "tilted": lambda text, chance: _tilted(_middle(_code(text, 7)), chance),
    "small": lambda text, chance: _scene(_code(text, 2), chance),
    "blurred": lambda text, chance: _grey(cv2.GaussianBlur(_scene(_code(text, 6), chance), (0, 0), 2.2)),
    "noisy": lambda text, chance: _grey(_scene(_code(text, 5), chance) + chance.normal(0, 30, (HEIGHT, WIDTH))),
    "inverted": lambda text, chance: _scene(_grey(255 - _code(text, 5)), chance),
}


def _pictures(kind: str, chance: numpy.random.Generator) -> Iterator[tuple[str, Grey]]:
    for _ in range(EACH):
        text = _text(chance)
        yield text, KINDS[kind](text, chance)


def _grey(values: object) -> Grey:
    return numpy.ascontiguousarray(numpy.clip(numpy.asarray(values), 0, 255).astype(numpy.uint8))


def by_pyzbar(picture: Grey) -> list[str]:
    """pyzbar as its guide has it, but for QR codes alone."""
    return [each.data.decode() for each in pyzbar.decode(picture, symbols=[pyzbar.ZBarSymbol.QRCODE])]


def by_opencv(picture: Grey) -> list[str]:
    """OpenCV's own detector."""
    with suppress(cv2.error):
        return [cv2.QRCodeDetector().detectAndDecode(picture)[0]]
    return []


def _decoders(shown: list[tuple[str, Grey]], walls: list[Grey]) -> Iterator[Row]:
    """Each decoder over the same pictures: found, and how long it took with a code and without."""
    read_codes(walls[0])
    ours = _measured(read_codes, Ladder().read, shown, walls)
    for name, decoder in (("pyzbar, QR only", by_pyzbar), ("cv2.QRCodeDetector", by_opencv)):
        theirs = _measured(decoder, decoder, shown, walls)
        for what, unit, mine, their in zip(NAMES, UNITS, ours, theirs, strict=True):
            better = mine / their if unit == "%" else their / mine  # more codes, or less time
            yield _row(what, mine, unit, f"{name} {their:.3g}", better, _kinds_note())


NAMES = ("codes found", "picture with a code, p50", "picture with a code, p95", "picture without a code, p50")
UNITS = ("%", "ms", "ms", "ms")


def _measured(
    decoder: Decoder, on_stream: Decoder, shown: list[tuple[str, Grey]], walls: list[Grey]
) -> tuple[float, float, float, float]:
    found, took_ms = 0, []
    for text, picture in shown:
        began = time.perf_counter()
        found += text in decoder(picture)
        took_ms.append((time.perf_counter() - began) * 1000)
    without_ms = []
    for picture in walls:
        began = time.perf_counter()
        on_stream(picture)
        without_ms.append((time.perf_counter() - began) * 1000)
    return found / len(shown) * 100, median(took_ms), _p95(took_ms), median(without_ms)


class _Timed(QrCameraDriver):
    """The driver, which notes when the door process has decided: it shows the answer then."""

    def __init__(self, port: int, sink: Sink) -> None:
        super().__init__("gate-qr", "gate", "127.0.0.1", port, TOKEN, self._note)
        self.texts, self.decided_s, self._on = dict[str, float](), list[float](), sink

    def devices(self) -> dict[str, Capabilities]:
        return {self.name: Capabilities(text=True, feedback=True)}

    def submit(self, command: Command) -> None:
        self.decided_s.append(time.monotonic())

    def _note(self, event: DeviceEvent) -> None:
        if isinstance(event, TextRead):
            self.texts[event.text] = event.seen.mono_s
        self._on(event)


def _from_camera() -> Iterator[Row]:
    """A code is held before the camera; when does the gateway's driver have its text, and when is it decided?"""
    with tempfile.TemporaryDirectory() as folder:
        site, drivers = CameraSite("/gate", "/plain"), list[_Timed]()
        cameras = [wired("gate", site.url("/gate"), qr=CodeReader(reader="gate-qr", region=(0.5, 0, 0.5, 0.9), fps=25))]
        recorder = RecorderProcess(Path(folder), cameras)

        def driver(sink: Sink) -> _Timed:
            drivers.append(_Timed(recorder.port, sink))
            return drivers[0]

        door = serve(driver, {Reader("gate-qr", "qr_camera"): "gate-qr"})
        try:
            eventually(lambda: '"codes"' in recorder.log_path.read_text())
            threading.Thread(target=asyncio.run, args=(door,), daemon=True).start()
            eventually(lambda: drivers)
            yield from _latency(site, drivers[0], Path(folder))
            yield _idle(recorder)
        finally:
            recorder.close()
            site.kill()


def _latency(site: CameraSite, driver: _Timed, folder: Path) -> Iterator[Row]:
    chance, read_ms, decided_ms = numpy.random.default_rng(2), list[float](), list[float]()
    for n in range(SHOWN):
        text = _text(chance)
        picture = code_picture(folder / f"{n}.pgm", text, 5)
        time.sleep(0.3 + float(chance.uniform(0, 0.08)))
        began = time.monotonic()
        site.show("/gate", picture)
        eventually(lambda: len(driver.decided_s) > n, poll_s=0.005)  # noqa: B023 - asked at once
        read_ms.append((driver.texts[text] - began) * 1000)
        decided_ms.append((driver.decided_s[n] - began) * 1000)
    for name, took_ms in (("text at the gateway", read_ms), ("decision", decided_ms)):
        spread = f"{min(took_ms):.0f} to {max(took_ms):.0f}, {SHOWN} codes; 12 frames a second: 42 mean"
        yield _row(f"code held up -> {name}, p50", median(took_ms), "ms", None, None, spread)
        yield _row(f"code held up -> {name}, p95", _p95(took_ms), "ms", None, None, spread)


def _idle(recorder: RecorderProcess) -> Row:
    """What reading costs, worker and its ffmpeg, at 12 pictures a second of 320 x 324 pixels."""
    children = psutil.Process(recorder.process.pid).children()
    worker = next(child for child in children if "camera.qr_worker" in child.cmdline())
    group = [worker, *worker.children()]
    stamps: list[float] = []
    for _ in range(2):
        stamps += [time.monotonic(), cpu_s(group)]
        time.sleep(5)
    (t0, t1), (c0, c1) = stamps[::2], stamps[1::2]
    return _row("cpu of a camera that reads codes", (c1 - c0) / (t1 - t0) * 100, "% of a core", None, None, "")


def _kinds_note() -> str:
    return f"{EACH} each: {', '.join(KINDS)}"


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1]


def _row(name: str, value: float, unit: str, peer: str | None, ratio: float | None, spread: str) -> Row:
    ratio = None if ratio is None else round(ratio, 3)
    return {"name": name, "value": round(value, 3), "unit": unit, "peer": peer, "ratio": ratio, "spread": spread}

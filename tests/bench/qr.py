"""QR codes in pictures: our ladder beside pyzbar and OpenCV on the same pictures; and from the camera to the driver.

The pictures are made (1280 x 720; turned, tilted, blurred, noisy, small, inverted; as long as a live code): the shares
found compare decoders and say nothing of a camera's optics. With a code, our ladder has all its rungs; without one, it
runs as on a stream, and the walls of noise count as moving: each gets one deep rung.
"""

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
from controllers.driver import DeviceEvent, TextRead
from controllers.qr_camera import QrCameraDriver
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


def _from_camera() -> Iterator[Row]:
    """A code is held before the camera; when does the gateway's driver have its text?"""
    with tempfile.TemporaryDirectory() as folder:
        site, events, stop = CameraSite("/gate", "/plain"), list[DeviceEvent](), threading.Event()
        cameras = [wired("gate", site.url("/gate"), qr=CodeReader(reader="gate-qr", region=(0.5, 0, 0.5, 0.9), fps=25))]
        recorder = RecorderProcess(Path(folder), cameras)
        driver = QrCameraDriver("gate-qr", "gate", "127.0.0.1", recorder.port, TOKEN, events.append)
        thread = threading.Thread(target=driver.run, args=(stop,))
        try:
            eventually(lambda: '"codes"' in recorder.log_path.read_text())
            thread.start()
            yield from _latency(site, events, Path(folder))
            yield _idle(recorder)
        finally:
            stop.set()
            thread.join()
            recorder.close()
            site.kill()


def _latency(site: CameraSite, events: list[DeviceEvent], folder: Path) -> Iterator[Row]:
    chance, took_ms = numpy.random.default_rng(2), []
    for n in range(SHOWN):
        text = _text(chance)
        picture = code_picture(folder / f"{n}.pgm", text, 5)
        time.sleep(0.3 + float(chance.uniform(0, 0.08)))
        began = time.monotonic()
        site.show("/gate", picture)
        read = eventually(lambda text=text: _heard(events, text), poll_s=0.005)  # type: ignore[misc] # bound at once
        took_ms.append((read.seen.mono_s - began) * 1000)
    spread = f"{min(took_ms):.0f} to {max(took_ms):.0f}, {SHOWN} codes"
    yield _row("code held up -> text at the gateway, p50", median(took_ms), "ms", None, None, spread)
    yield _row(
        "code held up -> text at the gateway, p95", _p95(took_ms), "ms", None, None, "12 frames a second: 42 mean"
    )


def _heard(events: list[DeviceEvent], text: str) -> TextRead | None:
    return next((each for each in list(events) if isinstance(each, TextRead) and each.text == text), None)


def _idle(recorder: RecorderProcess) -> Row:
    """What reading costs, worker and its ffmpeg, at 12 pictures a second of 320 x 324 pixels."""
    children = psutil.Process(recorder.process.pid).children()
    worker = next(child for child in children if "camera.qr_worker" in child.cmdline())
    group = [worker, *worker.children()]
    stamps: list[float] = []
    for _ in range(2):
        stamps += [time.monotonic(), sum(sum(process.cpu_times()[:2]) for process in group)]
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

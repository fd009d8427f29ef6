"""A camera that reads codes: a real stream, a real code held before it, the gateway's own driver at the end."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config.settings import CodeReader
from controllers.driver import DeviceEvent, LinkState, TextRead
from controllers.errors import LinkLost
from controllers.qr_camera import QrCameraDriver
from tests.camera.site import TOKEN, CameraSite, RecorderProcess, code_picture, eventually, wired, words

TEXT = "MJ1:" + "7WGE" * 32 + "ABC"


class Heard:
    """The driver in a thread, started again as the gateway does it."""

    def __init__(self, port: int, camera: str = "gate") -> None:
        self.events: list[DeviceEvent] = []
        self.stop = threading.Event()
        self.driver = QrCameraDriver("gate-qr", camera, "127.0.0.1", port, TOKEN, self.events.append)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self.stop.is_set():
            try:
                self.driver.run(self.stop)
            except LinkLost:
                time.sleep(0.2)

    def texts(self) -> list[str]:
        return [each.text for each in self.events if isinstance(each, TextRead)]

    def up(self) -> bool:
        links = [each for each in self.events if isinstance(each, LinkState)]
        return bool(links and links[-1].up)

    def close(self) -> None:
        self.stop.set()
        self._thread.join()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CameraSite, RecorderProcess]]:
    rtsp = CameraSite("/gate", "/plain")
    cameras = [
        wired("gate", rtsp.url("/gate"), qr=CodeReader(reader="gate-qr", region=(0.4, 0, 0.6, 0.9))),
        wired("plain", rtsp.url("/plain")),
        wired("odd", rtsp.url("/plain"), qr=CodeReader(reader="odd-qr", source="rtsp://127.0.0.1:99999/x")),
    ]
    recorder = RecorderProcess(tmp_path_factory.mktemp("codes"), cameras)
    yield rtsp, recorder
    recorder.close()
    rtsp.kill()


@pytest.fixture
def heard(site: tuple[CameraSite, RecorderProcess]) -> Iterator[Heard]:
    ears = Heard(site[1].port)
    eventually(ears.up)
    yield ears
    site[0].show("/gate", None)
    ears.close()


def worker(recorder: RecorderProcess) -> psutil.Process:
    children = psutil.Process(recorder.process.pid).children()
    return next(child for child in children if "camera.qr_worker" in words(child))


def test_a_code_before_the_camera_reaches_the_driver_once(
    site: tuple[CameraSite, RecorderProcess], heard: Heard, tmp_path: Path
) -> None:
    site[0].show("/gate", code_picture(tmp_path / "a.pgm", TEXT))
    eventually(heard.texts)
    read = next(each for each in heard.events if isinstance(each, TextRead))
    assert (read.reader, read.text, read.seen.stale) == ("gate-qr", TEXT, False)
    assert read.seen.epoch == 1
    time.sleep(6)
    assert heard.texts() == [TEXT]
    site[0].show("/gate", code_picture(tmp_path / "b.pgm", TEXT.replace("7", "8")))
    eventually(lambda: len(heard.texts()) == 2)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_decoder_that_dies_or_hangs_is_replaced_and_the_recording_goes_on(
    site: tuple[CameraSite, RecorderProcess], heard: Heard, tmp_path: Path, number: signal.Signals
) -> None:
    rtsp, recorder = site
    eventually(lambda: recorder.state("gate") == "recording")
    recording, first = recorder.ffmpegs(), worker(recorder).pid
    os.kill(first, number)
    eventually(lambda: not heard.up())
    eventually(heard.up)
    assert worker(recorder).pid != first
    assert recorder.ffmpegs() == recording
    assert not [gap for gap in recorder.timeline("gate")["gaps"] if gap["to"] is None]
    rtsp.show("/gate", code_picture(tmp_path / f"{number}.pgm", f"{TEXT}{number:d}"))
    eventually(lambda: f"{TEXT}{number:d}" in heard.texts())


def test_the_password_stands_in_no_argument_list(site: tuple[CameraSite, RecorderProcess]) -> None:
    everyone = psutil.Process(site[1].process.pid).children(recursive=True)
    assert not [child for child in everyone if any("rtsp://" in word for word in words(child))]


@pytest.mark.parametrize("camera", ["plain", "odd", "nobody"])
def test_a_camera_that_reads_no_codes_says_so(site: tuple[CameraSite, RecorderProcess], camera: str) -> None:
    answer = site[1].http.get(f"/cameras/{camera}/codes")
    assert answer.status_code == 404
    driver = QrCameraDriver("x", camera, "127.0.0.1", site[1].port, TOKEN, [].append)
    with pytest.raises(LinkLost, match="404"):
        driver.run(threading.Event())

"""The reader of our own tests in virtual time, held against libosdp's panel: what it teaches ours is the standard's."""

import os
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator

import pytest

from controllers.driver import CardRead, LinkState
from controllers.osdp_frame import Decoder, Frame, decode, encode
from controllers.osdp_message import Code, OutputCode, Reply, output
from tests.controllers.line import KEY
from tests.controllers.virtual import VirtualLine, VirtualReader

CARD = (Reply.RAW, bytes.fromhex("00011a00bd88eb80"))
READY_S, ANSWER_S = 20.0, 10.0


class Served:
    """A virtual reader on a real terminal."""

    def __init__(self) -> None:
        self.reader = VirtualReader(1)
        self._near, far = os.openpty()
        tty.setraw(far)
        self.port, self._far = os.ttyname(far), far
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        os.set_blocking(self._near, False)
        decoder = Decoder()
        while not self._stop.is_set():
            try:
                said = os.read(self._near, 4096)
            except BlockingIOError:
                self._stop.wait(0.001)
                continue
            for frame in decoder.feed(said):
                if answer := self.reader.answer(frame, time.monotonic()):
                    os.write(self._near, answer)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5)
        os.close(self._near)
        os.close(self._far)


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.close()


def test_libosdps_panel_opens_a_channel_reads_a_card_and_commands_the_virtual_reader(served: Served) -> None:
    command = [sys.executable, "-m", "tests.bench.osdp_host", "libosdp", served.port, "115200", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as panel:
        assert panel.stdout
        try:
            watch = threading.Timer(READY_S, panel.kill)
            watch.start()
            while (line := panel.stdout.readline()).strip() != "ready":
                assert line, "the panel never opened a channel"
            watch.cancel()
            served.reader.events.append(CARD)
            end = time.monotonic() + ANSWER_S
            while not any(code == Code.OUT for _, code, _ in served.reader.heard):
                assert time.monotonic() < end, "the panel did not command the output"
                time.sleep(0.01)
        finally:
            panel.kill()
    [told] = [data for _, code, data in served.reader.heard if code == Code.OUT]
    assert told == output(0, OutputCode.TIMED_ON, 30)  # a byte layout that libosdp wrote
    assert served.reader.key == KEY


def test_a_reader_that_answers_with_a_checksum_is_heard() -> None:
    """SIA OSDP v2.2 clause 5.9: either check may stand behind a frame; ours are CRCs."""
    reader = VirtualReader(1)
    line = VirtualLine([reader])
    sums: list[bytes] = []

    def summed(answer: bytes) -> list[bytes]:
        frame = decode(answer)
        if frame.has_mac:  # its MAC was made over the header with the CRC's bit
            return [answer]
        sums.append(encode(Frame(frame.address, frame.sequence, frame.code, frame.data, frame.security, True, False)))
        return [sums[-1]]

    line.hurt = summed
    line.run(1)
    assert sums
    assert any(isinstance(event, LinkState) and event.up for event in line.events)
    reader.events.append(CARD)
    line.run(0.2)
    assert [event for event in line.events if isinstance(event, CardRead)]

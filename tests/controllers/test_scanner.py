"""The line scanner: its protocol by itself, and its driver over a pseudo-terminal."""

import os
import threading
import time
import tty
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.driver import LinkState, Result, TextRead
from controllers.errors import LinkLost
from controllers.scanner import LineDecoder
from controllers.serial_port import ScannerDriver
from tests.controllers.line import Ear, outcome, pulse, running

texts = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=512)


@given(st.lists(texts, max_size=5), st.sampled_from([b"\r", b"\n", b"\r\n", b"\n\r"]), st.integers(1, 600))
def test_lines_come_whole_in_any_pieces(lines: list[str], end: bytes, step: int) -> None:
    stream = b"".join(line.encode() + end for line in lines)
    decoder = LineDecoder()
    found = [text for at in range(0, len(stream), step) for text in decoder.feed(stream[at : at + step], 1.0)]
    assert found == lines
    assert decoder.dropped == 0


@given(st.lists(st.tuples(st.binary(max_size=700), st.floats(0, 1)), max_size=10))
def test_any_bytes_are_taken_and_only_sound_lines_given(pieces: list[tuple[bytes, float]]) -> None:
    decoder, now = LineDecoder(), 1.0
    for data, pause_s in pieces:
        now += pause_s
        for text in decoder.feed(data, now):
            assert 0 < len(text) <= 512
            assert text.isascii()
            assert text.isprintable()
        assert len(decoder._line) <= 512


@pytest.mark.parametrize("coding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("plate", ["京A·12345", "鲁AD12345", "使014·578", "粤Z1234港", "ＡＢ１２３４"])
def test_number_plates_come_in_either_coding(coding: str, plate: str) -> None:
    decoder = LineDecoder(plates=True)
    assert list(decoder.feed(plate.encode(coding) + b"\r\n", 1.0)) == [plate]


def test_a_line_that_is_no_text_in_either_coding_is_dropped_where_plates_are_read() -> None:
    decoder = LineDecoder(plates=True)
    assert list(decoder.feed(b"\xff\xfeA12345\r\n\x01A12345\rA12345\n", 1.0)) == ["A12345"]
    assert decoder.dropped == 2


def test_a_torn_line_is_dropped_and_the_next_one_heard() -> None:
    decoder = LineDecoder()
    assert list(decoder.feed(b"half a li", 1.0)) == []
    assert list(decoder.feed(b"whole\r\n", 1.3)) == ["whole"]
    assert decoder.dropped == 1


@pytest.mark.parametrize("bad", [b"\x00", "门".encode(), b"\x1b[2J", b"x" * 513])
def test_a_line_that_is_not_printable_or_too_long_is_dropped_whole(bad: bytes) -> None:
    decoder = LineDecoder()
    assert list(decoder.feed(b"a" + bad + b"b\rgood\r", 1.0)) == ["good"]
    assert decoder.dropped == 1


class Scanner:
    """A scanner's end of a pseudo-terminal."""

    def __init__(self) -> None:
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._open = True

    def say(self, data: bytes) -> None:
        os.write(self.master, data)

    def unplug(self) -> None:
        if self._open:
            self._open = False
            os.close(self._slave)
            os.close(self.master)


@pytest.fixture
def scanner() -> Iterator[Scanner]:
    made = Scanner()
    yield made
    made.unplug()


def test_a_code_is_read_byte_by_byte_or_at_once(scanner: Scanner) -> None:
    ear = Ear()
    with running(ScannerDriver("scan", scanner.port, 9600, ear)):
        assert ear.wait(LinkState).up
        scanner.say(b"MJ1:ABC\r\n")
        read = ear.wait(TextRead)
        assert (read.reader, read.text, read.seen.stale) == ("scan", "MJ1:ABC", False)
        for byte in b"MJ1:XYZ\r":
            scanner.say(bytes((byte,)))
            time.sleep(0.002)
        assert ear.wait(TextRead).text == "MJ1:XYZ"


def test_an_unplugged_scanner_is_a_lost_link(scanner: Scanner) -> None:
    ear = Ear()
    driver = ScannerDriver("scan", scanner.port, 9600, ear)
    failed: list[LinkLost] = []

    def serve() -> None:
        try:
            driver.run(threading.Event())
        except LinkLost as error:
            failed.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    assert ear.wait(LinkState).up
    scanner.unplug()
    thread.join(3)
    assert failed
    assert not ear.wait(LinkState).up


def test_a_port_that_is_not_there_is_a_lost_link() -> None:
    ear = Ear()
    with pytest.raises(LinkLost):
        ScannerDriver("scan", "/dev/no-such-port", 9600, ear).run(threading.Event())
    assert not ear.wait(LinkState).up


def test_a_scanner_refuses_commands() -> None:
    ear = Ear()
    command = pulse("scan")
    ScannerDriver("scan", "/dev/no-such-port", 9600, ear).submit(command)
    assert outcome(ear, command).result is Result.REFUSED


def test_a_stopped_driver_ends_at_once(scanner: Scanner) -> None:
    ear = Ear()
    with running(ScannerDriver("scan", scanner.port, 9600, ear)) as stop:
        ear.wait(LinkState)
        began = time.monotonic()
        stop.set()
        assert not ear.wait(LinkState).up
        assert time.monotonic() - began < 10

"""Texts, addresses, files, biometrics, keypads, refusals, the line's quality, captures and discovery."""

import random
import time
from collections import deque
from copy import copy
from typing import TypeVar, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.driver import (
    DeviceEvent,
    FeedbackCommand,
    InputState,
    KeyRead,
    LinkState,
    LocalState,
    Outcome,
    Result,
    Signal,
    TextRead,
    UnsupportedRead,
)
from controllers.errors import ProtocolViolation
from controllers.osdp_bus import OsdpReader
from controllers.osdp_command import AddressCommand, FileCommand, TextCommand
from controllers.osdp_driver import OsdpBusDriver
from controllers.osdp_file import FileTransfer, read_file_status
from controllers.osdp_message import Code, Nak, Reply
from controllers.osdp_quality import Counters, measure
from tests.controllers.line import KEY, Ear, outcome, peripherals, pulse, running
from tests.controllers.virtual import CAPABILITIES, VirtualLine, VirtualReader

Event = TypeVar("Event", bound=DeviceEvent)
DISPLAY = CAPABILITIES + bytes((6, 1, 1))


def made(tells: bytes = DISPLAY, naks: dict[int, int] | None = None) -> VirtualLine:
    line = VirtualLine([VirtualReader(1, tells=tells, naks=naks or {})])
    line.run(1)
    return line


def events(line: VirtualLine, kind: type[Event]) -> list[Event]:
    return cast("list[Event]", line.all(kind))


def heard(line: VirtualLine, code: Code) -> list[bytes]:
    return [data for _, said, data in line.readers[0].heard if said == code]


def ended(line: VirtualLine) -> dict[str, tuple[Result, str]]:
    return {outcome.command_id: (outcome.result, outcome.detail) for outcome in events(line, Outcome)}


def test_a_text_goes_to_a_display_alone() -> None:
    line = made()
    line.bus.submit(TextCommand("t", "r1", "Welcome", line.now + 1, 5), line.now)
    line.run(0.5)
    assert heard(line, Code.TEXT) == [bytes((0, 3, 5, 1, 1, 7)) + b"Welcome"]
    assert ended(line)["t"][0] is Result.DONE
    blind = made(CAPABILITIES)
    blind.bus.submit(TextCommand("t", "r1", "Welcome", blind.now + 1), blind.now)
    blind.run(0.5)
    assert ended(blind)["t"] == (Result.REFUSED, "no display")
    assert not heard(blind, Code.TEXT)


@pytest.mark.parametrize("command", [("欢迎",), ("a" * 33,), ("a\n",), ("a", 256), ("a", 1, 300)])
def test_a_text_that_no_display_can_show_is_refused(command: tuple[object, ...]) -> None:
    line = made()
    text, *numbers = command
    line.bus.submit(TextCommand("t", "r1", cast("str", text), line.now + 1, *cast("list[int]", numbers)), line.now)
    line.run(0.5)
    assert ended(line)["t"][0] is Result.REFUSED
    assert not heard(line, Code.TEXT)


def test_nothing_is_commanded_before_the_device_told_what_it_can_do() -> None:
    line = VirtualLine([VirtualReader(1)])
    command = pulse("r1", within_s=0)
    line.bus.submit(type(command)("c", "r1", 7, command.action, line.now + 5, 500), line.now)
    line.bus.submit(FeedbackCommand("f", "r1", Signal.DENIED, line.now + 5), line.now)
    line.run(2)
    assert ended(line)["c"] == (Result.REFUSED, "no output 7")
    assert ended(line)["f"][0] is Result.DONE
    codes = [frame.code for _, frame in line.sent]
    assert codes.index(Code.CAP) < codes.index(Code.LED)


def test_an_address_and_a_baud_rate_are_set() -> None:
    line = made()
    line.bus.submit(AddressCommand("a", "r1", 5, 38400, line.now + 1), line.now)
    line.bus.submit(AddressCommand("b", "r1", 127, 38400, line.now + 1), line.now)
    line.bus.submit(AddressCommand("c", "r1", 5, 1234, line.now + 1), line.now)
    line.run(0.5)
    assert {name: result for name, (result, _) in ended(line).items()} == {
        "a": Result.DONE,
        "b": Result.REFUSED,
        "c": Result.REFUSED,
    }


def test_a_question_that_the_device_does_not_know_is_asked_once() -> None:
    line = made(naks={Code.LSTAT: Nak.UNKNOWN_COMMAND})
    line.run(35)
    assert len([frame for _, frame in line.sent if frame.code == Code.LSTAT and frame.has_mac]) == 1
    assert len([frame for _, frame in line.sent if frame.code == Code.ISTAT]) > 3
    assert len(events(line, LinkState)) == 1


@pytest.mark.parametrize("code", [Reply.BIOREADR, Reply.BIOMATCHR])
def test_biometrics_are_told_as_unsupported_and_not_what_they_hold(code: Reply) -> None:
    line = made()
    line.readers[0].events.append((code, b"\0\1\2\3finger"))
    line.run(0.5)
    assert [(read.reader, read.what) for read in events(line, UnsupportedRead)] == [("r1", "biometric")]


def test_keys_are_read() -> None:
    line = made()
    line.readers[0].events.append((Reply.KEYPAD, b"\0\x051234\x0d"))
    line.run(0.5)
    assert [read.keys for read in events(line, KeyRead)] == ["1234#"]


def test_formatted_cards_are_read_as_text_and_what_is_no_text_is_not() -> None:
    line = made()
    line.readers[0].events += [
        (Reply.FMT, b"\0\0\x0812345678"),
        (Reply.FMT, b"\0\0\3a\x1bb"),
        (Reply.FMT, b"\0\0\x09abc"),
    ]
    line.run(0.5)
    assert [(read.reader, read.text, read.seen.stale) for read in events(line, TextRead)] == [("r1", "12345678", False)]


def test_tamper_power_and_inputs_are_told_when_they_change_and_not_again() -> None:
    line = made()
    line.events.clear()
    told = [(Reply.LSTATR, b"\1\0"), (Reply.LSTATR, b"\1\0"), (Reply.LSTATR, b"\1\1"), (Reply.ISTATR, b"\1\0")]
    line.readers[0].events += told
    line.run(0.5)
    assert [(local.tamper, local.power_fault) for local in events(line, LocalState)] == [(True, False), (True, True)]
    assert [state.active for state in events(line, InputState)] == [(True, False)]


@pytest.mark.parametrize("took", [(7, 9600), (1, 115200)])
def test_a_reader_that_chooses_another_address_or_rate_is_believed(took: tuple[int, int]) -> None:
    line = made()
    line.readers[0].chooses = took
    line.bus.submit(AddressCommand("a", "r1", 7, 115200, line.now + 2), line.now)
    line.run(1)
    assert ended(line)["a"] == (Result.REFUSED, f"the reader chose address {took[0]} and {took[1]} baud")


# --- files ----------------------------------------------------------------------------------------------------------


def status(code: int = 0, pause_ms: int = 0, most: int = 0, control: int = 1) -> bytes:
    code &= 0xFFFF
    return bytes((control, pause_ms & 0xFF, pause_ms >> 8, code & 0xFF, code >> 8, most & 0xFF, most >> 8))


def sent_file(line: VirtualLine) -> bytes:
    """What the device put together from the fragments, each at its offset."""
    content = bytearray()
    for data in heard(line, Code.FILETRANSFER):
        at, length = int.from_bytes(data[5:9], "little"), int.from_bytes(data[9:11], "little")
        assert len(data) == 11 + length
        content[at : at + length] = data[11:]
    return bytes(content)


def test_a_file_arrives_whole_in_pieces_and_polls_go_on() -> None:
    line, content, steps = made(DISPLAY + bytes((10, 256 - 56, 0))), random.Random(1).randbytes(3000), []
    line.readers[0].file_answers = deque([status(pause_ms=20)] * 40)
    command = FileCommand("f", "r1", content, line.now + 30, 1, lambda sent, size: steps.append((sent, size)))
    line.bus.submit(command, line.now)
    line.run(10)
    assert ended(line)["f"][0] is Result.DONE
    assert sent_file(line) == content
    assert steps[-1] == (3000, 3000)
    codes = [frame.code for _, frame in line.sent]
    first = codes.index(Code.FILETRANSFER)
    assert Code.POLL in codes[first : first + 3]


def test_a_device_asks_for_silence_smaller_pieces_and_time_to_finish() -> None:
    line, content = made(), bytes(range(200))
    answers = [status(control=0), status(most=62), *[status()] * 9, status(3), status(3), status(1)]
    line.readers[0].file_answers = deque(answers)
    line.bus.submit(FileCommand("f", "r1", content, line.now + 30), line.now)
    line.run(10)
    assert sent_file(line)[:100] == content[:100]
    lengths = [int.from_bytes(data[9:11], "little") for data in heard(line, Code.FILETRANSFER)]
    assert lengths[0] == 82
    assert lengths[2] == 16
    codes = [frame.code for _, frame in line.sent]
    first = codes.index(Code.FILETRANSFER)
    assert codes[first + 1] == Code.FILETRANSFER


@pytest.mark.parametrize(("answer", "words"), [(-1, "aborted"), (-2, "not recognised"), (-3, "malformed"), (-9, "-9")])
def test_a_file_that_the_device_refuses_ends_with_its_reason(answer: int, words: str) -> None:
    line = made()
    line.readers[0].file_answers = deque([status(answer)])
    line.bus.submit(FileCommand("f", "r1", bytes(500), line.now + 30), line.now)
    line.run(2)
    result, detail = ended(line)["f"]
    assert result is Result.REFUSED
    assert words in detail


def test_libosdps_reader_takes_a_file_a_text_and_a_new_address() -> None:
    ear, content, steps = Ear(), random.Random(2).randbytes(1500), list[int]()
    with peripherals({"address": 1, "scbk": KEY.hex()}) as (peer, port):
        driver = OsdpBusDriver("bus", port, 115200, [OsdpReader("r1", 1, KEY)], ear)
        with running(driver):
            ear.wait(LinkState, lambda event: event.up)
            now = time.monotonic()
            driver.submit(FileCommand("f", "r1", content, now + 20, 1, lambda sent, _size: steps.append(sent)))
            assert outcome(ear, pulse("r1", "f"), 20).result is Result.DONE
            assert bytes.fromhex(peer.expect("file")["file"]) == content
            assert len(steps) > 5
            driver.submit(TextCommand("t", "r1", "Hello", time.monotonic() + 2, 3))
            assert outcome(ear, pulse("r1", "t")).result is Result.DONE
            assert peer.expect("command", "text")["temp_time"] == 3
            driver.submit(AddressCommand("a", "r1", 7, 115200, time.monotonic() + 2))
            assert outcome(ear, pulse("r1", "a")).result is Result.DONE
            assert peer.expect("command", "comset")["address"] == 7


@given(st.binary(max_size=40), st.integers(0, 255))
def test_any_answer_to_a_fragment_is_read_or_ends_the_transfer(data: bytes, code: int) -> None:
    transfer = FileTransfer(FileCommand("f", "r1", bytes(100), 0.0))
    transfer.step()
    follow = transfer.follow(code, data)
    assert follow.step is None or len(follow.step[1]) <= 11 + 512
    with pytest.raises(ProtocolViolation):
        read_file_status(bytes(6))


# --- the line -------------------------------------------------------------------------------------------------------


def test_a_line_test_tells_errors_and_repeats_of_each_device() -> None:
    line = VirtualLine([VirtualReader(1), VirtualReader(2), VirtualReader(3)])
    line.run(2)
    chance = random.Random(4)
    line.hurt = lambda answer: [] if answer[1] & 0x7F == 2 and chance.random() < 0.05 else [answer]
    line.readers[2].cut = True
    line.run(1)
    told = measure(lambda: {name: _copied(line, name) for name in ("r1", "r2", "r3")}, line.run, 10)
    assert (told["r1"].verdict, told["r1"].error_rate, told["r1"].repeated) == ("good", 0.0, 0)
    assert told["r2"].verdict == "bad"
    assert 0.02 < told["r2"].error_rate < 0.1
    assert told["r2"].repeated >= told["r2"].silent - 2 > 5
    assert told["r3"].verdict == "dead"
    assert told["r1"].sent > 300


def _copied(line: VirtualLine, name: str) -> Counters:
    return copy(line.bus.device(name).counters)

"""Vguang's TLV frames and sessions, and polled readers, without a wire."""

import json
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.driver import CardRead, DeviceEvent, InputState, LinkState, Outcome, Result, TextRead
from controllers.errors import BadSetup
from controllers.poll_aa import PolledReader, PollSession, answer, question
from controllers.serial_echo import Echo
from controllers.session import Moment
from controllers.vguang import Decoder, Reply, VguangSession, encode
from tests.controllers.witness import lock

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "serial_frames.json").read_text()
)


def at(mono_s: float, epoch: int = 1) -> Moment:
    return Moment(mono_s, 1_800_000_000 + mono_s, epoch)


def sealed(head: bytes) -> bytes:
    return head + bytes([reduce(xor, head)])


def result(text: bytes) -> bytes:
    return sealed(b"\x55\xaa\x30\x00" + len(text).to_bytes(2, "little") + text)


@pytest.mark.parametrize("row", VECTORS["vguang_reply"])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_published_reply_is_understood(row: dict[str, Any], size: int) -> None:
    frame, decoder = bytes.fromhex(row["frame"]), Decoder()
    found = [each for i in range(0, len(frame), size) for each in decoder.feed(frame[i : i + size], i / 1000)]
    assert found == [Reply(row["command"], row["status"], bytes.fromhex(row["data"]))]


@pytest.mark.parametrize("row", VECTORS["vguang_command"])
def test_a_published_command_is_sent(row: dict[str, Any]) -> None:
    assert encode(row["command"], bytes.fromhex(row["data"])) == bytes.fromhex(row["frame"])


def test_a_published_result_gives_its_text() -> None:
    row = VECTORS["vguang_result"][0]
    session = VguangSession("gate")
    list(session.start(at(0)))
    events = list(session.received(sealed(bytes.fromhex(row["head"]) + row["text"].encode()), at(0.1)))
    assert [event.text for event in events if isinstance(event, TextRead)] == [row["text"]]


@given(noise=st.binary(max_size=30), text=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_a_frame_is_found_after_noise_that_has_ended(noise: bytes, text: str) -> None:
    decoder = Decoder()
    list(decoder.feed(noise, 0.0))
    assert [each.data for each in decoder.feed(result(text.encode()), 1.0)] == [text.encode()]


@given(at_byte=st.integers(0, 20), bit=st.integers(0, 7))
def test_one_wrong_bit_gives_no_text(at_byte: int, bit: int) -> None:
    frame = bytearray(result(b"MJ1:0123456789"))
    frame[at_byte] ^= 1 << bit
    assert not [each for each in Decoder().feed(bytes(frame), 0.0) if each.data == b"MJ1:0123456789" or each.data]


@given(pieces=st.lists(st.tuples(st.binary(max_size=600), st.floats(0, 0.5)), max_size=20))
def test_no_bytes_raise_or_fill_the_memory(pieces: list[tuple[bytes, float]]) -> None:
    session, mono_s = VguangSession("gate", contact=True), 0.0
    list(session.start(at(0)))
    for piece, pause_s in pieces:
        mono_s += pause_s
        list(session.received(piece, at(mono_s)))
        list(session.tick(at(mono_s)))
        assert len(session._decoder._buffer) <= 519


@pytest.mark.parametrize("text", [b"\x00\x01", b"\xe4\xbd\xa0", b"a\nb", b""])
def test_a_text_that_is_not_printable_is_dropped(text: bytes) -> None:
    session = VguangSession("gate")
    list(session.start(at(0)))
    assert not [each for each in session.received(result(text), at(0.1)) if isinstance(each, TextRead)]


def test_a_door_sensor_is_told_when_it_changes_and_at_each_connection() -> None:
    session = VguangSession("gate", contact=True)

    def levels(level: int, mono_s: float) -> list[tuple[bool, ...]]:
        frame = sealed(b"\x55\xaa\x09\x00\x01\x00" + bytes([level]))
        return [each.active for each in session.received(frame, at(mono_s)) if isinstance(each, InputState)]

    list(session.start(at(0)))
    assert [levels(0, 0.1), levels(0, 0.2), levels(1, 0.3), levels(1, 0.4)] == [[(False,)], [], [(True,)], []]
    list(session.start(at(9)))
    assert levels(1, 9.1) == [(True,)]


def test_a_late_answer_never_ends_the_next_command() -> None:
    session = VguangSession("gate")
    list(session.start(at(0)))
    relay_done = sealed(b"\x55\xaa\x2a\x00\x00\x00")
    list(session.received(relay_done, at(0.1)))
    first, second = lock("gate"), lock("gate")
    limit = first.deadline_mono_s
    assert list(session.command(first, at(limit - 1)))
    ends: list[DeviceEvent | bytes] = [*session.tick(at(limit)), *session.command(second, at(limit + 0.1))]
    outcomes = {each.command_id: each.result for each in ends if isinstance(each, Outcome)}
    assert outcomes == {first.command_id: Result.UNKNOWN, second.command_id: Result.EXPIRED}
    assert not [each for each in session.received(relay_done, at(limit + 0.2)) if isinstance(each, Outcome)]


def test_a_published_poll_is_asked_and_answered() -> None:
    row = VECTORS["poll_aa"][0]
    assert question(row["address"]) == bytes.fromhex(row["question"])
    assert answer(bytes.fromhex(row["frame"]), row["format"]).bits == row["card"]


def test_an_adapter_that_echoes_is_seen_through() -> None:
    row, session, echo = VECTORS["poll_aa"][0], PollSession([PolledReader("gate", 1)]), Echo()
    for action in session.start(at(0)):
        if isinstance(action, bytes):
            echo.sent(action, 0)
    line = bytes.fromhex(row["question"]) + bytes.fromhex(row["frame"])
    heard = [echo.heard(bytes([byte]), 0.01) for byte in line]
    cards = [each for said in heard for each in session.received(said, at(0.01)) if isinstance(each, CardRead)]
    assert [card.bits for card in cards] == [row["card"]]


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=6), st.binary(max_size=40), st.booleans())
def test_what_is_no_echo_comes_out_whole(sent: list[bytes], said: bytes, echoed: bool) -> None:
    """Byte by byte; an answer that begins as the question did is held until it differs, or for a while."""
    echo, out = Echo(), b""
    for question_ in sent:
        echo.sent(question_, 0.0)
        for byte in question_ if echoed else b"":
            assert not echo.heard(bytes([byte]), 0.0)
    for byte in said:
        out += echo.heard(bytes([byte]), 0.0)
    out += echo.heard(b"", 1.0)
    if echoed or not sent or not said.startswith(sent[-1]):
        assert out == said
    else:
        assert out == said[len(sent[-1]) :], "it is the echo"


def test_an_answer_outside_its_window_belongs_to_nobody() -> None:
    row = VECTORS["poll_aa"][0]
    session = PollSession([PolledReader("a", 1), PolledReader("b", 2)], window_s=0.06, every_s=0.2)
    list(session.start(at(0)))
    assert not list(session.received(bytes.fromhex(row["frame"]), at(0.1)))
    assert session.dropped == 1


def test_half_an_answer_is_forgotten_when_the_next_is_asked() -> None:
    frame, session = bytes.fromhex(VECTORS["poll_aa"][0]["frame"]), PollSession([PolledReader("a", 1)])
    events = list(session.start(at(0)))
    list(session.received(frame[:5], at(0.01)))
    assert list(session.tick(at(0.1)))
    assert not list(session.received(frame[5:], at(0.11)))
    assert isinstance(events[0], LinkState)


@given(pieces=st.lists(st.binary(max_size=64), max_size=30))
def test_noise_on_a_polled_line_gives_no_exception_and_no_memory(pieces: list[bytes]) -> None:
    session = PollSession([PolledReader("a", 1), PolledReader("b", 2)])
    list(session.start(at(0)))
    for number, piece in enumerate(pieces):
        list(session.received(piece, at(number * 0.02)))
        list(session.tick(at(number * 0.02)))
        assert len(session._buffer) <= 64


@given(at_byte=st.integers(0, 7), bit=st.integers(0, 7))
def test_one_wrong_bit_in_an_answer_gives_no_card(at_byte: int, bit: int) -> None:
    frame = bytearray.fromhex(VECTORS["poll_aa"][0]["frame"])
    frame[at_byte] ^= 1 << bit
    session = PollSession([PolledReader("a", 1)])
    list(session.start(at(0)))
    assert not list(session.received(bytes(frame), at(0.01)))


def test_addresses_that_cannot_be_are_refused() -> None:
    for readers in ([], [PolledReader("a", 70_000)], [PolledReader("a", 1, "nonsense")]):
        with pytest.raises(BadSetup):
            PollSession(readers)

"""ID-card readers: the number's hash comes out, and nothing else of the person."""

import hashlib
import hmac
import json
import time
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.driver import DeviceRecord, IdCardRead, LinkState, Result
from controllers.errors import ProtocolViolation
from controllers.idcard import READ, Decoder, IdCardDriver, IdCardSession, encode, number_of
from controllers.idnumber import is_id_number
from controllers.session import Moment
from simulators.diary import Diary
from simulators.idcard_sam import PHOTO, Module, frame, text_of
from simulators.line import Line
from tests.controllers.witness import Witness, lock, running
from tests.telling import told

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent.parent / "vectors" / "serial_frames.json").read_text())
GOOD: list[str] = VECTORS["id_numbers"]["good"]
NUMBER = GOOD[0]


def key(number: str) -> bytes:
    return hmac.digest(b"site key", number.encode(), hashlib.sha256)[:16]


def at(mono_s: float) -> Moment:
    return Moment(mono_s, 1_800_000_000 + mono_s, 1)


def card(number: str, birth: str | None = None) -> bytes:
    return b"\x01\x00\x04\x00" + text_of({"name": "张三", "birth": birth or number[6:14], "number": number}) + PHOTO


@pytest.mark.parametrize("number", GOOD)
def test_a_published_number_is_good_and_no_neighbour_of_it_is(number: str) -> None:
    assert is_id_number(number)
    for place in range(17):
        wrong = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
        assert not is_id_number(wrong)


@pytest.mark.parametrize(
    "text", ["", "11010519491231002x", "11010519490231002X", "1" * 18, "１" * 18, "1101051949123100２X"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    assert not is_id_number(text)


@given(st.text(max_size=20))
def test_any_text_is_judged_without_an_exception(text: str) -> None:
    assert is_id_number(text) in (True, False)


@pytest.mark.parametrize("row", VECTORS["sam_command"])
def test_a_published_command_is_sent(row: dict[str, str]) -> None:
    assert encode(bytes.fromhex(row["command"])) == bytes.fromhex(row["frame"])


@pytest.mark.parametrize("row", VECTORS["sam_answer"])
@pytest.mark.parametrize("size", [1, 4, 100])
def test_a_published_answer_is_understood(row: dict[str, Any], size: int) -> None:
    data, decoder = bytes.fromhex(row["frame"]), Decoder()
    (found,) = [each for i in range(0, len(data), size) for each in decoder.feed(data[i : i + size], i / 1000)]
    assert (found.status, len(found.data)) == (row["status"], row["data_bytes"])


def test_the_number_is_cut_out_and_checked() -> None:
    assert number_of(card(NUMBER)) == NUMBER
    assert number_of(card(NUMBER.lower(), NUMBER[6:14])) == NUMBER
    for wrong in (card(NUMBER[:-1] + "1"), card(NUMBER, "19500101"), card("0" * 18), b"", bytes(1284)):
        with pytest.raises(ProtocolViolation) as caught:
            number_of(wrong)
        assert NUMBER not in str(caught.value)


@given(pieces=st.lists(st.tuples(st.binary(max_size=3000), st.floats(0, 1)), max_size=10))
def test_no_bytes_raise_or_fill_the_memory(pieces: list[tuple[bytes, float]]) -> None:
    session, mono_s = IdCardSession("desk", key), 0.0
    list(session.start(at(0)))
    for piece, pause_s in pieces:
        mono_s += pause_s
        assert not [each for each in session.received(piece, at(mono_s)) if isinstance(each, IdCardRead)]
        list(session.tick(at(mono_s)))
        assert len(session._decoder._buffer) <= 3007


@given(at_byte=st.integers(0, 1294), bit=st.integers(0, 7))
def test_one_wrong_bit_in_a_card_gives_no_number(at_byte: int, bit: int) -> None:
    data = bytearray(frame(b"\x00\x00\x90" + card(NUMBER)))
    assert len(data) == 1295
    data[at_byte] ^= 1 << bit
    for answer in Decoder().feed(bytes(data), 0.0):
        with pytest.raises(ProtocolViolation):
            number_of(answer.data)


def test_a_card_that_nobody_asked_for_is_dropped() -> None:
    session = IdCardSession("desk", key)
    list(session.start(at(0)))
    recorded = frame(b"\x00\x00\x90" + card(NUMBER))
    for second in range(5):  # replayed at the status, find and select steps, and between them
        assert not [each for each in session.received(recorded, at(second)) if isinstance(each, IdCardRead)]


@pytest.fixture
def module(tmp_path: Path) -> tuple[Module, IdCardDriver, Witness]:
    line = Line(tmp_path / "idcard")
    module, witness = Module(line, Diary()), Witness()
    Thread(target=module.serve, daemon=True).start()
    return module, IdCardDriver("desk", str(line.path), 115200, key, witness), witness


def test_a_card_is_read_once_and_only_its_hash_comes_out(module: tuple[Module, IdCardDriver, Witness]) -> None:
    peer, driver, witness = module
    with running(driver):
        witness.expect(LinkState, lambda state: state.up)
        peer.place({"number": NUMBER, "name": "王小明", "address": "幸福路1号"})
        assert witness.expect(IdCardRead).key == key(NUMBER)
        time.sleep(0.8)
        assert len(witness.all(IdCardRead)) == 1
        peer.lift({})
        peer.place({"number": GOOD[1]})
        assert witness.expect(IdCardRead, lambda read: read.key == key(GOOD[1]))
    told = repr(witness.events) + repr(vars(driver)) + repr(vars(driver._session))
    for secret in (NUMBER, GOOD[1], "王小明", "幸福路"):
        assert secret not in told
        assert secret.encode("utf-16-le").hex() not in told.encode().hex()


def test_a_bad_number_is_noted_without_the_number(module: tuple[Module, IdCardDriver, Witness]) -> None:
    peer, driver, witness = module
    with running(driver):
        witness.expect(LinkState, lambda state: state.up)
        number = "110105194912310020"
        peer.place({"number": number})
        record = witness.expect(DeviceRecord)
    assert not record.granted
    assert not told("1949", repr(record))
    assert not any(number[at : at + 8] in repr(record) for at in range(len(number) - 7)), "nor a part of it"


def test_a_module_that_is_not_authorised_is_off_line_until_it_is(module: tuple[Module, IdCardDriver, Witness]) -> None:
    peer, driver, witness = module
    peer.fault({"status": 0x66})
    with running(driver):
        assert witness.expect(LinkState).reason == "SAM module not authorised"
        refused = lock("desk")
        driver.submit(refused)
        assert witness.outcome(refused).result is Result.REFUSED
        peer.fault({"status": 0})
        witness.expect(LinkState, lambda state: state.up)
        peer.place({"number": NUMBER})
        witness.expect(IdCardRead)
        peer.fault({"status": 0x60})
        witness.expect(LinkState, lambda state: state.reason == "self-test failed")


def test_the_read_step_is_reached_by_the_published_frames_alone() -> None:
    session = IdCardSession("desk", key)
    sent = list(session.start(at(0)))
    for row in (VECTORS["sam_answer"][0], VECTORS["sam_answer"][2]):
        if row["status"] == 0x9F:
            list(session.received(frame(b"\x00\x00\x90"), at(0.1)))
            sent += list(session.tick(at(0.5)))
        sent += list(session.received(bytes.fromhex(row["frame"]), at(0.6)))
    assert encode(READ) in sent
    events = list(session.received(frame(b"\x00\x00\x90" + card(NUMBER)), at(0.9)))
    assert [each.key for each in events if isinstance(each, IdCardRead)] == [key(NUMBER)]

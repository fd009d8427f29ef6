"""Wires that hurt, under the drivers of serial readers and of foreign MQTT dialects."""

import random
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from controllers.driver import CardRead, DeviceRecord, IdCardRead, LinkState, Result, TextRead
from controllers.errors import LinkLost
from controllers.idcard import Answer, IdCardSession
from controllers.idcard import Decoder as SamDecoder
from controllers.mqtt_dejaos import Terminal
from controllers.mqtt_dejaos_session import DejaosSession
from controllers.mqtt_dialect import BrokerLogin, MqttSessionDriver
from controllers.poll_aa import PolledReader, PollSession
from controllers.serial_frames import HexCr, StxEtx
from controllers.serial_reader import SerialDriver, SerialReaderDriver, TalkingReader
from controllers.session import Moment
from controllers.vguang import VguangSession
from simulators.diary import Diary
from simulators.idcard_sam import PHOTO, frame, text_of
from simulators.serial_readers import Reader, stx_etx
from tests.controllers.witness import Running, Witness, lock, running

FRAMES = 5000  # of each kind; the long form is FRAMES = 1_000_000
NUMBER = "11010519491231002X"


def hurt(data: bytes, chance: random.Random) -> bytes:
    """Lose, add, swap, tear and change bytes."""
    wire = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(wire) or 1)
        match chance.randrange(5):
            case 0 if wire:
                del wire[at]
            case 1:
                wire.insert(at, chance.randrange(256))
            case 2 if wire:
                wire[at] ^= 1 << chance.randrange(8)
            case 3:
                del wire[at:]
            case _:
                wire[at:] = wire[at:][::-1]
    return bytes(wire)


def at(mono_s: float) -> Moment:
    return Moment(mono_s, 1_800_000_000 + mono_s, 1)


def campaign(session: Any, whole: list[bytes], truth: set[Any], value: Any, kind: type[Any]) -> int:
    """Damaged frames through a session; how many reads said what was never presented."""
    chance, now_s, wrong = random.Random(7), 0.0, 0
    list(session.start(at(now_s)))
    for number in range(FRAMES):
        now_s += 0.01
        events = list(session.tick(at(now_s)))
        damaged = hurt(whole[number % len(whole)], chance)
        cut = chance.randrange(len(damaged) + 1)
        for piece in (damaged[:cut], damaged[cut:]):
            now_s += chance.choice([0.0, 0.001, 0.3])
            events += session.received(piece, at(now_s))
        wrong += sum(isinstance(event, kind) and value(event) not in truth for event in events)
    return wrong


def test_damaged_frames_with_a_sum_rarely_make_a_card() -> None:
    numbers = [random.Random(n).randbytes(5) for n in range(50)]
    truth = {int.from_bytes(number[1:], "big") for number in numbers}
    session = TalkingReader("lobby", StxEtx())
    wrong = campaign(session, [stx_etx(number) for number in numbers], truth, lambda read: read.bits, CardRead)
    assert wrong <= FRAMES // 100, "an XOR of one byte misses some double faults: such readers have no assurance"


def test_damaged_codes_rarely_make_a_text() -> None:
    peer = Reader.__new__(Reader)
    texts = [f"MJ1:{n:040d}" for n in range(50)]
    session = VguangSession("gate")
    whole = [peer._reply(0x30, text.encode()) for text in texts]
    wrong = campaign(session, whole, set(texts), lambda read: read.text, TextRead)
    assert wrong <= FRAMES // 50, "the signature in the code is what a text is trusted for"


def test_damaged_polls_rarely_make_a_card() -> None:
    session = PollSession([PolledReader("gate", 1)], window_s=0.02)
    cards = [bytes([0x38, *n.to_bytes(4, "big")]) for n in range(1, 51)]
    whole = [b"\x69\xd2" + card + bytes([card[0] ^ card[1] ^ card[2] ^ card[3] ^ card[4]]) for card in cards]
    assert campaign(session, whole, set(range(1, 51)), lambda read: read.bits, CardRead) <= FRAMES // 30, (
        "an XOR sees no swapped bytes"
    )


def test_damaged_id_cards_never_make_a_number() -> None:
    text = text_of({"name": "张三", "birth": NUMBER[6:14], "number": NUMBER})
    answers = [b"\x00\x00\x9f" + bytes(4), b"\x00\x00\x90" + bytes(8), b"\x00\x00\x90\x01\x00\x04\x00" + text + PHOTO]
    session = IdCardSession("desk", str.encode)
    whole = [frame(answer) for answer in answers]
    assert not campaign(session, whole, {NUMBER.encode()}, lambda read: read.key, IdCardRead)


def test_a_sam_frame_is_found_in_any_pieces() -> None:
    whole, chance = frame(b"\x00\x00\x90\x01\x00\x04\x00" + bytes(256) + PHOTO), random.Random(1)
    for _ in range(50):
        decoder, left = SamDecoder(), whole
        found: list[Answer] = []
        while left:
            size = chance.randint(1, 200)
            found += decoder.feed(left[:size], 0.0)
            left = left[size:]
        assert len(found) == 1


def test_a_babbling_line_gives_no_card_and_no_exception(tmp_path: Path) -> None:
    peer, witness, chance = Reader("stx_etx", tmp_path / "babble", Diary(), "x"), Witness(), random.Random(3)
    with running(SerialReaderDriver("lobby", str(peer.line.path), 115200, StxEtx(), witness)):
        witness.expect(LinkState)
        for _ in range(200):
            peer.line.write(chance.randbytes(200))
            time.sleep(0.001)
        time.sleep(0.2)
        assert not witness.all(CardRead)
        peer.present(b"\x01\x02\x03\x04\x05")
        time.sleep(0.1)
        assert not witness.all(CardRead), "a wire that babbled is not believed at once"
        peer.present(b"\x01\x02\x03\x04\x05")
        assert witness.expect(CardRead).bits == 0x02030405


def test_a_slow_wire_byte_by_byte_is_read(tmp_path: Path) -> None:
    peer, witness = Reader("hex_cr", tmp_path / "slow", Diary(), "x"), Witness()
    with running(SerialReaderDriver("lobby", str(peer.line.path), 9600, HexCr(gap_s=0.5), witness)):
        witness.expect(LinkState)
        for byte in b"7B11D7\r":
            peer.line.write(bytes([byte]))
            time.sleep(0.005)
        witness.expect(CardRead)


def test_a_cable_pulled_is_a_lost_link_and_the_next_life_has_its_own_epoch(tmp_path: Path) -> None:
    witness, path = Witness(), tmp_path / "cable"
    peer = Reader("vguang", path, Diary(), "x")
    driver = SerialDriver("gate", str(path), 115200, VguangSession("gate", ask_every_s=0.2), witness)
    first = Running(driver)
    witness.expect(LinkState, lambda state: state.up)
    peer.muted = True
    waiting = lock("gate", in_s=30)
    driver.submit(waiting)
    time.sleep(0.1)
    peer.unplug()
    first.thread.join(5)
    assert isinstance(first.end(), LinkLost)
    assert witness.outcome(waiting).result is Result.UNKNOWN
    Reader("vguang", path, Diary(), "x")
    with running(driver):
        up = witness.expect(LinkState, lambda state: state.up and state.seen.epoch == 2)
    assert up.seen.epoch == 2


@pytest.mark.parametrize("seed", range(8))
def test_a_broker_that_babbles_is_a_lost_link(seed: int) -> None:
    chance = random.Random(seed)
    with socket.create_server(("127.0.0.1", 0)) as server:
        witness = Witness()
        login = BrokerLogin("127.0.0.1", server.getsockname()[1], "menjin", "secret")
        driver = MqttSessionDriver("dejaos", login, DejaosSession([Terminal("gate", "abc")]), witness)

        def babble() -> None:
            link, _ = server.accept()
            with link:
                link.recv(4096)
                greeting = b"\x20\x03\x00\x00\x00" if seed % 2 else b""
                link.sendall(greeting + chance.randbytes(3000))

        threading.Thread(target=babble, daemon=True).start()
        thread = Running(driver)
        thread.thread.join(10)
        assert isinstance(thread.end(), LinkLost)
        assert not witness.all(CardRead) + witness.all(DeviceRecord)

"""Wires that hurt, under the drivers of serial readers and of foreign MQTT dialects."""

import random
import socket
import threading
import time
from pathlib import Path

import pytest

from controllers.driver import CardRead, DeviceRecord, LinkState, Result
from controllers.errors import LinkLost
from controllers.idcard import Answer
from controllers.idcard import Decoder as SamDecoder
from controllers.mqtt_dejaos import Terminal
from controllers.mqtt_dejaos_session import DejaosSession
from controllers.mqtt_dialect import BrokerLogin, MqttSessionDriver
from controllers.serial_frames import HexCr, StxEtx
from controllers.serial_reader import SerialDriver, SerialReaderDriver
from controllers.vguang import VguangSession
from simulators.diary import Diary
from simulators.idcard_sam import PHOTO, frame
from simulators.serial_readers import Reader
from tests.controllers.witness import Running, Witness, lock, running


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

"""Serial readers' drivers on pseudo-terminals."""

import time
from pathlib import Path

import pytest

from controllers.driver import CardRead, LinkState, LockAction, Result, Signal, TextRead
from controllers.errors import LinkLost
from controllers.poll_aa import PolledReader, PollSession
from controllers.serial_frames import Codec, Dec10CrLf, HexCr, StxEtx
from controllers.serial_reader import SerialDriver, SerialReaderDriver
from controllers.vguang import VguangSession
from controllers.wiegand import decode
from simulators.diary import Diary
from simulators.serial_readers import Reader
from tests.controllers.witness import Running, Witness, lock, running, signal


def reader(make: str, tmp_path: Path) -> Reader:
    return Reader(make, tmp_path / make, Diary(), make)


@pytest.mark.parametrize(
    ("make", "codec", "format_name", "card", "checked"),
    [
        ("hex_cr", HexCr(), "H10301", 4567, False),
        ("dec10_crlf", Dec10CrLf(), "WG34N", 0x317B11BB, False),
        ("stx_etx", StxEtx(), "WG32", 0x317B11BB, True),
    ],
)
def test_a_card_is_read(make: str, codec: Codec, format_name: str, card: int, checked: bool, tmp_path: Path) -> None:
    peer, witness = reader(make, tmp_path), Witness()
    with running(SerialReaderDriver("lobby", str(peer.line.path), 9600, codec, witness)):
        witness.expect(LinkState, lambda state: state.up)
        peer.present(bytes.fromhex("317b11bb") if make != "hex_cr" else bytes.fromhex("7b11d7"))
        read = witness.expect(CardRead)
    assert (read.reader, read.checked, read.seen.epoch, read.seen.stale) == ("lobby", checked, 1, False)
    assert decode(format_name, read.bits, read.bit_count).card == card
    assert not witness.expect(LinkState, lambda state: not state.up).up


def test_a_converter_that_ends_its_lines_twice_is_believed_at_once(tmp_path: Path) -> None:
    peer, witness = reader("hex_cr", tmp_path), Witness()
    with running(SerialReaderDriver("lobby", str(peer.line.path), 9600, HexCr(), witness)):
        witness.expect(LinkState, lambda state: state.up)
        for count in (1, 2):
            peer.line.write(b"7B11D7\r\n")
            time.sleep(0.2)
            assert len(witness.all(CardRead)) == count


def test_on_a_wire_that_breaks_frames_a_card_counts_when_it_is_shown_twice(tmp_path: Path) -> None:
    peer, witness = reader("stx_etx", tmp_path), Witness()
    with running(SerialReaderDriver("lobby", str(peer.line.path), 9600, StxEtx(), witness)):
        witness.expect(LinkState, lambda state: state.up)
        peer.line.write(b"\x0212")
        time.sleep(0.2)
        peer.present(b"\x01\x02\x03\x04\x05")
        peer.present(b"\x01\x02\x03\x04\x06")
        time.sleep(0.2)
        assert not witness.all(CardRead)
        peer.line.write(b"\x0212")
        time.sleep(0.2)
        peer.present(b"\x01\x02\x03\x04\x06")
        assert witness.expect(CardRead).bits == 0x02030406


def test_what_came_before_the_port_was_opened_is_thrown_away(tmp_path: Path) -> None:
    peer, witness = reader("stx_etx", tmp_path), Witness()
    peer.present(b"\x01\x02\x03\x04\x05")
    with running(SerialReaderDriver("lobby", str(peer.line.path), 9600, StxEtx(), witness)):
        time.sleep(0.2)
        peer.present(b"\x01\x02\x03\x04\x06")
        assert witness.expect(CardRead).bits == 0x02030406


def test_a_missing_port_is_a_lost_link_and_commands_expire(tmp_path: Path) -> None:
    witness = Witness()
    driver = SerialReaderDriver("lobby", str(tmp_path / "none"), 9600, StxEtx(), witness)
    thread = Running(driver)
    thread.thread.join(5)
    assert isinstance(thread.end(), LinkLost)
    command = lock("lobby")
    driver.submit(command)
    assert witness.outcome(command).result is Result.EXPIRED


def test_a_reader_that_hears_nothing_refuses(tmp_path: Path) -> None:
    peer, witness = reader("stx_etx", tmp_path), Witness()
    driver = SerialReaderDriver("lobby", str(peer.line.path), 9600, StxEtx(), witness)
    with running(driver):
        witness.expect(LinkState, lambda state: state.up)
        for command in (lock("lobby"), signal("lobby"), lock("other")):
            driver.submit(command)
            assert witness.outcome(command).result is Result.REFUSED


def test_a_polled_reader_is_asked_and_its_first_card_is_stale(tmp_path: Path) -> None:
    peer, witness = reader("poll_aa", tmp_path), Witness()
    peer.present(bytes.fromhex("380051a282"))
    session = PollSession([PolledReader("gate", 1)])
    with running(SerialDriver("bus", str(peer.line.path), 19200, session, witness)):
        assert witness.expect(CardRead).seen.stale
        time.sleep(0.2)
        peer.present(bytes.fromhex("380051a282"))
        read = witness.expect(CardRead, lambda card: not card.seen.stale)
    assert (read.reader, read.bits, read.bit_count) == ("gate", 5350018, 32)


def vguang(tmp_path: Path) -> tuple[Reader, Witness, SerialDriver]:
    peer, witness = reader("vguang", tmp_path), Witness()
    session = VguangSession("gate", ask_every_s=0.2)
    return peer, witness, SerialDriver("gate", str(peer.line.path), 115200, session, witness)


def test_a_vguang_reader_gives_codes_and_drives_its_relay(tmp_path: Path) -> None:
    peer, witness, driver = vguang(tmp_path)
    with running(driver):
        witness.expect(LinkState, lambda state: state.up)
        peer.show("MJ1:HELLO")
        assert witness.expect(TextRead).text == "MJ1:HELLO"
        pulse = lock("gate")
        driver.submit(pulse)
        assert witness.outcome(pulse).result is Result.DONE
        assert peer.released
        secure, beep = lock("gate", LockAction.SECURE), signal("gate", Signal.DENIED)
        driver.submit(secure)
        driver.submit(beep)
        assert (witness.outcome(secure).result, witness.outcome(beep).result) == (Result.DONE, Result.DONE)
        assert not peer.released


def test_a_vguang_reader_that_falls_silent_leaves_commands_unknown_then_expired(tmp_path: Path) -> None:
    peer, witness, driver = vguang(tmp_path)
    with running(driver):
        witness.expect(LinkState, lambda state: state.up)
        peer.muted = True
        first = lock("gate", in_s=0.3)
        driver.submit(first)
        assert witness.outcome(first).result is Result.UNKNOWN
        witness.expect(LinkState, lambda state: not state.up)
        second = lock("gate")
        driver.submit(second)
        assert witness.outcome(second).result is Result.EXPIRED
        peer.muted = False
        witness.expect(LinkState, lambda state: state.up, after=len(witness.events))


def test_a_command_past_its_deadline_never_reaches_the_wire(tmp_path: Path) -> None:
    peer, witness, driver = vguang(tmp_path)
    with running(driver):
        witness.expect(LinkState, lambda state: state.up)
        late = lock("gate", in_s=-0.001)
        driver.submit(late)
        assert witness.outcome(late).result is Result.EXPIRED
    assert not peer.released


def test_an_impossible_pulse_is_refused(tmp_path: Path) -> None:
    _, witness, driver = vguang(tmp_path)
    with running(driver):
        witness.expect(LinkState, lambda state: state.up)
        for command in (lock("gate", pulse_ms=20_000), lock("gate", pulse_ms=0), lock("gate", output=1)):
            driver.submit(command)
            assert witness.outcome(command).result is Result.REFUSED

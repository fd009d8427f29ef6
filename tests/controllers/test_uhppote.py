"""UHPPOTE boards: the host decides, the board keeps its list, and no event is taken twice."""

import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uhppoted import decode  # type: ignore[import-untyped] # the library has no types

from controllers.driver import (
    CardRead,
    DeviceEvent,
    DeviceRecord,
    InputState,
    LinkState,
    LockAction,
    OutputState,
    Result,
)
from controllers.errors import BadSetup, LinkLost
from controllers.session import Moment
from controllers.uhppote import BoardLimits, BoardReader, UhppoteBoard, UhppoteDriver, _Listener
from controllers.uhppote_events import BoardEvent, EventLog, EventReader
from controllers.wiegand import decode as card
from simulators.diary import Diary
from simulators.uhppote_board import Board
from tests.controllers.witness import Running, Witness, lock, running, signal

SERIAL = 405419896
LIMITS = BoardLimits(alive_s=0.3, retry_s=0.1, timeout_s=0.3, misses=2, grace_s=0.1)
VECTORS: dict[str, Any] = json.loads((Path(__file__).parent.parent / "vectors" / "uhppote_packets.json").read_text())


def wired(peer: Board, name: str = "board", **more: Any) -> UhppoteBoard:
    readers = (BoardReader(f"{name}-in", 1, 1), BoardReader(f"{name}-out", 1, 2))
    host = peer._socket.getsockname()[0]
    return UhppoteBoard(name, peer.serial, f"{host}:{peer.port}", readers, **more)


@pytest.fixture
def peer() -> Board:
    return Board(SERIAL, "127.0.0.1", 0, Diary())


@pytest.fixture
def driver(peer: Board) -> Iterator[tuple[UhppoteDriver, Witness]]:
    witness = Witness()
    made = UhppoteDriver("boards", [wired(peer)], witness, ("127.0.0.1", 0), limits=LIMITS)
    with running(made):
        witness.expect(LinkState, lambda state: state.up)
        yield made, witness


def asked(peer: Board) -> set[int]:
    return {entry["function"] for entry in peer._diary.since(0) if entry["what"] == "asked"}


def opened(peer: Board) -> list[dict[str, Any]]:
    return [entry for entry in peer._diary.since(0) if entry["what"] == "opened"]


def test_a_swipe_is_asked_and_the_answer_opens_the_door(peer: Board, driver: tuple[UhppoteDriver, Witness]) -> None:
    made, witness = driver
    assert not peer.swipe(10058400)
    read = witness.expect(CardRead)
    number = card("H10301", read.bits, read.bit_count)
    assert (read.reader, number.facility, number.card, read.seen.stale) == ("board-in", 100, 58400, False)
    command = lock("board", pulse_ms=3000)
    made.submit(command)
    assert witness.outcome(command).result is Result.DONE
    assert peer.unlocked(1)
    assert [entry["delay_s"] for entry in opened(peer)] == [3]


def test_the_direction_names_the_reader(peer: Board, driver: tuple[UhppoteDriver, Witness]) -> None:
    peer.swipe(10058400, direction=2)
    assert driver[1].expect(CardRead).reader == "board-out"


def test_each_event_comes_once_however_often_it_is_sent(peer: Board, driver: tuple[UhppoteDriver, Witness]) -> None:
    _, witness = driver
    peer.swipe(10058400)
    witness.expect(CardRead)
    assert peer._listener
    for _ in range(20):
        peer._socket.sendto(peer._packet(0x20, peer.events[-1] + peer._state()), peer._listener)
    time.sleep(0.8)
    assert len(witness.all(CardRead)) == 1


def test_an_event_that_got_lost_is_fetched_and_stale(peer: Board, driver: tuple[UhppoteDriver, Witness]) -> None:
    _, witness = driver
    peer.swipe(10058400, unheard=True)
    read = witness.expect(CardRead)
    assert read.seen.stale
    peer.swipe(10058401)
    assert not witness.expect(CardRead, lambda each: not each.seen.stale).seen.stale
    time.sleep(0.5)
    assert len(witness.all(CardRead)) == 2
    assert peer._read_index == 2


def test_what_happened_while_nobody_listened_is_history(peer: Board) -> None:
    peer.cards[10058400] = bytes(8) + b"\1\0\0\0"
    assert peer.swipe(10058400)
    witness = Witness()
    with running(UhppoteDriver("boards", [wired(peer)], witness, ("127.0.0.1", 0), limits=LIMITS)):
        record = witness.expect(DeviceRecord)
    assert (record.granted, record.reason, record.record_id) == (True, "swipe", f"{SERIAL}-1")
    assert abs((record.occurred_s or 0) - time.time()) < 5
    assert not witness.all(CardRead)


def test_a_restart_takes_up_where_the_board_says(peer: Board) -> None:
    for number in range(3):
        peer.swipe(10058400 + number)
    for expected in (3, 0):
        witness = Witness()
        with running(UhppoteDriver("boards", [wired(peer)], witness, ("127.0.0.1", 0), limits=LIMITS)):
            witness.expect(LinkState, lambda state: state.up)
            time.sleep(0.6)
        assert len(witness.all(CardRead) + witness.all(DeviceRecord)) == expected


def test_a_silent_board_is_off_line_and_comes_back(peer: Board, driver: tuple[UhppoteDriver, Witness]) -> None:
    made, witness = driver
    peer.muted = True
    late = lock("board", in_s=0.4)
    made.submit(late)
    assert witness.outcome(late).result in (Result.EXPIRED, Result.UNKNOWN)
    witness.expect(LinkState, lambda state: not state.up)
    dead = lock("board")
    made.submit(dead)
    assert witness.outcome(dead).result is Result.EXPIRED
    peer.muted = False
    back = witness.expect(LinkState, lambda state: state.up, after=witness.events.index(witness.outcome(dead)))
    assert back.seen.epoch == 2
    assert not opened(peer)


def test_an_open_that_is_not_answered_is_unknown(peer: Board, driver: tuple[UhppoteDriver, Witness]) -> None:
    made, witness = driver
    first = lock("board", pulse_ms=5000)
    made.submit(first)
    assert witness.outcome(first).result is Result.DONE
    peer.muted = True
    second = lock("board", pulse_ms=5000, in_s=0.2)
    made.submit(second)
    assert witness.outcome(second).result is Result.UNKNOWN


def test_a_command_past_its_deadline_is_not_sent(peer: Board, driver: tuple[UhppoteDriver, Witness]) -> None:
    made, witness = driver
    late = lock("board", in_s=-0.01)
    made.submit(late)
    assert witness.outcome(late).result is Result.EXPIRED
    assert not opened(peer)


def test_release_and_secure_change_the_mode_and_a_pulse_keeps_it(
    peer: Board, driver: tuple[UhppoteDriver, Witness]
) -> None:
    made, witness = driver
    for action, mode in ((LockAction.RELEASE, 1), (LockAction.PULSE, 1), (LockAction.SECURE, 3)):
        command = lock("board", action, output=3)
        made.submit(command)
        assert witness.outcome(command).result is Result.DONE
        assert peer.doors[4][0] == mode


def test_what_a_board_cannot_do_is_refused(driver: tuple[UhppoteDriver, Witness]) -> None:
    made, witness = driver
    for command in (lock("board", output=4), lock("board", pulse_ms=300_000), lock("other"), signal("board")):
        made.submit(command)
        assert witness.outcome(command).result is Result.REFUSED


def test_doors_and_buttons_are_levels(peer: Board, driver: tuple[UhppoteDriver, Witness]) -> None:
    _, witness = driver
    assert witness.expect(InputState).active == (False,) * 8
    peer.leaf(2, True)
    assert witness.expect(InputState, lambda state: state.active[1]).active == (False, True, *[False] * 6)
    peer.button(1)
    assert witness.expect(OutputState, lambda state: state.active[0])


def test_a_wrong_clock_is_set(peer: Board) -> None:
    peer._clock_off_s = -86_400
    witness = Witness()
    with running(UhppoteDriver("boards", [wired(peer)], witness, ("127.0.0.1", 0), limits=LIMITS)):
        witness.expect(LinkState, lambda state: state.up)
        assert abs(peer._clock_off_s) < 2
        peer.swipe(10058400)
        assert not witness.expect(CardRead).seen.stale


def test_the_board_decides_by_its_own_list_when_the_host_is_gone(peer: Board) -> None:
    peer._silence_s = 0.5
    peer.cards[10058400] = bytes.fromhex("202601012027010101000000")
    witness = Witness()
    with running(UhppoteDriver("boards", [wired(peer)], witness, ("127.0.0.1", 0), limits=LIMITS)):
        witness.expect(LinkState, lambda state: state.up)
        assert not peer.swipe(10058400), "the host is there and decides"
    time.sleep(0.6)
    assert peer.swipe(10058400), "the host is gone: the list decides"
    assert not peer.swipe(10058401)


def test_a_dead_board_does_not_slow_its_neighbour(peer: Board) -> None:
    other = Board(SERIAL + 1, "127.0.0.2", 0, Diary())
    other.muted = True
    witness = Witness()
    boards = [wired(peer), wired(other, "dead")]
    made = UhppoteDriver("boards", boards, witness, ("0.0.0.0", 0), limits=LIMITS)  # noqa: S104 - both loopback addresses
    with running(made):
        witness.expect(LinkState, lambda state: state.up)
        began = time.monotonic()
        for _ in range(10):
            command = lock("board")
            made.submit(command)
            assert witness.outcome(command).result is Result.DONE
        assert time.monotonic() - began < 10 * LIMITS.timeout_s / 2


def test_a_port_in_use_is_a_lost_link(peer: Board) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        witness = Witness()
        thread = Running(UhppoteDriver("boards", [wired(peer)], witness, taken.getsockname(), limits=LIMITS))
        thread.thread.join(5)
        assert isinstance(thread.end(), LinkLost)


def test_two_boards_with_one_address_are_refused(peer: Board) -> None:
    with pytest.raises(BadSetup):
        UhppoteDriver("boards", [wired(peer), wired(peer, "twin")], Witness())


def test_commands_end_when_the_driver_does(peer: Board) -> None:
    witness = Witness()
    made = UhppoteDriver("boards", [wired(peer)], witness, ("127.0.0.1", 0), limits=LIMITS)
    with running(made):
        witness.expect(LinkState, lambda state: state.up)
        peer.muted = True
        waiting = [lock("board", in_s=30) for _ in range(5)]
        for command in waiting:
            made.submit(command)
        time.sleep(0.1)
    after = lock("board")
    made.submit(after)
    assert {witness.outcome(command).result for command in waiting} <= {Result.UNKNOWN, Result.EXPIRED}
    assert witness.outcome(after).result is Result.EXPIRED
    assert len({each.command_id for each in [witness.outcome(command) for command in waiting]}) == 5


@pytest.mark.parametrize("row", VECTORS["answers"], ids=lambda row: row["name"])
def test_the_simulator_answers_as_the_published_packets_do(row: dict[str, str], peer: Board) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as host:
        host.settimeout(2)
        host.sendto(bytes.fromhex(row["request"]).ljust(64, b"\0"), ("127.0.0.1", peer.port))
        assert host.recv(100) == bytes.fromhex(row["response"]).ljust(64, b"\0")


def test_a_published_event_is_understood() -> None:
    row = VECTORS["event"]
    packet = decode.event(bytes.fromhex(row["packet"]))
    event = BoardEvent.last(packet)
    board = UhppoteBoard("board", SERIAL, "192.168.1.100", (BoardReader("back", 4, 2),))
    reader = EventReader(board, UTC, BoardLimits())
    (told,) = reader.card_event(event, False, Moment(1, 2, 1))
    assert isinstance(told, DeviceRecord)
    number = card("H10301", told.bits, told.bit_count)
    assert (told.record_id, told.reader, number.facility, number.card) == (f"{SERIAL}-75312", "back", 100, 58400)
    assert (told.granted, told.reason, reader.is_old(event)) == (True, "no privilege", True)
    assert told.occurred_s == datetime(2024, 11, 10, 12, 34, 56, tzinfo=UTC).timestamp()
    levels = [each.active for each in reader.levels(packet, Moment(1, 2, 1)) if isinstance(each, InputState)]
    assert levels == [(True, False, True, True, True, True, False, True)]


@given(st.lists(st.tuples(st.sampled_from(["live", "resume", "fetch"]), st.integers(0, 50)), max_size=60))
def test_no_order_of_packets_hands_an_event_over_twice(steps: list[tuple[str, int]]) -> None:
    log, handed, newest = EventLog(BoardLimits()), [], 0
    log.resume(0, 0)
    for step, number in steps:
        if step == "live":
            newest = max(newest, number)
            handed += [number] if log.is_new(number) else []
        elif step == "resume":
            log.resume(newest, 0)
        else:
            for index in log.missing():
                handed += [index] if log.is_new(index) else []
    assert len(handed) == len(set(handed))
    assert 0 not in handed


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_no_packet_at_all_raises(packets: list[bytes]) -> None:
    told: list[DeviceEvent] = []

    class Contact:
        board = UhppoteBoard("board", SERIAL, "10.0.0.1", (BoardReader("in", 1),))
        reader = EventReader(board, UTC, BoardLimits())

        def event(self, packet: Any) -> None:
            event = BoardEvent.last(packet)
            told.extend(self.reader.card_event(event, self.reader.is_old(event), Moment(1, 2, 1)))
            told.extend(self.reader.levels(packet, Moment(1, 2, 1)))

    listener = _Listener({"10.0.0.1": Contact()})  # type: ignore[dict-item] # only what a listener needs
    for packet in packets:
        for whole in (packet, (b"\x17\x20\x00\x00" + SERIAL.to_bytes(4, "little") + packet).ljust(64, b"\0")[:64]):
            listener.datagram_received(whole, ("10.0.0.1", 60000))

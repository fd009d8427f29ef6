"""UHPPOTE boards on a network that loses, doubles, delays, reorders, damages and lies."""

import random
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from controllers.driver import CardRead, LinkState, Outcome
from controllers.uhppote import UhppoteDriver
from controllers.wiegand import decode as card
from simulators.diary import Diary
from simulators.uhppote_board import Board
from tests.controllers.test_uhppote import LIMITS, SERIAL, opened, wired
from tests.controllers.witness import Witness, lock, running


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


def test_on_a_network_that_hurts_each_swipe_is_told_exactly_once(
    peer: Board, driver: tuple[UhppoteDriver, Witness]
) -> None:
    _, witness = driver
    chance, held = random.Random(5), []
    assert peer._listener
    for number in range(60):
        peer.swipe(10000001 + number, unheard=True)
        packet = peer._packet(0x20, peer.events[-1] + peer._state())
        broken = bytearray(packet)
        broken[chance.randrange(8)] ^= 1 << chance.randrange(8)
        held += chance.choice([[], [packet], [packet] * 3, [bytes(broken)], [packet[:40]]])
        if chance.random() < 0.4:
            chance.shuffle(held)
            for each in held:
                peer._socket.sendto(each, peer._listener)
            held = []
    deadline = time.monotonic() + 10
    while len(witness.all(CardRead)) < 60 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    cards = [card("H10301", read.bits, read.bit_count).card for read in witness.all(CardRead)]
    assert sorted(cards) == list(range(1, 61))


class LossyNetwork:
    """A board's socket on a network that loses, doubles, delays and reorders: both what it hears and what it says."""

    def __init__(self, real: socket.socket, seed: int) -> None:
        self._real, self._chance = real, random.Random(seed)
        self.loss = 0.0

    def recvfrom(self, size: int) -> tuple[bytes, Any]:
        while True:
            data, sender = self._real.recvfrom(size)
            if self._chance.random() >= self.loss:
                return data, sender

    def sendto(self, data: bytes, to: Any) -> None:
        if self._chance.random() >= self.loss:
            for _ in range(self._chance.choice((1, 1, 2, 3))):
                threading.Timer(self._chance.choice((0, 0, 0.02, 0.1)), self._real.sendto, (data, to)).start()

    def getsockname(self) -> Any:
        return self._real.getsockname()


def test_on_a_lossy_network_each_swipe_is_told_once_and_each_command_ends_once(peer: Board) -> None:
    network = LossyNetwork(peer._socket, 11)
    peer._socket = network  # type: ignore[assignment] # all that the board asks of it
    witness, shown = Witness(), dict[int, float]()
    made = UhppoteDriver("boards", [wired(peer)], witness, ("127.0.0.1", 0), limits=replace(LIMITS, bell_s=0.15))
    with running(made):
        witness.expect(LinkState, lambda state: state.up)
        network.loss, commands = 0.15, []
        for number in range(1, 26):
            shown[number] = time.monotonic()
            peer.swipe(10_000_000 + number)
            command = lock("board", in_s=0.5)
            made.submit(command)
            commands.append(command)
            time.sleep(0.03)
        network.loss = 0.05
        deadline = time.monotonic() + 20
        while len(witness.all(CardRead)) < 25 and time.monotonic() < deadline:
            time.sleep(0.05)
        for command in commands:
            witness.outcome(command)
    reads = {card("H10301", read.bits, read.bit_count).card: read.seen for read in witness.all(CardRead)}
    assert sorted(reads) == list(range(1, 26))
    assert len(witness.all(CardRead)) == 25
    late = [number for number, seen in reads.items() if not seen.stale and seen.mono_s - shown[number] > 2.0]
    assert not late, "what is not stale is of now"
    assert len([each for each in witness.events if isinstance(each, Outcome)]) == 25
    assert len(opened(peer)) <= 25


def test_packets_from_other_addresses_are_dropped(peer: Board, driver: tuple[UhppoteDriver, Witness]) -> None:
    _, witness = driver
    stranger = Board(SERIAL, "127.0.0.3", 0, Diary())
    stranger._listener = peer._listener
    stranger.swipe(10058400)
    assert peer._listener
    peer._socket.sendto(Board(7, "127.0.0.4", 0, Diary())._packet(0x20, bytes(56)), peer._listener)
    peer._socket.sendto(b"\x17\x20" + bytes(200), peer._listener)
    time.sleep(0.4)
    assert not witness.all(CardRead)


def test_a_forged_swipe_from_the_boards_own_address_is_no_read(
    peer: Board, driver: tuple[UhppoteDriver, Witness]
) -> None:
    """A packet only rings: what happened is asked of the board, which knows of no such card."""
    _, witness = driver
    assert peer._listener
    forger = Board(SERIAL, "127.0.0.1", 0, Diary())
    forger._listener = peer._listener
    for _ in range(3):
        forger.swipe(10058400)
    time.sleep(0.5)
    assert not witness.all(CardRead)
    peer.swipe(10058401)
    read = witness.expect(CardRead)
    assert (card("H10301", read.bits, read.bit_count).card, read.seen.stale) == (58401, False)

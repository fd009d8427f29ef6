"""Campaign 12: a million damaged frames of each wire that has no signature: no false grant, no exception, no growth."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from uhppoted import decode, encode  # type: ignore[import-untyped] # the library has no types

from controllers.driver import CardRead, DeviceEvent
from controllers.uhppote import Contact, _Listener
from controllers.uhppote_link import BoardLimits, BoardReader, NoAnswer, UhppoteBoard
from simulators.diary import Diary
from simulators.uhppote_board import Board
from tests.faults.damage import SUBJECTS, campaign, hurt

SHORT, LONG = 5_000, 1_000_000
GROWTH_BYTES = 24 << 20
EVENTS = 1000
SERIAL = 405419896


def rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize("name", SUBJECTS)
def test_damaged_frames_open_to_nobody_else(name: str, long: bool) -> None:
    campaign(SUBJECTS[name], 500)  # what is allocated once
    before = rss_bytes()
    done = campaign(SUBJECTS[name], LONG if long else SHORT)
    assert done.false_grants == 0, done
    assert rss_bytes() - before < GROWTH_BYTES
    if name != "vguang":  # its texts are judged behind the driver
        assert done.wrong <= done.frames // 1000, done


class InMemory:
    """The way to a board without its sockets."""

    def __init__(self, board: Board) -> None:
        self._board = board

    async def ask(self, method: str, *arguments: object, timeout_s: float | None = None) -> Any:
        request = getattr(encode, f"{method}_request")(SERIAL, *arguments)
        body = self._board._answer(request[1], bytes(request[8:]))
        if body is None:
            raise NoAnswer(method)
        return getattr(decode, f"{method}_response")(bytearray(self._board._packet(request[1], body)))


def test_damaged_packets_of_a_board_open_to_nobody_else(long: bool) -> None:
    board, told, chance = Board(SERIAL, "127.0.0.1", 0, Diary()), list[DeviceEvent](), random.Random(5)
    wired = UhppoteBoard("board", SERIAL, "10.0.0.1", (BoardReader("in", 1),))

    async def story() -> tuple[int, int]:
        contact = Contact(wired, told.append, board._now().tzinfo, BoardLimits(), 1)  # type: ignore[arg-type] # UTC
        contact._link = InMemory(board)  # type: ignore[assignment] # it asks in the same words
        contact.up = True
        contact._log.resume(0, 0)
        listener, there, wrong, reads = _Listener({"10.0.0.1": contact}), set[int](), 0, 0
        for turn in range(LONG if long else SHORT):
            if turn % EVENTS == 0:  # the board is wiped
                board.events.clear()
                contact._log.resume(0, 0)
            shown = 10_000_001 + chance.randrange(60_000)
            there.add(shown % 100_000)
            board._note(1, False, 1, 1, shown, 5, True)
            packet = board._packet(0x20, board.events[-1] + board._state())
            listener.datagram_received(hurt(packet, chance).ljust(64, b"\0")[:64], ("10.0.0.1", 60000))
            while contact.bells:
                await asyncio.sleep(0)
            for event in told:
                if isinstance(event, CardRead):
                    reads += 1
                    wrong += (event.bits >> 1 & 0xFFFF) not in there
            told.clear()
        return reads, wrong

    before = rss_bytes()
    reads, wrong = asyncio.run(story())
    assert wrong == 0
    assert reads, "packets whose damage did not matter"
    assert rss_bytes() - before < GROWTH_BYTES

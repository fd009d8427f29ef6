"""A board's own list and time profiles, kept in step against a board written from uhppote-simulator's documents."""

import asyncio
import json
import random
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uhppoted import decode, encode  # type: ignore[import-untyped] # the library has no types

from controllers.uhppote_cards import BoardCard, CardList, Report
from controllers.uhppote_link import BoardLink, NoAnswer, UhppoteBoard
from controllers.uhppote_profiles import ALWAYS, NEVER, Profile, TimeProfiles, Week, _clocks, _record, chain
from simulators.diary import Diary
from simulators.uhppote_board import Board

SERIAL = 405419896
VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "uhppote_packets.json").read_text())
DAYS = date(2026, 1, 1), date(2027, 1, 1)
OFFICE: Week = (((480, 1080),),) * 5 + ((),) * 2
BROKEN: Week = (((0, 60), (120, 180), (240, 300), (360, 420)),) + (((600, 1440),),) * 6


@pytest.fixture
def peer() -> Board:
    return Board(SERIAL, "127.0.0.1", 0, Diary())


def link(peer: Board) -> BoardLink:
    return BoardLink(UhppoteBoard("board", SERIAL, f"127.0.0.1:{peer.port}"), 0.3)


def card(*doors: int) -> BoardCard:
    return BoardCard(*DAYS, (*doors, *(0,) * (4 - len(doors))))  # type: ignore[arg-type] # four doors


def writes(peer: Board) -> int:
    asked = [entry["function"] for entry in peer._diary.since(0) if entry["what"] == "asked"]
    return sum(each in (0x50, 0x52, 0x88) for each in asked)


def test_a_list_is_brought_in_step_and_the_report_says_how(peer: Board) -> None:
    cards = CardList(link(peer))
    first = {number: card(1) for number in range(1, 31)}
    assert asyncio.run(cards.keep(first)) == Report(added=30)
    assert peer.cards[7].hex() == "202601012027010101000000"
    second = {number: card(1, number % 2) for number in range(11, 41)}
    assert asyncio.run(cards.keep(second)) == Report(unchanged=10, updated=10, added=10, deleted=10)
    assert sorted(peer.cards) == list(range(11, 41))
    before = writes(peer)
    assert asyncio.run(cards.keep(second)) == Report(unchanged=30)
    assert asyncio.run(CardList(link(peer)).keep(second)) == Report(unchanged=30), "a new life reads what the board has"
    assert writes(peer) == before


def test_what_a_stranger_wrote_is_found_once_the_list_is_read_anew(peer: Board) -> None:
    cards = CardList(link(peer))
    asyncio.run(cards.keep({1: card(1)}))
    peer.cards[666] = bytes(8) + b"\1\1\1\1"
    assert asyncio.run(cards.keep({1: card(1)})) == Report(unchanged=1)
    cards.forget()
    assert asyncio.run(cards.keep({1: card(1)})) == Report(unchanged=1, deleted=1)
    assert sorted(peer.cards) == [1]


def test_on_a_network_that_loses_packets_each_card_fails_or_stands_and_the_next_turns_finish(
    peer: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, answer = random.Random(3), peer._answer

    def deaf(function: int, asked: bytes) -> bytes | None:
        said = answer(function, asked)
        return None if chance.random() < 0.1 and function in (0x50, 0x52) else said

    monkeypatch.setattr(peer, "_answer", deaf)
    cards = CardList(BoardLink(UhppoteBoard("board", SERIAL, f"127.0.0.1:{peer.port}"), 0.05))
    wanted = {number: card(1) for number in range(1, 41)}
    first = asyncio.run(cards.keep(wanted))
    assert first.failed
    assert first.added + first.failed == 40
    assert len(first.errors) <= 3
    for _ in range(10):
        report = asyncio.run(cards.keep(wanted))
    assert report == Report(unchanged=40)
    assert sorted(peer.cards) == list(range(1, 41))


def test_a_board_that_falls_silent_is_given_up_soon_and_all_the_rest_has_failed(peer: Board) -> None:
    cards = CardList(BoardLink(UhppoteBoard("board", SERIAL, f"127.0.0.1:{peer.port}"), 0.05))
    asyncio.run(cards.have())
    peer.muted = True
    report = asyncio.run(cards.keep({number: card(1) for number in range(1, 1001)}))
    assert report.failed == 1000
    peer.muted = False
    assert asyncio.run(cards.keep({1: card(1)})) == Report(added=1)


def test_a_board_that_cannot_be_read_changes_nothing(peer: Board) -> None:
    peer.cards[5] = bytes(12)
    peer.muted = True
    with pytest.raises(NoAnswer):
        asyncio.run(CardList(link(peer)).keep({}))
    assert list(peer.cards) == [5]


def test_weeks_become_profiles_once_and_are_found_again(peer: Board) -> None:
    weeks = {NEVER, ALWAYS, OFFICE, BROKEN}
    profiles = TimeProfiles(link(peer))
    numbers = asyncio.run(profiles.numbers(weeks))
    assert (numbers[NEVER], numbers[ALWAYS]) == (0, 1)
    assert len({numbers[OFFICE], numbers[BROKEN], 0, 1}) == 4
    before = writes(peer)
    assert asyncio.run(profiles.numbers(weeks)) == numbers
    assert asyncio.run(TimeProfiles(link(peer)).numbers(weeks)) == numbers, "a new life reads what the board has"
    assert writes(peer) == before


def test_a_profile_that_a_card_holds_is_not_written_over(peer: Board) -> None:
    profiles = TimeProfiles(link(peer))
    old = asyncio.run(profiles.numbers({BROKEN}))[BROKEN]
    new = asyncio.run(profiles.numbers({OFFICE}, held=[old]))[OFFICE]
    assert asyncio.run(profiles.numbers({BROKEN}))[BROKEN] == old
    assert new != old


def test_weeks_for_which_there_is_no_room_are_left_out(peer: Board) -> None:
    weeks: list[Week] = [(((minute, 1440),),) * 7 for minute in range(1, 300)]
    numbers = asyncio.run(TimeProfiles(link(peer)).numbers(weeks))
    given = [numbers[week] for week in weeks if week in numbers]
    assert len(given) == len(set(given)) == 253


def test_the_board_opens_by_its_profiles_as_the_week_says(peer: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = asyncio.run(TimeProfiles(link(peer)).numbers({OFFICE, BROKEN}))
    asyncio.run(CardList(link(peer)).keep({1: card(numbers[OFFICE]), 2: card(numbers[BROKEN])}))
    for day in range(7):
        for minute in range(0, 1439, 13):
            now = datetime(2026, 11, 23 + day, *divmod(minute, 60), tzinfo=UTC)  # a Monday first
            monkeypatch.setattr(peer, "_now", lambda now=now: now)
            for number, week in ((1, OFFICE), (2, BROKEN)):
                expected = any(start <= minute < end for start, end in week[day])
                assert peer.swipe(number) is expected, (number, now)


def test_a_published_profile_is_understood_and_sent_as_published() -> None:
    """uhppoted's own packets: Monday, Wednesday, Friday; a segment between two that are used is empty."""
    told = decode.get_time_profile_response(bytes.fromhex(VECTORS["time_profile"]["packet"]).ljust(64, b"\0"))
    assert _record(told) == Profile((True, False, True, False, True, False, False), ((510, 690), (825, 1020)))
    (row,) = [row for row in VECTORS["answers"] if row["name"] == "set-time-profile"]
    days, clocks = (True, False, True, False, True, False, False), _clocks(((510, 705), (795, 1045)))
    made = encode.set_time_profile_request(SERIAL, 29, date(2021, 1, 1), date(2021, 12, 31), *days, *clocks, 3)
    assert made == bytes.fromhex(row["request"]).ljust(64, b"\0")


segments = st.lists(st.integers(0, 1440), max_size=10, unique=True).map(sorted)
days = segments.map(lambda ends: tuple(zip(ends[::2], ends[1::2], strict=False)))


@given(st.tuples(*[days] * 7))
def test_a_chain_says_what_the_week_says(week: Any) -> None:
    records = chain(week)
    assert all(1 <= len(record.segments) <= 3 for record in records)
    for day in range(7):
        told = sorted(segment for record in records if record.days[day] for segment in record.segments)
        assert told == [(start, min(end, 1439)) for start, end in week[day]]

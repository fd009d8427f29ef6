"""Whoever holds the wire, in virtual time: cards in the clear, recordings, forgeries, damage."""

import random
from dataclasses import replace

from controllers.driver import (
    CardRead,
    DeviceEvent,
    LinkState,
    TextRead,
)
from controllers.osdp_bus import OsdpBus, OsdpReader
from controllers.osdp_message import Reply
from tests.controllers.virtual import KEY, VirtualLine, VirtualReader, forged, with_code
from tests.controllers.virtual_bus import CARD, DAMAGE, events, made


def test_a_card_in_the_clear_is_not_read() -> None:
    line = made()
    line.hurt = lambda answer: [forged(answer, with_code(*CARD))]
    line.run(5)
    line.hurt = lambda answer: [forged(answer, with_code(Reply.FMT, b"\0\0\3abc"))]
    line.run(5)
    assert not events(line, CardRead)
    assert not events(line, TextRead)


def test_a_recorded_session_says_nothing_a_second_time() -> None:
    line = made()
    line.readers[0].events.extend([CARD] * 3)
    line.run(1)
    assert len(events(line, CardRead)) == 3
    tape = list(line.answers)
    for start in range(4):
        heard: list[DeviceEvent] = []
        bus = OsdpBus(115200, [OsdpReader("r1", 1, KEY)], heard.append)
        now = 0.0
        for answer in tape[start:] + tape:
            while bus.next_send(now) is None:
                now = max(now + 0.0001, bus.deadline(now))
            now += 0.005
            bus.receive(answer, now)
        assert not any(isinstance(event, CardRead) for event in heard)
        assert not any(isinstance(event, LinkState) and event.up for event in heard)


def test_the_last_answer_played_again_is_not_a_second_card() -> None:
    line = made()
    line.readers[0].events.append(CARD)
    line.hurt = lambda answer: [answer, answer, answer]
    line.run(2)
    assert len(events(line, CardRead)) == 1
    assert len(events(line, LinkState)) == 1


def test_a_reader_with_another_key_is_told_from_one_that_refuses_ours() -> None:
    line = VirtualLine([VirtualReader(1, key=bytes(range(16))), VirtualReader(2), VirtualReader(3)])
    refusing = line.readers[1]
    original = refusing._proved
    refusing._proved = lambda frame: original(replace(frame, data=bytes(16)))  # type: ignore[method-assign] # a liar
    blank = line.readers[2]
    challenged = blank._challenged
    blank._challenged = lambda frame: forged(  # type: ignore[method-assign] # it offers the published key
        challenged(frame), lambda answer: replace(answer, security=bytes((0x12, 0)))
    )
    line.run(3)
    reasons = {event.device: event.reason for event in events(line, LinkState)}
    assert reasons == {
        "r1": "reader holds another key",
        "r2": "reader refused our key",
        "r3": "reader answers with the default key",
    }


def test_damaged_and_forged_answers_never_make_a_card() -> None:
    chance = random.Random(20260101)
    line = made()
    line.hurt = lambda answer: chance.choice(DAMAGE)(chance, answer) if chance.random() < 0.4 else [answer]
    while len(line.answers) < 40_000:
        line.run(5)
    assert len([event for event in events(line, LinkState) if event.up]) > 100
    assert not events(line, CardRead)
    assert not events(line, TextRead)
    line.hurt = lambda answer: [answer]
    line.run(2)
    line.readers[0].events.append(CARD)
    line.run(1)
    assert not events(line, CardRead)[0].seen.stale

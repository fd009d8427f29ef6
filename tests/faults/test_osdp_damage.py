"""A million damaged and forged OSDP answers in virtual time: no card, no end of the panel, no growth."""

import random

import pytest

from controllers.driver import CardRead, KeyRead, LinkState, TextRead
from controllers.osdp_limits import Limits
from tests.controllers.virtual_bus import CARD, DAMAGE, events, made

SHORT, LONG, LONG_PARTS = 1_000, 250_000, 4


@pytest.mark.parametrize("seed", range(LONG_PARTS))
def test_no_damaged_or_forged_answer_is_ever_a_card(seed: int, long: bool) -> None:
    chance = random.Random(seed)
    line = made()
    damaged = 0

    def hurt(answer: bytes) -> list[bytes]:
        nonlocal damaged
        if chance.random() < 0.6:
            return [answer]
        damaged += 1
        return chance.choice(DAMAGE)(chance, answer)

    line.hurt = hurt
    while damaged < (LONG if long else SHORT):
        line.run(5)
        assert not events(line, CardRead)
        assert not events(line, TextRead)
        assert not events(line, KeyRead)
        assert len(line.bus._decoder._buffer) <= Limits().reply_bytes
        for kept in (line.events, line.sent, line.answers):
            kept.clear()
    line.hurt = lambda answer: [answer]
    line.run(2)  # what the last damage broke is back by now
    line.events.clear()
    line.readers[0].events.append(CARD)
    line.run(1)
    assert len(events(line, CardRead)) == 1
    assert not any(not event.up for event in events(line, LinkState))

"""Leg 6: central removes a resident, and the door refuses every card of the household within 5 s."""

import itertools
import time
from typing import Any

from simulators.legs.push import HOUSEHOLD, NEWCOMERS
from simulators.legs.watch import LegFailed, Watch, verdict
from simulators.stage import Stage
from simulators.wiegand import hex_bits

LIMIT_S = 5.0
PAUSE_S = 0.14  # all cards in turn take more than a second: a card shown again sooner is the same presentation
DOOR = "building-1"


def run(stage: Stage) -> dict[str, Any]:
    """Hold one card after the other until one is refused."""
    with stage.alone_at(DOOR):
        if not verdict(stage, DOOR, NEWCOMERS[-1])[0]:
            raise LegFailed(f"card {NEWCOMERS[-1].id} does not open before it is revoked")
        watch = Watch(stage)
        revoked = time.time()
        stage.central.call("delete", kind="residents", id=HOUSEHOLD)
        answered_ms = round((time.time() - revoked) * 1000)
        for card in itertools.cycle(NEWCOMERS):
            opens, at = verdict(stage, DOOR, card)
            if not opens:
                break
            if at - revoked > LIMIT_S:
                raise LegFailed(f"still opened {at - revoked:.1f} s after central removed the resident")
            time.sleep(PAUSE_S)
    event = watch.event("the refusal at central", kind="Denied", raw=hex_bits(card.bits))
    return {"answered_ms": answered_ms, "revoke_to_refusal_ms": round((at - revoked) * 1000), "reason": event["reason"]}

"""Leg 6: central removes a resident, and the door refuses the card within 5 s."""

import time
from typing import Any

from simulators.estate import Card
from simulators.legs.watch import LegFailed, Watch, verdict
from simulators.stage import Stage
from simulators.wiegand import hex_bits

LIMIT_S = 5.0
PAUSE_S = 0.05


def run(stage: Stage) -> dict[str, Any]:
    """Hold the card again and again until it is refused."""
    with stage.alone_at("building-1"):
        return _revoke(stage, stage.site.estate.cards_of("building-1", "H10301")[5])


def _revoke(stage: Stage, card: Card) -> dict[str, Any]:
    if not verdict(stage, "building-1", card)[0]:
        raise LegFailed(f"card {card.id} does not open before it is revoked")
    watch = Watch(stage)
    revoked = time.time()
    stage.central.call("delete", kind="residents", id=card.resident)
    answered_ms = round((time.time() - revoked) * 1000)
    while True:
        opens, at = verdict(stage, "building-1", card)
        if not opens:
            break
        if at - revoked > LIMIT_S:
            raise LegFailed(f"still opened {at - revoked:.1f} s after central removed the resident")
        time.sleep(PAUSE_S)
    event = watch.event("the refusal at central", kind="Denied", raw=hex_bits(card.bits))
    return {"answered_ms": answered_ms, "revoke_to_refusal_ms": round((at - revoked) * 1000), "reason": event["reason"]}

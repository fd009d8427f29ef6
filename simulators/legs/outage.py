"""Leg 7: without the management plane the doors go on, and nothing that happened is lost, doubled or out of order."""

import itertools
import time
from typing import Any

from simulators.legs.watch import LegFailed, Watch, opened, present, refused
from simulators.stage import Stage
from simulators.wiegand import h10306, hex_bits

STRANGER = h10306(4660, 64_321)


def run(stage: Stage) -> dict[str, Any]:
    """Three residents and a stranger while the management plane is stopped."""
    estate = stage.site.estate
    cards = [*estate.cards_of("building-1", "H10301")[7:9], estate.cards_of("building-1", "H10306")[7]]
    before = Watch(stage)
    stopped = time.time()
    exit_code = stage.stop_menjin("api")
    try:
        for card in cards:
            opened(present(stage, "building-1", card.bits, walk=True), "building-1", f"{card.id} during the outage")
        refused(present(stage, "building-1", STRANGER), "building-1", "a stranger during the outage")
    finally:
        stage.start_menjin("api")
    back = time.time()
    before.event("the stranger's refusal, after the outage", 20, kind="Denied", raw=hex_bits(STRANGER))
    caught_up_ms = round((time.time() - back) * 1000)
    figures = _check_feed(stage, before.events_since, [card.id for card in cards])
    return {"exit_code": exit_code, "outage_s": round(back - stopped, 1), "catch_up_ms": caught_up_ms, **figures}


def _check_feed(stage: Stage, since: int, cards: list[str]) -> dict[str, Any]:
    everything = [entry["event"] for entry in stage.events(0)]
    seqs = [event["seq"] for event in everything]
    if seqs != list(range(seqs[0], seqs[0] + len(seqs))):
        breaks = [(a, b) for a, b in itertools.pairwise(seqs) if b != a + 1]
        raise LegFailed(f"sequence at central jumps: {breaks[:3]}")
    gap = [entry["event"] for entry in stage.events(since)]
    granted = [event["credential"] for event in gap if event["kind"] == "Granted" and event["credential"] in cards]
    if granted != cards:
        raise LegFailed(f"central heard of {granted}, the residents were {cards}")
    return {"events_of_the_gap": len(gap), "events_in_all": len(seqs), "last_seq": seqs[-1]}

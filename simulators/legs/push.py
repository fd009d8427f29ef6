"""Leg 1: what central pushes, a door obeys."""

import time
from typing import Any

from simulators.estate import Card
from simulators.legs.watch import LegFailed, verdict
from simulators.stage import Stage

FIRST_PUSH_S = 20.0
PROBES_S = (0.05, 0.1, 0.3, 0.8)  # pauses between probes: the fifth refusal in a row would slow the reader down
NEWCOMER = Card("c-newcomer", "r-newcomer", "H10301", 18, 61_234, ("building-1",))


def run(stage: Stage) -> dict[str, Any]:
    """Push the estate, then one newcomer; both times a card at a real reader says when it is true."""
    started = time.time()
    sent = stage.central.call("push")["sent"]
    accepted_ms = _ms_since(started)
    _wait_for_table(stage)
    estate_ms = _first_open_ms(stage, stage.site.estate.cards_of("building-1")[0], started)
    started = time.time()
    resident = {"name": "新住户", "phone": "19912345678", "unit": "1-2-1101", "holder_class": "resident"}
    stage.central.call("put", kind="residents", id=NEWCOMER.resident, body=resident)
    stage.central.call("put", kind="credentials", id=NEWCOMER.id, body=NEWCOMER.body())
    push_ms = _first_open_ms(stage, NEWCOMER, started)
    return {"objects": sent, "accepted_ms": accepted_ms, "estate_to_door_ms": estate_ms, "push_to_door_ms": push_ms}


def _wait_for_table(stage: Stage) -> None:
    """Until the gateway reports that it adopted a table with the estate in it."""
    deadline = time.monotonic() + FIRST_PUSH_S
    since = 0
    while (left_s := deadline - time.monotonic()) > 0:
        for entry in stage.events(since, left_s):
            since = entry["n"]
            event = entry["event"]
            if event["kind"] == "TableAdopted" and event.get("table_version", 0) > 0:
                return
    raise LegFailed(f"the gateway adopted no table within {FIRST_PUSH_S:g} s of the push")


def _first_open_ms(stage: Stage, card: Card, started: float) -> int:
    for pause_s in PROBES_S:
        opens, at = verdict(stage, "building-1", card)
        if opens:
            return round((at - started) * 1000)
        time.sleep(pause_s)
    raise LegFailed(f"card {card.id} was pushed, and still refused {_ms_since(started)} ms later")


def _ms_since(started: float) -> int:
    return round((time.time() - started) * 1000)

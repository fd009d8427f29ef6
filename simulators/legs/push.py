"""Leg 1: what central pushes, a door obeys."""

import time
from collections.abc import Sequence
from typing import Any

from simulators.estate import Card
from simulators.legs.watch import LegFailed, verdict
from simulators.stage import Stage

FIRST_PUSH_S = 20.0
# A card that is shown again within a second is the same presentation, and a fifth refusal in a row slows a reader down:
# so each probe is another card of one household, at two readers in turn.
DOORS = ("building-1", "main-gate")
PROBES_S = (0.03, 0.03, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)  # pauses after each probe
HOUSEHOLD = "r-newcomer"
NEWCOMERS = tuple(
    Card(f"c-newcomer-{n}", HOUSEHOLD, "H10301", 18, 61_000 + n, ("building-1",)) for n in range(len(PROBES_S))
)


def run(stage: Stage) -> dict[str, Any]:
    """Push the estate, then a household; both times cards at real readers say when it is true."""
    _wait_for_table(stage, 0, "the gateway found the management plane")
    started = time.time()
    pushed = stage.central.call("push")
    accepted_ms = _ms_since(started)
    _wait_for_table(stage, int(pushed["answer"]["version"]), "the gateway adopted the pushed table")
    estate_ms = _first_open_ms(stage, stage.site.estate.cards_of("building-1")[:2], started)
    home = "1-2-1101"
    resident = {"name": "新住户", "phone": "19912345678", "unit": home, "homes": [home], "holder_class": "resident"}
    operations = [
        {"op": "put", "kind": "residents", "id": HOUSEHOLD, "body": resident},
        *({"op": "put", "kind": "credentials", "id": card.id, "body": card.body()} for card in NEWCOMERS),
    ]
    started = time.time()
    stage.central.call("push", operations=operations)
    push_ms = _first_open_ms(stage, NEWCOMERS, started)
    sent = pushed["sent"]
    return {"objects": sent, "accepted_ms": accepted_ms, "estate_to_door_ms": estate_ms, "push_to_door_ms": push_ms}


def _wait_for_table(stage: Stage, version: int, words: str) -> None:
    """Until central hears that the gateway adopted this table, or a later one."""
    deadline = time.monotonic() + FIRST_PUSH_S
    since = 0
    while (left_s := deadline - time.monotonic()) > 0:
        for entry in stage.events(since, left_s):
            since = entry["n"]
            event = entry["event"]
            if event["kind"] == "TableAdopted" and event.get("table_version", 0) >= version:
                return
    raise LegFailed(f"{words}: not so after {FIRST_PUSH_S:g} s")


def _first_open_ms(stage: Stage, cards: Sequence[Card], started: float) -> int:
    for number, card in enumerate(cards):
        opens, at = verdict(stage, DOORS[number % len(DOORS)], card)
        if opens:
            return round((at - started) * 1000)
        time.sleep(PROBES_S[number])
    raise LegFailed(f"pushed, and still refused {_ms_since(started)} ms later: {', '.join(card.id for card in cards)}")


def _ms_since(started: float) -> int:
    return round((time.time() - started) * 1000)

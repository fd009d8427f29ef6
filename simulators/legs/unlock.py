"""Leg 9: a guard opens a door from the console, and the audit log says who it was."""

import time
from typing import Any

from simulators.guard import Guard
from simulators.legs.watch import LegFailed, Watch, opened
from simulators.stage import Stage

OPERATOR = "admin"
DOOR = "main-gate"


def run(stage: Stage) -> dict[str, Any]:
    """Press the button in Chromium; look at the strike, at the event and at the audit log."""
    guard: Guard = stage.noted("guard")
    with stage.alone_at(DOOR):
        watch = Watch(stage)
        pressed = time.time()
        said = stage.browser.call("unlock", door=DOOR)["said"]
        on = opened(watch, DOOR, "the guard's order")
        event = watch.event("RemoteUnlock at central", kind="RemoteUnlock", door=DOOR)
    if event.get("operator") != OPERATOR:
        raise LegFailed(f"the event names the operator {event.get('operator')!r}, expected {OPERATOR!r}")
    entry = _audit_entry(guard)
    return {"press_to_strike_ms": round((on["at"] - pressed) * 1000), "console_said": said, "audit": entry}


def _audit_entry(guard: Guard) -> dict[str, Any]:
    answer = guard.ask("GET", "audit?limit=50")
    lists = [answer] if isinstance(answer, list) else [value for value in answer.values() if isinstance(value, list)]
    rows: list[dict[str, Any]] = lists[0]
    for row in rows:
        words = {str(value) for value in row.values()}
        if OPERATOR in words and any(DOOR in word for word in words):
            return row
    raise LegFailed(f"the audit log has no unlock of {DOOR} by {OPERATOR} among its last {len(rows)} rows")

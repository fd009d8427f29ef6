"""A leg: who is inside gets out by the button, and fire releases the door until two acts end it."""

import time
from collections.abc import Callable
from typing import Any

from simulators.guard import Guard
from simulators.legs.watch import LOCKS, LegFailed, Watch, is_on, opened
from simulators.site import FIRE_ZONE
from simulators.stage import Stage

DOOR = "building-1"
SHOWN_S = 5.0  # for the console to show what the door is


def run(stage: Stage) -> dict[str, Any]:
    """Press the button; open the fire panel's loop, try to reset it, close it, reset it."""
    guard: Guard = stage.noted("guard")
    with stage.alone_at(DOOR):
        return {"button_to_strike_ms": _leave(stage), **_fire(stage, guard)}


def _leave(stage: Stage) -> int:
    watch = Watch(stage)
    pressed = time.time()
    stage.readers.call("button", reader=LOCKS[DOOR], pressed=True, walk=True)
    on = opened(watch, DOOR, "the button inside")
    stage.readers.call("button", reader=LOCKS[DOOR], pressed=False)
    watch.event("the button at central", kind="RequestToExit", door=DOOR)
    _until(lambda: not stage.readers.call("state")["readers"][LOCKS[DOOR]]["released"], "the lock is secured again")
    return round((float(on["at"]) - pressed) * 1000)


def _fire(stage: Stage, guard: Guard) -> dict[str, Any]:
    watch = Watch(stage)
    opened_at = time.time()
    stage.readers.call("fire_loop", reader=LOCKS[DOOR], whole=False)
    on = opened(watch, DOOR, "fire")
    _shows(guard, "Burning")
    early = guard.outcome(guard.order("fire_reset", "演练", zone=FIRE_ZONE))
    stage.readers.call("fire_loop", reader=LOCKS[DOOR], whole=True)
    _shows(guard, "Latched")
    if not stage.readers.call("state")["readers"][LOCKS[DOOR]]["released"]:
        raise LegFailed("the door was secured when the loop was whole again, before anybody reset the fire")
    reset = guard.outcome(guard.order("fire_reset", "演练结束", zone=FIRE_ZONE))
    _shows(guard, "Clear")
    if (early, reset) != ("Refused", "Done"):
        raise LegFailed(f"a reset in the fire ended as {early!r}, one after it as {reset!r}")
    watch.entry(stage.readers, lambda entry: entry["what"] == "output" and not entry["on"], "the lock is secured")
    released = watch.entries(stage.readers, lambda entry: is_on(entry, DOOR))
    if len(released) != 1:
        raise LegFailed(f"the lock was released {len(released)} times in one fire")
    for kind in ("FireReleased", "FireResetRefused", "FireEnded"):
        watch.event(f"{kind} at central", kind=kind, door=DOOR)
    return {"fire_to_strike_ms": round((on["at"] - opened_at) * 1000), "reset_in_fire": early, "reset_after": reset}


def _shows(guard: Guard, state: str) -> None:
    _until(lambda: guard.door(DOOR)["fire"] == state, f"the console shows {state} at {DOOR}")


def _until(is_so: Callable[[], bool], words: str) -> None:
    deadline = time.monotonic() + SHOWN_S
    while not is_so():
        if time.monotonic() > deadline:
            raise LegFailed(f"{words}: not so after {SHOWN_S:g} s")
        time.sleep(0.05)

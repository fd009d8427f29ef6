"""A door as a state machine, stepped from levels: a repeated level changes nothing, a missed edge loses nothing.

Its words are in `door_words.py`, what it does in the tables of `door_transitions.py`.
"""

from dataclasses import replace
from typing import Any

from gateway.access.door_transitions import DUE, TRANSITIONS, Due, Moment, Step, Transition, settle
from gateway.access.door_words import (
    MODES,
    PRECEDENCE,
    Closed,
    CommandEnded,
    ContactLevel,
    DoorAlarm,
    DoorConfig,
    DoorInput,
    DoorMode,
    DoorOutput,
    DoorState,
    Fire,
    FireEnded,
    FireLevel,
    FireReleased,
    FireReset,
    FireResetRefused,
    ForcedOpen,
    Grant,
    GrantGiven,
    HeldSoon,
    LockdownLevel,
    ModeReleased,
    ModeRule,
    ModeSet,
    NotTaken,
    OpenTooLong,
    Order,
    PulseLock,
    ReleaseLock,
    Relock,
    Resumed,
    RexLevel,
    ScheduleLevel,
    SecureLock,
    Taken,
    Tick,
)

__all__ = [
    "DUE",
    "MODES",
    "PRECEDENCE",
    "TRANSITIONS",
    "Closed",
    "CommandEnded",
    "ContactLevel",
    "DoorAlarm",
    "DoorConfig",
    "DoorInput",
    "DoorMode",
    "DoorOutput",
    "DoorState",
    "Fire",
    "FireEnded",
    "FireLevel",
    "FireReleased",
    "FireReset",
    "FireResetRefused",
    "ForcedOpen",
    "Grant",
    "GrantGiven",
    "HeldSoon",
    "LockdownLevel",
    "ModeReleased",
    "ModeRule",
    "ModeSet",
    "NotTaken",
    "OpenTooLong",
    "Order",
    "PulseLock",
    "ReleaseLock",
    "Relock",
    "Resumed",
    "RexLevel",
    "ScheduleLevel",
    "SecureLock",
    "Step",
    "Taken",
    "Tick",
    "keep",
    "next_tick",
    "restore",
    "step",
]

_OF_INPUT: dict[type, tuple[Transition, ...]] = {
    kind: tuple(row for row in TRANSITIONS if row.input is kind) for kind in {row.input for row in TRANSITIONS}
}


def step(state: DoorState, input: DoorInput, at: float, config: DoorConfig) -> Step:
    """The state after this input at this time, and what there is to say, in order.

    Everything that fell due before `at` comes first, each at its own time, so a late Tick, or none, loses nothing.

    Raises:
        ValueError: the mode Accessed is ordered.
    """
    said: tuple[DoorOutput, ...] = ()
    while (due := _next(state, config)) is not None and due[0] <= at:
        state, told = _apply(due[1].then, Moment(state, Tick(), due[0], config))
        said += told
    moment = Moment(state, input, at, config)
    row = next(row for row in _OF_INPUT[type(input)] if row.holds(moment))
    state, told = _apply(row.then, moment)
    return state, said + told


def next_tick(state: DoorState, config: DoorConfig) -> float | None:
    """When the state next changes by itself: call `step` with a Tick then."""
    due = _next(state, config)
    return None if due is None else due[0]


def _next(state: DoorState, config: DoorConfig) -> tuple[float, Due] | None:
    times = [(time, n) for n, row in enumerate(DUE) if (time := row.due(state, config)) is not None]
    if not times:
        return None
    time, n = min(times)
    return time, DUE[n]


def _apply(then: Any, moment: Moment) -> Step:
    state, said = then(moment)
    if state is moment.state:
        return state, said
    state, lock = settle(moment, state)
    return state, said + lock


def keep(state: DoorState, at: float, now: float) -> dict[str, Any]:
    """What outlives a restart, as JSON values: fire, lockdown, the guard's mode, first-in; ends in Unix seconds.

    Args:
        state: the door's state.
        at: the time on the machine's clock.
        now: the same moment in Unix seconds.
    """
    order = state.order
    until = None if order is None or order.until is None else order.until - at + now
    open_until = None if state.scheduled_until is None else state.scheduled_until - at + now
    return {
        "fire": state.fire.value,
        "lockdown": state.lockdown,
        "order": None if order is None else [order.mode.value, until],
        "first_in": state.first_in,
        "first_in_until": open_until,
    }


def restore(kept: dict[str, Any], at: float, now: float, resting: DoorMode = DoorMode.LOCKED) -> DoorState:
    """The state to start from after a restart: no grants, nothing seen yet.

    An order that ran out ends at once, and first-in holds no longer than the opening of its schedule.

    Raises:
        KeyError, ValueError, TypeError: `kept` was not made by `keep`.
    """
    order = None
    if kept["order"] is not None:
        mode, until = kept["order"]
        order = Order(DoorMode(mode), None if until is None else until - now + at)
    fire = Fire.CLEAR if Fire(kept["fire"]) is Fire.CLEAR else Fire.BURNING  # burning until its input is read anew
    until = kept.get("first_in_until")
    first_in = bool(kept["first_in"]) and (until is None or until > now)
    state = DoorState(resting, fire=fire, lockdown=bool(kept["lockdown"]), order=order, first_in=first_in)
    return replace(state, scheduled_until=None if until is None else until - now + at)

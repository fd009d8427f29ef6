"""What operators order from afar: each order once, in time, and written down before it is carried out."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from controllers.driver import Result
from gateway.access.door import MODES, DoorInput, DoorMode, Fire, FireReset, ModeReleased, ModeSet
from gateway.access.event import EventKind
from gateway.access.interlock import in_the_way
from gateway.access.presence import Pardoned
from gateway.access.reasons import DenyReason
from gateway.commands import Order
from gateway.doors import Doors
from gateway.lockdowns import Lockdowns, place_of
from gateway.orders import COMMAND_S, Orders
from gateway.passage import Change, CommandTaken, LockdownKept
from gateway.pen import Pen
from gateway.site import Door, Site

ORDERED_MODES = frozenset(DoorMode) - {DoorMode.ACCESSED, DoorMode.UNKNOWN, DoorMode.LOCKED_DOWN}
LETS_NOBODY_OUT = {DoorMode.BLOCKED, DoorMode.DOUBLE_LOCKED}  # not even by a reader that leads outwards

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RemoteOrder:
    """An operator's order. Times are Unix seconds. What an action does not need is left empty."""

    command_id: str
    door: str
    operator: str
    reason: str
    expires_at: float
    action: str = "unlock"  # unlock, mode, mode_release, lockdown, lockdown_release, fire_reset, pardon
    mode: str = ""
    for_s: float | None = None  # how long the mode lasts; None: until it is released
    zone: str = ""  # of a lockdown or pardon (empty: the whole site), or the fire zone
    person: str = ""  # of a pardon; empty: everybody in the zone


@dataclass(frozen=True, slots=True)
class _Plan:
    """What an order will do: to doors, and to what is kept."""

    inputs: tuple[tuple[Door, DoorInput], ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def frees(self) -> list[Door]:
        """Doors whose locks it leaves released."""
        return [door for door, input_ in self.inputs if isinstance(input_, ModeSet) and MODES[input_.mode].free]


class _Refused(Exception):
    """The order cannot be carried out; `text` says why, and so does `reason`, if a card is refused by it too."""

    def __init__(self, text: str, reason: str = "") -> None:
        super().__init__(text)
        self.detail = {"detail": text} | ({"why": reason} if reason else {})


class Remote:
    """Carries out operators' orders.

    Args:
        site: the wiring.
        pen: the way into the journal.
        doors, orders, lockdowns: what the orders are about.
        loop: the loop in whose thread all of it runs.
        on_change: called when something that a guard sees changed.
    """

    def __init__(
        self,
        site: Site,
        pen: Pen,
        doors: Doors,
        orders: Orders,
        lockdowns: Lockdowns,
        loop: asyncio.AbstractEventLoop,
        on_change: Callable[[], None],
    ) -> None:
        self._site, self._pen, self._doors, self._orders, self._lockdowns = site, pen, doors, orders, lockdowns
        self._loop, self._on_change = loop, on_change
        self._passage, self._clock = pen.journal.passage, pen.clock
        self._plans: dict[str, Callable[[RemoteOrder], _Plan]] = {
            "mode": self._mode,
            "mode_release": lambda order: self._of_door(order, ModeReleased()),
            "lockdown": lambda order: self._lockdown(order, True),
            "lockdown_release": lambda order: self._lockdown(order, False),
            "fire_reset": self._fire_reset,
            "pardon": self._pardon,
        }

    def take(self, order: RemoteOrder) -> None:
        """Carry out an order once, if it is still in time."""
        if self._passage.took(order.command_id):
            return
        taken = CommandTaken(order.command_id, order.expires_at)
        self._passage.note(taken)
        left_s = order.expires_at - self._clock.now()
        if left_s <= 0:
            self._end(order, Result.EXPIRED, {}, taken)
            return
        try:
            if order.action == "unlock":
                self._unlock(order, taken, left_s)
            else:
                self._carry_out(order, taken)
        except _Refused as error:
            self._end(order, Result.REFUSED, error.detail, taken)

    def _unlock(self, order: RemoteOrder, taken: CommandTaken, left_s: float) -> None:
        door = self._door(order)
        if not (state := self._doors.state(door.name)).admits:
            raise _Refused(f"the door is {state.base}: release that first", DenyReason.DOOR_BLOCKED)
        self._alone(door)
        deadline = self._clock.mono() + min(COMMAND_S, left_s)
        event = self._pen.event(EventKind.REMOTE_UNLOCK, _fields(order) | {"reason": order.reason})
        self._orders.carry_out(Order(order.command_id, door, deadline, operator=order.operator), event, (taken,))

    def _alone(self, door: Door) -> None:
        """Of the doors of an interlock one at most is released."""
        if other := in_the_way(door.name, self._site.interlocks, self._doors.states, self._orders.leaving.__contains__):
            raise _Refused(f"interlock: {other} is not shut", DenyReason.INTERLOCKED)

    def _carry_out(self, order: RemoteOrder, taken: CommandTaken) -> None:
        if (make := self._plans.get(order.action)) is None:
            raise _Refused(f"unknown action {order.action!r}")
        plan, mono = make(order), self._clock.mono()
        kept = tuple(self._doors.kept(door.name, mono, input_) for door, input_ in plan.inputs)
        said = {"mode": order.mode, "for_s": order.for_s, "zone": order.zone, "person": order.person}
        detail = {"action": order.action} | {name: value for name, value in said.items() if value not in ("", None)}
        event = self._pen.event(EventKind.ORDERED, _fields(order) | {"reason": order.reason, "detail": detail})
        for door in plan.frees:
            self._orders.begin(door)
        written = self._pen.journal.append(event, (taken, *plan.changes, *kept))
        written.add_done_callback(partial(self._written, order, plan))

    def _written(self, order: RemoteOrder, plan: _Plan, future: "Future[int]") -> None:
        """In the writer's thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending
            self._loop.call_soon_threadsafe(self._do, order, plan, future.exception() is None)

    def _do(self, order: RemoteOrder, plan: _Plan, durable: bool) -> None:
        """Once it is on the disk. A lockdown only shuts, so it waits for no disk that fails."""
        for door in plan.frees:
            self._orders.left(door)
        if not durable and order.action != "lockdown":
            log.error("not carried out: it cannot be written down", action=order.action)
            return
        self._pen.noted(plan.changes)
        for door, input_ in plan.inputs:
            self._doors.step(door, input_, self._clock.mono())
        if order.action in ("lockdown", "lockdown_release"):
            self._lockdowns.apply(self._clock.mono())  # another order may have come between
        self._on_change()
        self._end(order, Result.DONE, {})

    # --- what each action does ----------------------------------------------------------------------------------------

    def _door(self, order: RemoteOrder) -> Door:
        if (door := self._doors.by_name.get(order.door)) is None:
            raise _Refused("no such door")
        return door

    def _of_door(self, order: RemoteOrder, input_: DoorInput) -> _Plan:
        return _Plan(((self._door(order), input_),))

    def _mode(self, order: RemoteOrder) -> _Plan:
        if order.mode not in ORDERED_MODES:
            raise _Refused(f"no mode to order: {order.mode!r}")
        if order.mode in LETS_NOBODY_OUT and not self._door(order).may_block:
            raise _Refused("the site file names no way out of it without a reader")
        if order.for_s is not None and order.for_s <= 0:
            raise _Refused("a mode lasts longer than that")
        if MODES[mode := DoorMode(order.mode)].free:
            self._alone(self._door(order))
        return self._of_door(order, ModeSet(mode, order.for_s))

    def _lockdown(self, order: RemoteOrder, on: bool) -> _Plan:
        place = place_of(zone=order.zone, door=order.door)
        if on and not self._lockdowns.covered(place):
            raise _Refused("no door of this gateway is there")
        standing = self._passage.lockdowns | {place} if on else self._passage.lockdowns - {place}
        levels = self._lockdowns.levels(standing).items()
        now = self._doors.states
        inputs = ((self._doors.by_name[name], level) for name, level in levels if now[name].lockdown is not level.on)
        return _Plan(tuple(inputs), (LockdownKept(place, on),))

    def _fire_reset(self, order: RemoteOrder) -> _Plan:
        zones = {name: self._doors.fire_zone(name) for name in self._doors.by_name}
        doors = [door for name, door in self._doors.by_name.items() if zones[name] and zones[name] == order.zone]
        if not doors:
            raise _Refused("no such fire zone")
        if any(self._doors.state(door.name).fire is Fire.BURNING for door in doors):
            for door in doors:
                self._doors.step(door, FireReset(), self._clock.mono())  # it says FireResetRefused
            raise _Refused("the fire loop is not whole")
        return _Plan(tuple((door, FireReset()) for door in doors))

    def _pardon(self, order: RemoteOrder) -> _Plan:
        zones = [order.zone] if order.zone else list(self._passage.whereabouts.people)
        return _Plan((), tuple(Pardoned(zone, order.person) for zone in zones))

    def _end(self, order: RemoteOrder, result: Result, detail: dict[str, str], *changes: Change) -> None:
        self._pen.write(EventKind.COMMAND_OUTCOME, _fields(order) | {"reason": result, "detail": detail}, changes)


def _fields(order: RemoteOrder) -> dict[str, Any]:
    return {"door": order.door, "command_id": order.command_id, "operator": order.operator}

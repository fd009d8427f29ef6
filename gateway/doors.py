"""The doors' states, stepped from what devices report; what they say goes to one listener."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import structlog

from controllers.driver import InputState
from gateway.access import door as machine
from gateway.access.door import DoorInput, DoorOutput, DoorState, Fire
from gateway.passage import DoorKept
from gateway.site import Door, FireZone, Input

START_S = 5.0  # what an input does not tell within this after the start is not waited for

log = structlog.get_logger()


class Said(NamedTuple):
    """One step of a door: its state before and after, what it says, and what must be kept of it."""

    door: Door
    before: DoorState
    after: DoorState
    outputs: tuple[DoorOutput, ...]
    kept: tuple[DoorKept, ...]
    at: float  # monotonic seconds


class _Wire(NamedTuple):
    """What an input's level, or that nobody can say it, means to a door."""

    door: Door
    input: Input
    level: Callable[[bool | None], DoorInput]
    lost: bool = True  # whether it is told when the device is off line

    def told_by(self, levels: InputState) -> bool:
        """Whether the device reports this input."""
        return self.input.input < len(levels.active)


class Doors:
    """All doors of the gateway. Times are monotonic seconds. One thread.

    Args:
        doors, fire_zones: the wiring.
        say: takes each step that changes something or says something.
        on_change: called when what a guard sees of a door changed.
        kept: what was kept of each door (`DoorKept`), at the moment `at`, which is `now` in Unix seconds.
    """

    def __init__(
        self,
        doors: Sequence[Door],
        fire_zones: Sequence[FireZone],
        say: Callable[[Said], None],
        on_change: Callable[[], None],
        kept: Mapping[str, str],
        at: float,
        now: Callable[[], float],
    ) -> None:
        self._say, self._on_change, self._now, self._started = say, on_change, now, at
        self.by_name = {door.name: door for door in doors}
        found = {door.name: _restored(door, kept.get(door.name), at, now()) for door in doors}
        self._states = {name: state for name, (state, _) in found.items()}
        self.released = {name for name, (_, released) in found.items() if released}  # locks that may stand released
        self._wires: dict[str, list[_Wire]] = {}
        self._unread: dict[str, set[str]] = {name: set() for name in self.by_name}  # devices, until they have told
        zones = {zone.name: zone for zone in fire_zones}
        for door in doors:
            for wire in _wires(door, zones.get(door.fire_zone)):
                self._wires.setdefault(wire.input.device, []).append(wire)
                self._unread[door.name].add(wire.input.device)

    @property
    def states(self) -> Mapping[str, DoorState]:
        """Every door's state now."""
        return self._states

    def state(self, name: str) -> DoorState:
        """A door's state now."""
        return self._states[name]

    def inputs(self, levels: InputState) -> None:
        """A device reports its inputs. A fire loop that is not among them could never say fire: so it is fire."""
        for wire in self._wires.get(levels.device, ()):
            if wire.told_by(levels):
                level = levels.active[wire.input.input] == wire.input.when_active
                self.step(wire.door, wire.level(level), levels.seen.mono_s)
            elif wire.level is machine.FireLevel:
                self.step(wire.door, machine.FireLevel(None), levels.seen.mono_s)
            self._unread.get(wire.door.name, set()).discard(levels.device)

    def lacks_fire_input(self, levels: InputState) -> bool:
        """Whether a fire loop hangs on an input that the device does not report."""
        wires = self._wires.get(levels.device, ())
        return any(wire.level is machine.FireLevel and not wire.told_by(levels) for wire in wires)

    def fire_zone(self, name: str) -> str:
        """The fire zone that releases and resets a door; the door's own name if it burnt in one that is gone."""
        door, burns = self.by_name[name], self._states[name].fire is not Fire.CLEAR
        return door.fire_zone or (name if burns else "")

    def link_lost(self, device: str, at: float) -> None:
        """Nobody sees these inputs now."""
        for wire in self._wires.get(device, ()):
            if wire.lost:
                self.step(wire.door, wire.level(None), at)

    def tick(self, at: float, up_since: Callable[[str], float | None]) -> None:
        """Step each door for which something is due. `up_since`: since when a device is on line."""
        for name, door in self.by_name.items():
            due = machine.next_tick(self._states[name], door.config)
            if due is not None and due <= at:
                self.step(door, machine.Tick(), at)
        for name, unread in list(self._unread.items()):
            since = up_since(self.by_name[name].lock_device)
            if since is not None and (not unread or at >= max(since, self._started) + START_S):
                self._resume(self.by_name[name], at)

    def resumed(self, name: str) -> bool:
        """Whether every input of the door was read since the start, or waited for long enough."""
        return name not in self._unread

    def step(self, door: Door, input_: DoorInput, at: float) -> None:
        """Step one door, and tell what it says."""
        before = self._states[door.name]
        after, outputs = machine.step(before, input_, at, door.config)
        self._states[door.name] = after
        kept = (self.kept(door.name, at),) if _lasting(before) != _lasting(after) else ()
        if outputs or kept or (before.base, before.rex) != (after.base, after.rex):
            self._say(Said(door, before, after, outputs, kept, at))
        if _shown(before) != _shown(after):
            self._on_change()

    def kept(self, name: str, at: float, *inputs: DoorInput) -> DoorKept:
        """What must outlive a restart of a door, as it is now, or as it will be after these inputs."""
        door, state = self.by_name[name], self._states[name]
        for each in inputs:
            state, _ = machine.step(state, each, at, door.config)
        lasting = machine.keep(state, at, self._now()) | {"released": state.free or name in self.released}
        return DoorKept(name, json.dumps(lasting))

    def _resume(self, door: Door, at: float) -> None:
        for device in self._unread.pop(door.name):
            for wire in self._wires[device]:
                if wire.door is door and wire.lost:
                    self.step(door, wire.level(None), at)
        self.step(door, machine.Resumed(), at)


def _wires(door: Door, zone: FireZone | None) -> list[_Wire]:
    wires = []
    if door.contact:
        wires.append(_Wire(door, door.contact, machine.ContactLevel))
    if door.rex:
        wires.append(_Wire(door, door.rex, machine.RexLevel))
    if zone:
        wires.append(_Wire(door, zone.loop, machine.FireLevel, zone.lost_is_fire))
    return wires


def _restored(door: Door, kept: str | None, at: float, now: float) -> tuple[DoorState, bool]:
    """A door's state from before the start, and whether its lock may still stand released."""
    if kept is None:
        return DoorState(), False
    try:
        found: dict[str, Any] = json.loads(kept)
        state = machine.restore(found, at, now)
        if state.fire is not Fire.CLEAR and not door.fire_zone:  # no loop will tell it whole: a reset is left
            state = replace(state, fire=Fire.LATCHED)
        return state, bool(found["released"])
    except (KeyError, ValueError, TypeError) as error:
        log.error("what was kept of a door cannot be read, it starts locked", door=door.name, error=str(error))
        return DoorState(), True


def _lasting(state: DoorState) -> tuple[object, ...]:
    return state.fire is not Fire.CLEAR, state.lockdown, state.order, state.first_in


def _shown(state: DoorState) -> tuple[object, ...]:
    return state.mode, state.alarm, state.open, state.fire, state.lockdown, state.order


def reason_of(state: DoorState) -> str:
    """What holds the door at its mode, in a word: the first of PRECEDENCE that holds."""
    if state.fire is not Fire.CLEAR:
        return "fire"
    if state.lockdown:
        return "lockdown"
    if state.order is not None:
        return "guard"
    return "schedule" if state.scheduled and state.first_in else "rest"

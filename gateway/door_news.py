"""What a door's step means outside it: events, the lock, lights at its readers, amnesty for who passed unseen."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

import structlog

from controllers.driver import Outcome, Signal
from gateway.access import door as machine
from gateway.access.event import EventKind
from gateway.access.presence import PresenceChange
from gateway.commands import Commands
from gateway.doors import Doors, Said, reason_of
from gateway.elsewhere import told
from gateway.locks import Locks
from gateway.passage import Change
from gateway.pen import Pen
from gateway.site import Door, Site

KINDS = {  # what a door says → the event that it is
    machine.Taken: EventKind.TAKEN,
    machine.NotTaken: EventKind.NOT_TAKEN,
    machine.ForcedOpen: EventKind.DOOR_FORCED_OPEN,
    machine.OpenTooLong: EventKind.DOOR_OPEN_TOO_LONG,
    machine.Closed: EventKind.DOOR_CLOSED,
    machine.FireReleased: EventKind.FIRE_RELEASED,
    machine.FireEnded: EventKind.FIRE_ENDED,
    machine.FireResetRefused: EventKind.FIRE_RESET_REFUSED,
}

log = structlog.get_logger()


class DoorNews:
    """Listens to the doors. `join` it with them and their orders before the first step.

    Args:
        site: the wiring.
        pen: the way into the journal.
        commands: the way to readers and locks.
        loop: the loop in whose thread all of it runs.
    """

    def __init__(self, site: Site, pen: Pen, commands: Commands, loop: asyncio.AbstractEventLoop) -> None:
        self._site, self._pen, self._commands, self._loop = site, pen, commands, loop
        self.locks = Locks(commands, self._reached)
        self._writing: dict[str, int] = {}  # modes on their way to the disk, by door
        self._unrecorded: set[str] = set()  # doors whose mode could not be written down

    def join(
        self, doors: Doors, passed: Callable[[str], tuple[PresenceChange, ...]], stood_free: Callable[[str], None]
    ) -> None:
        """The doors that are listened to, who moved by an order once it is taken, and who hears of a door left free."""
        self._doors, self._passed, self._stood_free = doors, passed, stood_free
        for door in doors.by_name.values():
            self.locks.add(door, released=door.name in doors.released)

    def say(self, said: Said) -> None:
        """Take one step of a door: what it does to the lock comes before what is written of it, where fire is."""
        kept: tuple[Change, ...] = said.kept
        for output in said.outputs:
            self._lock(said, output)
            if isinstance(output, machine.HeldSoon):
                self._show(said.door, Signal.HELD)
            elif (kind := KINDS.get(type(output))) is not None:
                moves = self._moves(output)
                self._write(said, kind, _fields(said.door, output) | {"detail": told(moves)}, (*kept, *moves))
                kept = ()
        if said.before.base is not said.after.base or kept:
            self._mode(said, kept)
        if said.before.free is not said.after.free:
            self._stood_free(said.door.name)
        if said.after.rex and not said.before.rex:
            self._write(said, EventKind.REX, {"door": said.door.name}, ())

    def may_drive(self, door: Door) -> bool:
        """Whether the lock may be given its level now: inputs are read, and a release stands on the disk.

        Fire waits for no disk.
        """
        if not self._doors.resumed(door.name):
            return False
        recorded = door.name not in self._writing and door.name not in self._unrecorded
        return recorded or not self.locks.wants_release(door) or self._burns(door)

    def may_drive_again(self, door: Door) -> bool:
        """So, and no pulse of a request to exit would be cut short."""
        secures_early = self._doors.state(door.name).rex_until is not None and not self.locks.wants_release(door)
        return self.may_drive(door) and not secures_early

    def _burns(self, door: Door) -> bool:
        return self._doors.state(door.name).fire is not machine.Fire.CLEAR

    def _moves(self, output: machine.DoorOutput) -> tuple[PresenceChange, ...]:
        if isinstance(output, machine.NotTaken):
            self._passed(output.command_id)
        if not isinstance(output, machine.Taken):
            return ()
        return self._pen.noted(self._passed(output.command_id))

    def _lock(self, said: Said, output: machine.DoorOutput) -> None:
        door = said.door
        match output:
            case machine.ReleaseLock():
                self._doors.released.add(door.name)
                self.locks.want(door, released=True)
                if self._burns(door) and self.may_drive(door):
                    self.locks.drive(door, said.at)  # else `_recorded` does
            case machine.SecureLock():
                self.locks.want(door, released=False)
                relock = said.before != said.after and not said.before.free
                if self.may_drive(door):
                    self.locks.drive(door, said.at, again=relock)  # a pulse is cut short
            case machine.PulseLock(seconds):
                self.locks.pulse(door, seconds, said.at)  # who wants to leave waits for no disk

    def _mode(self, said: Said, kept: tuple[Change, ...]) -> None:
        """The door is at another mode: on the disk first, then its lock may be released."""
        detail: dict[str, Any] = {"by": reason_of(said.after)}
        order = said.after.order
        if detail["by"] == "guard" and order is not None and order.until is not None:
            detail["until"] = round(self._pen.clock.at(order.until), 3)
        fields = {"door": said.door.name, "reason": said.after.base, "detail": detail}
        event = self._pen.event(EventKind.DOOR_MODE, fields, self._pen.clock.at(said.at))
        name = said.door.name
        self._writing[name] = self._writing.get(name, 0) + 1
        self._pen.journal.append(event, kept).add_done_callback(partial(self._written, said.door))

    def _written(self, door: Door, future: "Future[int]") -> None:
        """In the writer's thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending
            self._loop.call_soon_threadsafe(self._recorded, door, future.exception() is None)

    def _recorded(self, door: Door, durable: bool) -> None:
        self._writing[door.name] -= 1
        if not self._writing[door.name]:
            del self._writing[door.name]
        if durable:
            self._unrecorded.discard(door.name)
        elif self.locks.wants_release(door):
            log.error("not released: it cannot be written down", door=door.name)
            self._unrecorded.add(door.name)
        if self.may_drive_again(door):
            self.locks.drive(door, self._pen.clock.mono())

    def _write(self, said: Said, kind: EventKind, fields: dict[str, Any], changes: tuple[Change, ...]) -> None:
        self._pen.put(self._pen.event(kind, fields, self._pen.clock.at(said.at)), changes)

    def _show(self, door: Door, signal: Signal) -> None:
        for reader, point in self._site.points.items():
            if point.door == door.name:
                self._commands.show(reader, signal, self._pen.clock.mono())

    def _reached(self, door: Door, what: str, outcome: Outcome) -> None:
        """A lock took its level, or will not for now."""
        if not self.locks.may_stand_released(door):
            self._doors.released.discard(door.name)
        detail = {"what": what} | ({"detail": outcome.detail} if outcome.detail else {})
        fields = {"door": door.name, "reason": outcome.result, "command_id": outcome.command_id, "detail": detail}
        self._pen.write(EventKind.COMMAND_OUTCOME, fields, (self._doors.kept(door.name, self._pen.clock.mono()),))


def _fields(door: Door, output: machine.DoorOutput) -> dict[str, Any]:
    fields: dict[str, Any] = {"door": door.name}
    if isinstance(output, machine.Taken | machine.NotTaken):
        fields |= {"access_point": output.access_point, "command_id": output.command_id}
    elif isinstance(output, machine.Closed) and output.ended is not machine.DoorAlarm.NORMAL:
        fields["reason"] = output.ended
    return fields

"""Each lock is held at the level that its door's mode asks for: a lost command is given again, none is given twice.

Pulses of grants are orders of their own (`orders.py`). Nothing is sent for a door before all its inputs were read.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from controllers.driver import LockAction, Outcome, Result
from gateway.commands import Commands, new_id
from gateway.site import Door

RETRY_S = 3.0  # after a command of which nobody knows what it did
LEVEL_S = 2.0  # a level that leaves later than this is given anew


@dataclass(slots=True)
class _Lock:
    """A lock that stands in one of two levels."""

    door: Door
    released: bool | None = False  # as far as anybody knows; None: nobody does
    wanted: bool = False
    open: dict[str, bool] = field(default_factory=dict)  # command id to the level that it gives
    tried_at: float = float("-inf")
    refused: bool = False


class Locks:
    """The lasting levels of all locks. Times are monotonic seconds. One thread.

    Args:
        commands: the way to the devices.
        reached: told when a lock has, or for now will not have, the level that it was given.
    """

    def __init__(self, commands: Commands, reached: Callable[[Door, str, Outcome], None]) -> None:
        self._commands, self._reached = commands, reached
        self._locks: dict[str, _Lock] = {}
        self._pulses: dict[str, Door] = {}

    def add(self, door: Door, *, released: bool) -> None:
        """A door; `released`: its lock may stand released from before the start."""
        self._locks[door.name] = _Lock(door, None if released else False)

    def want(self, door: Door, *, released: bool) -> None:
        """The level that the door's mode asks for from now on; `drive` sends it."""
        lock = self._locks[door.name]
        lock.wanted, lock.refused = released, False

    def wants_release(self, door: Door) -> bool:
        """Whether the door's lock should stand released."""
        return self._locks[door.name].wanted

    def may_stand_released(self, door: Door) -> bool:
        """Whether the door's lock stands released, should, or nobody knows."""
        lock = self._locks[door.name]
        return lock.wanted or lock.released is not False

    def drive(self, door: Door, at: float, *, again: bool = False) -> None:
        """Give the lock the level that it should have, if it has not; `again`: even so, a pulse may be running."""
        lock = self._locks[door.name]
        under_way = lock.wanted in lock.open.values() and at - lock.tried_at < RETRY_S
        if lock.refused or ((under_way or lock.released is lock.wanted) and not again):
            return
        command_id, lock.tried_at = new_id(), at
        lock.open = {command_id: lock.wanted}  # what was sent before is overtaken
        lock.released = None
        action = LockAction.RELEASE if lock.wanted else LockAction.SECURE
        lock.refused = not self._commands.lock(door, command_id, action, at + LEVEL_S)

    def pulse(self, door: Door, seconds: float, at: float) -> str:
        """Release a lock for so long, since somebody asks to leave. The command's id."""
        command_id = new_id()
        self._pulses[command_id] = door
        self._commands.lock(door, command_id, LockAction.PULSE, at + LEVEL_S, round(seconds * 1000))
        return command_id

    def link_up(self, device: str) -> None:
        """A device is back, and may have started anew: a lock that should stand released gets its level again."""
        for lock in self._locks.values():
            if lock.door.lock_device == device:
                lock.refused = False
                if lock.wanted:
                    lock.released = None

    def outcome(self, outcome: Outcome) -> bool:
        """Take the end of a level's or pulse's command; whether it was one."""
        if (pulsed := self._pulses.pop(outcome.command_id, None)) is not None:
            self._reached(pulsed, "pulse", outcome)
            return True
        for lock in self._locks.values():
            if (level := lock.open.pop(outcome.command_id, None)) is not None:
                lock.released = level if outcome.result is Result.DONE else None
                lock.refused = outcome.result is Result.REFUSED
                self._reached(lock.door, "release" if level else "secure", outcome)
                return True
        return False

    def tick(self, at: float, ready: Callable[[Door], bool]) -> None:
        """Give again what was lost. `ready`: the door's level may be sent now."""
        for lock in self._locks.values():
            if lock.released is not lock.wanted and at - lock.tried_at >= RETRY_S and ready(lock.door):
                self.drive(lock.door, at)

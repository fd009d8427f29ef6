"""Orders to locks: written down first, then sent, and their end written down too.

All runs in the loop's thread, except `_recorded`, which the journal's writer calls once an event is on the disk.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from controllers.driver import Outcome, Result, Signal
from gateway.access.door import CommandEnded, GrantGiven
from gateway.access.event import AccessEvent, EventKind
from gateway.commands import RELEASED, Commands, Order
from gateway.doors import Doors
from gateway.passage import Change, CommandTaken
from gateway.pen import Pen

COMMAND_S = 2.0  # from read, or operator, to lock (GB 50396-2007 5.1.2); what comes later is dropped

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RemoteUnlock:
    """An operator's order. Times are Unix seconds."""

    command_id: str
    door: str
    operator: str
    reason: str
    expires_at: float


class Orders:
    """Carries out orders, each at most once and none after its deadline."""

    def __init__(self, pen: Pen, commands: Commands, doors: Doors, loop: asyncio.AbstractEventLoop) -> None:
        self._pen, self._commands, self._doors, self._loop = pen, commands, doors, loop
        self._mono = pen.clock.mono

    def carry_out(self, order: Order, event: AccessEvent, changes: Sequence[Change]) -> None:
        """Write it down; the command leaves when that is on the disk."""
        self._commands.expect(order)
        self._pen.journal.append(event, changes).add_done_callback(partial(self._recorded, order))

    def unlock(self, remote: RemoteUnlock) -> None:
        """Carry out an operator's order once, if it is still in time."""
        passage, clock = self._pen.journal.passage, self._pen.clock
        if passage.took(remote.command_id):
            return
        taken = CommandTaken(remote.command_id, remote.expires_at)
        passage.note(taken)
        fields: dict[str, Any] = {
            "door": remote.door, "command_id": remote.command_id, "operator": remote.operator
        }  # fmt: skip
        door, left_s = self._doors.by_name.get(remote.door), remote.expires_at - clock.now()
        if door is None:
            fields |= {"reason": Result.REFUSED, "detail": {"detail": "no such door"}}
            self._pen.write(EventKind.COMMAND_OUTCOME, fields, (taken,))
        elif left_s <= 0:
            self._pen.write(EventKind.COMMAND_OUTCOME, fields | {"reason": Result.EXPIRED}, (taken,))
        else:
            deadline = self._mono() + min(COMMAND_S, left_s)
            event = self._pen.event(EventKind.REMOTE_UNLOCK, fields | {"reason": remote.reason})
            self.carry_out(Order(remote.command_id, door, deadline, operator=remote.operator), event, (taken,))

    def outcome(self, outcome: Outcome) -> None:
        """A driver says how a command ended."""
        order = self._commands.ended(outcome)
        if order is not None:
            self._ended(order, outcome.result, outcome.detail)

    def tick(self) -> None:
        """End the orders that no driver answered."""
        for order in self._commands.overdue(self._mono()):
            self._ended(order, Result.UNKNOWN, "no driver answered")

    def _recorded(self, order: Order, future: "Future[int]") -> None:
        """In the writer's thread: the event is on the disk, or never will be."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending, and no door opens
            self._loop.call_soon_threadsafe(self._unrecorded if future.exception() else self._send, order)

    def _send(self, order: Order) -> None:
        self._commands.send(order)
        self._doors.step(order.door, GrantGiven(order.command_id, order.access_point), self._mono())
        self._commands.show(order.reader, Signal.GRANTED, self._mono())

    def _unrecorded(self, order: Order) -> None:
        """No door opens unrecorded."""
        log.error("not opened: it cannot be written down", door=order.door.name)
        self._commands.drop(order.command_id)
        self._commands.show(order.reader, Signal.DENIED, self._mono())

    def _ended(self, order: Order, result: Result, detail: str) -> None:
        fields: dict[str, Any] = {
            "reason": result,
            "door": order.door.name,
            "access_point": order.access_point,
            "reader": order.reader,
            "command_id": order.command_id,
            "operator": order.operator,
            "detail": {"detail": detail} if detail else {},
        }
        self._pen.write(EventKind.COMMAND_OUTCOME, fields)
        released = RELEASED[result]
        self._doors.step(order.door, CommandEnded(order.command_id, released), self._mono())
        if released is False:
            self._commands.show(order.reader, Signal.DENIED, self._mono())

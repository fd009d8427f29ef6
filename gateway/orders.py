"""Orders to locks: written down first, then sent, and their end written down too.

All runs in the loop's thread, except `_recorded`, which the journal's writer calls once an event is on the disk.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from controllers.driver import Outcome, Result, Signal
from gateway.access.door import CommandEnded, GrantGiven
from gateway.access.event import AccessEvent, EventKind
from gateway.access.presence import Moved, PresenceChange
from gateway.commands import RELEASED, Commands, Order
from gateway.doors import Doors
from gateway.elsewhere import told
from gateway.passage import Change
from gateway.pen import Pen
from gateway.site import Door

COMMAND_S = 2.0  # from read, or operator, to lock (GB 50396-2007 5.1.2); what comes later is dropped
PASSING_S = 120.0  # who has not passed by then, as far as anybody saw, is forgotten

log = structlog.get_logger()


class Orders:
    """Carries out orders, each at most once and none after its deadline.

    Args:
        outwards: whether an access point leads outwards.
    """

    def __init__(
        self,
        pen: Pen,
        commands: Commands,
        doors: Doors,
        loop: asyncio.AbstractEventLoop,
        outwards: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._pen, self._commands, self._doors, self._loop = pen, commands, doors, loop
        self._outwards = outwards
        self._mono = pen.clock.mono
        # By command, since when, and who: until the door is taken, or nobody went.
        self._passing: dict[str, tuple[float, tuple[PresenceChange, ...]]] = {}
        self.leaving: dict[str, int] = {}  # doors with orders on their way to the disk, and how many

    def carry_out(self, order: Order, event: AccessEvent, changes: Sequence[Change]) -> None:
        """Write it down; the command leaves when that is on the disk."""
        outwards, admits = self._outwards(order.access_point), self._doors.state(order.door.name).admits
        let_in = not outwards and not order.operator
        order = replace(order, lasts=outwards or not admits, leads_in=let_in)
        self._commands.expect(order)
        if order.moves:
            self._passing[order.command_id] = (self._mono(), order.moves)
        self.begin(order.door)
        self._pen.journal.append(event, changes).add_done_callback(partial(self._recorded, order))

    def begin(self, door: Door) -> None:
        """A release of the door is on its way to the disk."""
        self.leaving[door.name] = self.leaving.get(door.name, 0) + 1

    def left(self, door: Door) -> None:
        """It is there, or never will be."""
        self.leaving[door.name] -= 1
        if not self.leaving[door.name]:
            del self.leaving[door.name]

    def on_the_way(self) -> list[Moved]:
        """Who was let in or out, and was not seen to pass yet."""
        return [move for _, moves in self._passing.values() for move in moves if isinstance(move, Moved)]

    def passed(self, command_id: str) -> tuple[PresenceChange, ...]:
        """The door was taken on this order: who moved; nobody if he was noted before, or gave up."""
        _, moves = self._passing.pop(command_id, (0.0, ()))
        return moves

    def outcome(self, outcome: Outcome) -> None:
        """A driver says how a command ended."""
        order = self._commands.ended(outcome)
        if order is not None:
            self._ended(order, outcome.result, outcome.detail)

    def tick(self) -> None:
        """End the orders that no driver answered."""
        for order in self._commands.overdue(self._mono()):
            self._ended(order, Result.UNKNOWN, "no driver answered")
        long_ago = self._mono() - PASSING_S
        for command_id in [each for each, (since, _) in self._passing.items() if since < long_ago]:
            del self._passing[command_id]

    def _recorded(self, order: Order, future: "Future[int]") -> None:
        """In the writer's thread: the event is on the disk, or never will be."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending, and no door opens
            self._loop.call_soon_threadsafe(self._unrecorded if future.exception() else self._send, order)

    def _send(self, order: Order) -> None:
        self.left(order.door)
        state, mono = self._doors.state(order.door.name), self._mono()
        if not state.admits and not order.lasts:  # its mode is another since it was granted
            self._ended(order, Result.REFUSED, "the door admits nobody now")
            self._commands.drop(order.command_id)
            return
        free = state.free
        if not free:
            self._commands.send(order, 0.0 if state.rex_until is None else state.rex_until - mono)
        given = GrantGiven(order.command_id, order.access_point, order.extended, order.lasts, order.leads_in)
        self._doors.step(order.door, given, mono)
        self._commands.show(order.reader, Signal.GRANTED, self._mono())
        if free:  # a pulse would secure the lock at its end
            self._commands.drop(order.command_id)
            self._ended(order, Result.DONE, "it stands released")

    def _unrecorded(self, order: Order) -> None:
        """No door opens unrecorded, but for who leaves by a door that its wiring lets out."""
        if order.door.opens_outwards_unrecorded and self._outwards(order.access_point):
            log.error("opened outwards, though it cannot be written down", door=order.door.name)
            self._send(order)
            return
        log.error("not opened: it cannot be written down", door=order.door.name)
        self.left(order.door)
        self._passing.pop(order.command_id, None)
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
        released = RELEASED[result]
        moves = self._unseen(order, released)
        fields["detail"] = fields["detail"] | told(moves)
        self._pen.write(EventKind.COMMAND_OUTCOME, fields, moves)
        self._doors.step(order.door, CommandEnded(order.command_id, released), self._mono())
        if released is False:
            self._commands.show(order.reader, Signal.DENIED, self._mono())

    def _unseen(self, order: Order, released: bool | None) -> tuple[PresenceChange, ...]:
        """Who passed, as far as anybody can know, where nobody sees the door; nobody where the lock stayed shut."""
        if released is False:
            self._passing.pop(order.command_id, None)
        elif self._doors.state(order.door.name).open is None:
            return self._pen.noted(self.passed(order.command_id))
        return ()

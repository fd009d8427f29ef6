"""A board's doors: opened, held open, secured.

`open_door` has no time of its own: the board uses the door's delay, which is set first where it differs. An opening
that was not answered is UNKNOWN; one whose preparation failed was provably never sent.
"""

import asyncio
import math

from controllers.driver import LockAction, LockCommand, Result
from controllers.session import Moment
from controllers.uhppote_link import DOORS, BoardLink, NoAnswer

NORMALLY_OPEN, CONTROLLED = 1, 3
LONGEST_S = 255

End = tuple[Result, str]


class BoardDoors:
    """The doors of one board; one command at a door at a time."""

    def __init__(self, link: BoardLink) -> None:
        self._link = link
        self._control: dict[int, tuple[int, int]] = {}  # door: mode and delay
        self._busy = {door: asyncio.Lock() for door in DOORS}

    def forget(self) -> None:
        """Nobody knows what happened to the board meanwhile."""
        self._control.clear()

    async def lock(self, command: LockCommand) -> End:
        """Carry a command out."""
        door = command.output + 1
        if door not in DOORS:
            return Result.REFUSED, f"no door {door}"
        if command.action is LockAction.PULSE and not 0 < command.pulse_ms <= LONGEST_S * 1000:
            return Result.REFUSED, f"a pulse lasts 1 to {LONGEST_S} s"
        try:
            async with asyncio.timeout(_left_s(command)):
                await self._busy[door].acquire()
        except TimeoutError:
            return Result.EXPIRED, "another command held the door until too late"
        try:
            return await self._act(command, door)
        finally:
            self._busy[door].release()

    async def _act(self, command: LockCommand, door: int) -> End:
        pulse = command.action is LockAction.PULSE
        try:
            mode, delay_s = self._control.get(door) or await self._read(door, _left_s(command))
            if pulse and delay_s != math.ceil(command.pulse_ms / 1000):
                await self._set(door, mode, math.ceil(command.pulse_ms / 1000), _left_s(command))
        except NoAnswer as error:
            return Result.EXPIRED, f"{error}; nothing was opened"
        if _left_s(command) <= 0:
            return Result.EXPIRED, "past its deadline before it could be sent"
        try:
            if pulse:
                reply = await self._link.ask("open_door", door, timeout_s=_left_s(command))
                return (Result.DONE, "") if reply.opened else (Result.REFUSED, "the board will not")
            hold = command.action is LockAction.RELEASE
            await self._set(door, NORMALLY_OPEN if hold else CONTROLLED, delay_s, _left_s(command))
        except NoAnswer as error:
            return Result.UNKNOWN, str(error)
        return Result.DONE, ""

    async def _read(self, door: int, timeout_s: float) -> tuple[int, int]:
        reply = await self._link.ask("get_door_control", door, timeout_s=timeout_s)
        self._control[door] = (reply.mode, reply.delay)
        return self._control[door]

    async def _set(self, door: int, mode: int, delay_s: int, timeout_s: float) -> None:
        self._control.pop(door, None)  # unknown until it is answered
        reply = await self._link.ask("set_door_control", door, mode, delay_s, timeout_s=timeout_s)
        if (reply.door, reply.mode, reply.delay) != (door, mode, delay_s):
            raise NoAnswer("set_door_control: the board kept its own")
        self._control[door] = (mode, delay_s)


def _left_s(command: LockCommand) -> float:
    return command.deadline_mono_s - Moment.now(0).mono_s

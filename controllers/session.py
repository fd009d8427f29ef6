"""A peer's protocol without its wire: what comes in goes in, and out come events for the sink and things to send.

A session has no thread, no clock and no port. One driver serves all sessions on a serial port (`serial_reader.py`),
another all that speak through a broker (`mqtt_dialect.py`). Each method yields, in order, what the driver is to do:
a `DeviceEvent` for the sink, or something to send (bytes on a port, a `Publish` to a broker).
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from controllers.driver import Command, Outcome, Result, Seen


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, on this life of the link."""

    mono_s: float
    wall_s: float
    epoch: int

    @classmethod
    def now(cls, epoch: int) -> "Moment":
        """The clocks' reading."""
        return cls(time.monotonic(), time.time(), epoch)

    def seen(self, stale: bool = False) -> Seen:
        """The stamp of an event."""
        return Seen(self.mono_s, self.wall_s, self.epoch, stale)


def outcome(command: Command, result: Result, detail: str, now: Moment) -> Outcome:
    """The end of a command."""
    return Outcome(command.command_id, command.device, result, detail, now.seen())


Action = TypeVar("Action", covariant=True)


class TakesCommands(Protocol[Action]):
    """The part of a session that commands concern."""

    def command(self, command: Command, now: Moment) -> Iterator[Action]:
        """Carry out a command for a device of this session."""


def carry_out(session: TakesCommands[Action], command: Command, now: Moment) -> Iterator[Action | Outcome]:
    """Give a command to a session, unless it is too late."""
    if command.deadline_mono_s <= now.mono_s:
        yield outcome(command, Result.EXPIRED, "past its deadline before it could be sent", now)
    else:
        yield from session.command(command, now)


class Sent:
    """Commands that went out and wait for their answer, by the token that the answer will carry."""

    def __init__(self) -> None:
        self._waiting: dict[str, Command] = {}

    def __contains__(self, token: str) -> bool:
        return token in self._waiting

    def add(self, token: str, command: Command) -> None:
        """Remember a command. Its token must be new."""
        self._waiting[token] = command

    def end(self, token: str, result: Result, detail: str, now: Moment) -> Iterator[Outcome]:
        """The answer came; nothing when nobody waits for it (late, or seen already)."""
        command = self._waiting.pop(token, None)
        if command is not None:
            yield outcome(command, result, detail, now)

    def expire(self, now: Moment) -> Iterator[Outcome]:
        """End those whose deadline has passed without an answer."""
        late = [token for token, command in self._waiting.items() if command.deadline_mono_s <= now.mono_s]
        for token in late:
            yield from self.end(token, Result.UNKNOWN, "no answer by the deadline", now)

    def abandon(self, detail: str, now: Moment) -> Iterator[Outcome]:
        """End all: the link is gone."""
        for token in list(self._waiting):
            yield from self.end(token, Result.UNKNOWN, detail, now)

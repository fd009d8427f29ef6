"""What a door must remember between reads: codes shown, passes used, commands taken.

It lives in memory and, written in the same transaction as the event that changed it, in the journal.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.access.decision import LiveUsed, PassUsed


@dataclass(frozen=True, slots=True)
class CommandTaken:
    """A remote command was taken up; its id is never executed again."""

    command_id: str
    until: float  # Unix seconds: the id may be forgotten then


Change = LiveUsed | PassUsed | CommandTaken
Stored = tuple[str, str, float, float]  # (kind, id, first number, second number): a change as it stands on disk

NEVER_USES = 1 << 30


class Passage:
    """The passage state. `unknown_before` is set when the stored state could not be read.

    Then nothing is known of what was shown before that moment, and the state errs on the safe side:
    codes issued earlier count as shown, and passes as used up.
    """

    def __init__(self, unknown_before: float | None = None) -> None:
        self._iat_floor = None if unknown_before is None else int(unknown_before)
        self._uses_floor = 0 if unknown_before is None else NEVER_USES
        self._last: dict[bytes, int] = {}
        self._used: dict[bytes, int] = {}
        self._commands: dict[str, float] = {}

    def last_iat(self, handle: bytes) -> int | None:
        """When the last accepted live code of this handle was issued, Unix seconds."""
        return self._last.get(handle, self._iat_floor)

    def uses(self, pass_id: bytes) -> int:
        """How often this visitor pass was accepted."""
        return self._used.get(pass_id, self._uses_floor)

    def took(self, command_id: str) -> bool:
        """Whether this command was taken up before."""
        return command_id in self._commands

    def note(self, change: Change) -> None:
        """Apply one change."""
        self.load([store(change)])

    def load(self, stored: Iterable[Stored]) -> None:
        """Apply changes as they stand on disk."""
        for kind, id_, first, _second in stored:
            if kind == "live":
                self._last[bytes.fromhex(id_)] = int(first)
            elif kind == "pass":
                self._used[bytes.fromhex(id_)] = int(first)
            else:
                self._commands[id_] = first

    def forget_commands(self, now: float) -> None:
        """Drop the ids of commands that ended long ago."""
        for command_id in [each for each, until in self._commands.items() if until < now]:
            del self._commands[command_id]


def store(change: Change) -> Stored:
    """A change as it stands on disk."""
    match change:
        case LiveUsed(handle, iat):
            return "live", handle.hex(), iat, 0
        case PassUsed(pass_id, n, until):
            return "pass", pass_id.hex(), n, until
        case CommandTaken(command_id, until):
            return "command", command_id, until, 0

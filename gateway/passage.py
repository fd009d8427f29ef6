"""What must be remembered between reads: codes shown, passes used, commands taken, who is where, doors' modes.

It lives in memory and, written in the same transaction as the event that changed it, in the journal.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway.access.decision import LiveUsed, Used
from gateway.access.model import Credential, Mark
from gateway.access.presence import Moved, Pardoned, Waits, Whereabouts


@dataclass(frozen=True, slots=True)
class CommandTaken:
    """A remote command was taken up; its id is never executed again."""

    command_id: str
    until: float  # Unix seconds: the id may be forgotten then


@dataclass(frozen=True, slots=True)
class DoorKept:
    """What of a door outlives a restart: `text` is JSON."""

    door: str
    text: str


@dataclass(frozen=True, slots=True)
class LockdownKept:
    """A lockdown of this place begins or ends."""

    place: str
    on: bool


class Spent(NamedTuple):
    """What other gateways accepted: when a handle's newest code was issued, or how often a pass was used."""

    value: int
    until: float  # Unix seconds: of no interest from then on


Change = LiveUsed | Used | CommandTaken | Moved | Waits | Pardoned | DoorKept | LockdownKept
Stored = tuple[Any, ...]  # (kind, value...): a change as it stands on disk; `journal_db` has a statement a kind

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
        self.there: dict[bytes, Spent] = {}  # accepted elsewhere, as far as the plane told: codes, passes, counted uses
        self.whereabouts = Whereabouts()
        self.doors: dict[str, str] = {}  # by name: as `DoorKept`
        self.lockdowns: set[str] = set()  # places

    def last_iat(self, handle: bytes) -> int | None:
        """When the last accepted live code of this handle was issued, Unix seconds."""
        own, there = self._last.get(handle, self._iat_floor), self.there.get(handle)
        return own if there is None else max(there.value, own or 0)

    def uses(self, id_: bytes) -> int:
        """How often this visitor pass, or credential with max_uses, was accepted."""
        own, there = self._used.get(id_, self._uses_floor), self.there.get(id_)
        return own if there is None else max(there.value, own)

    def spent_there(self, code_id: bytes, who: Credential) -> dict[str, int]:
        """What is known of other gateways' grants: the newest code or a pass's uses, and a counted credential's."""
        ids = {"spent": code_id, "used": who.key if who.max_uses else b""}
        return {word: self.there[id_].value for word, id_ in ids.items() if id_ in self.there}

    def took(self, command_id: str) -> bool:
        """Whether this command was taken up before."""
        return command_id in self._commands

    def note(self, change: Change) -> None:
        """Apply one change."""
        if isinstance(change, Moved):
            self.whereabouts.saw_leave(change)
        self.load(store(change))

    def load(self, stored: Iterable[Stored]) -> None:
        """Apply changes as they stand on disk."""
        for kind, *values in stored:
            _LOAD[kind](self, *values)

    def forget_commands(self, before: float) -> None:
        """Drop the ids of commands that ended before this time."""
        for command_id in [each for each, until in self._commands.items() if until < before]:
            del self._commands[command_id]

    def forget_spent(self, before: float) -> None:
        """Drop what was spent elsewhere and is over since this time."""
        for id_ in [each for each, spent in self.there.items() if spent.until < before]:
            del self.there[id_]

    def _shown(self, handle: str, iat: float, _second: float) -> None:
        self._last[bytes.fromhex(handle)] = int(iat)

    def _uses(self, pass_id: str, n: float, _until: float) -> None:
        self._used[bytes.fromhex(pass_id)] = int(n)

    def _taken(self, command_id: str, until: float, _second: float) -> None:
        self._commands[command_id] = until

    def _inside(self, zone: str, person: str, at: float) -> None:
        people = self.whereabouts.people.setdefault(zone, {})
        if person:  # "" says that the zone is counted
            people[person] = at

    def _locked_down(self, place: str, on: bool) -> None:
        (self.lockdowns.add if on else self.lockdowns.discard)(place)


_LOAD: dict[str, Callable[..., None]] = {
    "live": Passage._shown,
    "pass": Passage._uses,
    "command": Passage._taken,
    "inside": Passage._inside,
    "outside": lambda passage, zone, person: passage.whereabouts.people.get(zone, {}).pop(person, None),
    "nobody": lambda passage, zone: passage.whereabouts.pardon(zone),
    "led": lambda passage, zone, at: passage.whereabouts.leads.update({zone: at}),
    "escorted": lambda passage, point, at: passage.whereabouts.escorts.update({point: at}),
    "waiting": lambda passage, point, person, at, marks: passage.whereabouts.note(Waits(person, point, at, marks)),
    "passed": lambda passage, point: passage.whereabouts.waits.pop(point, None),
    "door": lambda passage, name, text: passage.doors.update({name: text}),
    "lockdown": lambda passage, place: passage._locked_down(place, True),
    "lockdown_over": lambda passage, place: passage._locked_down(place, False),
}


def store(change: Change) -> list[Stored]:
    """A change as it stands on disk."""
    match change:
        case LiveUsed(handle, iat):
            return [("live", handle.hex(), iat, 0)]
        case Used(id_, n, until):
            return [("pass", id_.hex(), n, until)]
        case CommandTaken(command_id, until):
            return [("command", command_id, until, 0)]
        case Moved():
            return list(_moved(change))
        case Waits(person, point, at, marks):
            return [("waiting", point, person, at, int(marks))]
        case Pardoned(zone, person):
            return [("outside", zone, person) if person else ("nobody", zone)]
        case DoorKept(door, text):
            return [("door", door, text)]
        case LockdownKept(place, on):
            return [("lockdown" if on else "lockdown_over", place)]


def _moved(move: Moved) -> Iterator[Stored]:
    """As `Whereabouts.note` does it. A row without a person says that the zone is counted, even when it is empty."""
    yield "passed", move.point
    for zone in move.leaving:
        yield "inside", zone, "", move.at
        yield "outside", zone, move.person
    for zone in move.entering:
        yield "inside", zone, "", move.at
        yield "inside", zone, move.person, move.at
        if move.marks & Mark.LEAD:
            yield "led", zone, move.at
    if move.marks & Mark.ESCORT:
        yield "escorted", move.point, move.at

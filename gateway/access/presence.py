"""Who is where, as far as earlier passages tell: what the rules of zones look at, and what a passage changes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.access.door_words import DoorMode
from gateway.access.model import Mark


@dataclass(frozen=True, slots=True)
class Moved:
    """Keep when the door was taken (or at once, where nobody sees it): this person crossed these bounds."""

    person: str
    point: str
    entering: tuple[str, ...]  # zones with rules
    leaving: tuple[str, ...]
    at: float  # Unix seconds
    marks: int = 0


@dataclass(frozen=True, slots=True)
class Waits:
    """Keep with the refusal: the first of two persons has shown himself at this access point."""

    person: str
    point: str
    at: float  # Unix seconds
    marks: int = 0


PresenceChange = Moved | Waits
LEFT = 4096  # so many who left are remembered


@dataclass(frozen=True, slots=True)
class Pardoned:
    """Amnesty, or nobody saw who passed: nobody knows any more whether this person ("": anybody) is in the zone."""

    zone: str
    person: str = ""


class Presence(Protocol):
    """What earlier passages tell. None is unknown: nothing was seen, or a reader was out."""

    def entered(self, person: str, zone: str) -> float | None:
        """Since when he is inside; None: he is outside, or nobody knows."""

    def inside(self, zone: str) -> int | None:
        """How many persons are inside."""

    def led(self, zone: str) -> float | None:
        """When a LEAD last came in."""

    def escorted(self, point: str) -> float | None:
        """When an ESCORT last passed here."""

    def waiting(self, point: str) -> Waits | None:
        """Who waits here for a second person."""


class Whereabouts:
    """Presence in memory, kept up to date by `note`. One thread. Whoever keeps it on a disk may fill the four dicts."""

    def __init__(self) -> None:
        self.people: dict[str, dict[str, float]] = {}  # zone to person to since when
        self.leads: dict[str, float] = {}  # zone to when a LEAD last came in
        self.escorts: dict[str, float] = {}  # access point to when an ESCORT last passed
        self.waits: dict[str, Waits] = {}  # by access point
        self.left: dict[tuple[str, str], float] = {}  # zone and person: when he was seen to leave, of late

    def entered(self, person: str, zone: str) -> float | None:
        """Since when he is inside."""
        return self.people.get(zone, {}).get(person)

    def inside(self, zone: str) -> int | None:
        """How many persons are inside, None until somebody was seen to pass."""
        found = self.people.get(zone)
        return None if found is None else len(found)

    def led(self, zone: str) -> float | None:
        """When a LEAD last came in."""
        return self.leads.get(zone)

    def escorted(self, point: str) -> float | None:
        """When an ESCORT last passed here."""
        return self.escorts.get(point)

    def waiting(self, point: str) -> Waits | None:
        """Who waits here for a second person."""
        return self.waits.get(point)

    def note(self, change: PresenceChange) -> None:
        """Apply one change."""
        if isinstance(change, Waits):
            self.waits[change.point] = change
            return
        self.waits.pop(change.point, None)
        self.saw_leave(change)
        for zone in change.leaving:
            self.people.setdefault(zone, {}).pop(change.person, None)
        for zone in change.entering:
            self.people.setdefault(zone, {})[change.person] = change.at
            if change.marks & Mark.LEAD:
                self.leads[zone] = change.at
        if change.marks & Mark.ESCORT:
            self.escorts[change.point] = change.at

    def saw_leave(self, move: Moved) -> None:
        """Remember when he left, against late news of his entry."""
        for zone in move.leaving:
            self.left.pop((zone, move.person), None)
            self.left[zone, move.person] = move.at
        while len(self.left) > LEFT:
            del self.left[next(iter(self.left))]

    def pardon(self, zone: str, person: str | None = None) -> None:
        """Amnesty, or a reader of the zone was out: nobody knows of this person, or of anybody, in the zone."""
        if person is None:
            self.people.pop(zone, None)
        else:
            self.people.get(zone, {}).pop(person, None)


class OnTheWay:
    """Presence with those for whom a door is released, or about to be: they count as inside until it is told otherwise.

    Else a card that is handed back over the barrier before its door was opened would let two in.
    """

    def __init__(self, known: Presence, moves: Sequence[Moved]) -> None:
        self._known, self._moves = known, moves
        self.led, self.escorted = known.led, known.escorted

    def entered(self, person: str, zone: str) -> float | None:
        """Since when he is inside, or on his way."""
        coming = next((move.at for move in self._moves if move.person == person and zone in move.entering), None)
        return self._known.entered(person, zone) if coming is None else coming

    def inside(self, zone: str) -> int | None:
        """How many persons are inside, or on their way."""
        coming = {move.person for move in self._moves if zone in move.entering}
        more = sum(self._known.entered(person, zone) is None for person in coming)
        found = self._known.inside(zone)
        return found if found is None and not coming else (found or 0) + more

    def waiting(self, point: str) -> Waits | None:
        """Who waits here for a second person; not who is on his way with one already."""
        first = self._known.waiting(point)
        if first is None or any((move.person, move.point) == (first.person, point) for move in self._moves):
            return None
        return first


@dataclass(slots=True)  # made for every read: a frozen one takes three times as long
class Scene:
    """What stands around the door at the moment of a decision."""

    presence: Presence
    mode: DoorMode | None = None  # the door's own; None: it admits everyone
    interlocked: bool = False  # another door of its interlock is not shut


NO_SCENE = Scene(Whereabouts())  # nobody notes anything in it

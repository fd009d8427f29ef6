"""Who is where, as far as earlier passages tell: what the rules of zones look at, and what a passage changes of it."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

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
    """Presence in memory, kept up to date by `note`. One thread."""

    def __init__(self) -> None:
        self._inside: dict[str, dict[str, float]] = {}  # zone to person to since when
        self._led: dict[str, float] = {}
        self._escorted: dict[str, float] = {}
        self._waiting: dict[str, Waits] = {}

    def entered(self, person: str, zone: str) -> float | None:
        """Since when he is inside."""
        return self._inside.get(zone, {}).get(person)

    def inside(self, zone: str) -> int | None:
        """How many persons are inside, None until somebody was seen to pass."""
        found = self._inside.get(zone)
        return None if found is None else len(found)

    def led(self, zone: str) -> float | None:
        """When a LEAD last came in."""
        return self._led.get(zone)

    def escorted(self, point: str) -> float | None:
        """When an ESCORT last passed here."""
        return self._escorted.get(point)

    def waiting(self, point: str) -> Waits | None:
        """Who waits here for a second person."""
        return self._waiting.get(point)

    def note(self, change: PresenceChange) -> None:
        """Apply one change."""
        if isinstance(change, Waits):
            self._waiting[change.point] = change
            return
        self._waiting.pop(change.point, None)
        for zone in change.leaving:
            self._inside.setdefault(zone, {}).pop(change.person, None)
        for zone in change.entering:
            self._inside.setdefault(zone, {})[change.person] = change.at
            if change.marks & Mark.LEAD:
                self._led[zone] = change.at
        if change.marks & Mark.ESCORT:
            self._escorted[change.point] = change.at

    def pardon(self, zone: str, person: str | None = None) -> None:
        """Amnesty, or a reader of the zone was out: nobody knows of this person, or of anybody, in the zone."""
        if person is None:
            self._inside.pop(zone, None)
        else:
            self._inside.get(zone, {}).pop(person, None)


class Scene(NamedTuple):
    """What stands around the door at the moment of a decision."""

    presence: Presence
    mode: DoorMode | None = None  # the door's own; None: it admits everyone


NO_SCENE = Scene(Whereabouts())  # nobody notes anything in it

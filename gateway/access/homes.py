"""A resident's own way home, worked out from the property tree: nobody lists doors.

Whoever lives in a zone may enter it and every zone around it: gate, building door, lift lobby, floor. Zones that lie in
one of these are his too if they are common (garage, bicycle shed) or public, and so are amenities (club, pool).
A visitor has the way to his host, and public zones. All of it at any time.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Use(StrEnum):
    """What a zone is to those who live around it."""

    NONE = ""
    COMMON = "common"
    AMENITY = "amenity"


@dataclass(frozen=True, slots=True)
class Place:
    """A zone of the property tree. With `standing`, an amenity is for units in good standing alone."""

    id: str
    parent: str | None = None
    public: bool = False
    use: Use = Use.NONE
    standing: bool = False


@dataclass(frozen=True, slots=True)
class Ways:
    """The zones that a home opens."""

    home: tuple[str, ...]  # to those who live there
    amenities: tuple[str, ...]  # to them too, while their account is in good standing
    visit: tuple[str, ...]  # to their visitors


class PropertyTree:
    """The zones of the estate by what lies in what."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._places = {place.id: place for place in places}
        self._public = sorted(place.id for place in self._places.values() if place.public)
        self._inside: dict[str, list[Place]] = {}
        for place in self._places.values():
            if place.parent is not None:
                self._inside.setdefault(place.parent, []).append(place)

    def ways(self, zone: str) -> Ways:
        """What living in `zone` opens. A zone on the way home is never an amenity, whatever it says of itself."""
        path = self._path(zone)
        shared = self._within(path, lambda place: place.use is Use.COMMON or place.public)
        amenities = self._within((*path, *shared), lambda place: place.use is Use.AMENITY)
        bound = tuple(id_ for id_ in amenities if self._places[id_].standing)
        free = tuple(id_ for id_ in amenities if id_ not in bound)
        return Ways((*path, *shared, *free), bound, (*path, *(id_ for id_ in self._public if id_ not in path)))

    def _path(self, zone: str) -> tuple[str, ...]:
        """The zone and all that it lies in, the innermost first."""
        path: list[str] = []
        at: str | None = zone
        while at is not None and at in self._places and at not in path:
            path.append(at)
            at = self._places[at].parent
        return tuple(path)

    def _within(self, around: tuple[str, ...], wanted: Callable[[Place], bool]) -> tuple[str, ...]:
        """Wanted zones that lie in one of `around`, or in one found so."""
        found: list[str] = []
        asked = list(around)
        while asked:
            for place in self._inside.get(asked.pop(), ()):
                if wanted(place) and place.id not in around and place.id not in found:
                    found.append(place.id)
                    asked.append(place.id)
        return tuple(sorted(found))

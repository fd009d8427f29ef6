"""Which doors a lockdown covers: those that lead into its place, out of it, or about within it."""

from collections.abc import Callable, Iterable, Set

from gateway.access.door import LockdownLevel
from gateway.access.rights import is_inside
from gateway.access.table import PermissionTable
from gateway.doors import Doors
from gateway.site import Site

SITE = "site"  # the whole site, as a place; others are "zone <id>" and "door <name>"


def place_of(*, zone: str = "", door: str = "") -> str:
    """The place of a lockdown: of a door, of a zone, or of the whole site."""
    return f"door {door}" if door else f"zone {zone}" if zone else SITE


class Lockdowns:
    """Keeps each door's level in step with the lockdowns that stand. One thread.

    Args:
        site: the wiring.
        doors: the doors' states.
        table: gives the table in force, which knows how zones nest.
        standing: the places that are locked down.
    """

    def __init__(
        self, site: Site, doors: Doors, table: Callable[[], PermissionTable], standing: Callable[[], Set[str]]
    ) -> None:
        self._doors, self._table, self._standing = doors, table, standing
        self._ends = {door.name: set[str]() for door in site.doors}  # the zones at each door
        for point in site.access_points:
            self._ends[point.door] |= {point.zone_from, point.zone_to}
        self._version: int | None = None

    def zones(self, door: str) -> list[str]:
        """The zones at a door."""
        return sorted(self._ends[door])

    def covered(self, place: str) -> list[str]:
        """The doors of a place."""
        return [name for name in self._ends if self._covers(place, name)]

    def levels(self, standing: Iterable[str]) -> dict[str, LockdownLevel]:
        """Each door's level if these places were locked down."""
        places = list(standing)
        return {name: LockdownLevel(any(self._covers(place, name) for place in places)) for name in self._ends}

    def apply(self, at: float) -> None:
        """Step the doors whose level is another now."""
        for name, level in self.levels(self._standing()).items():
            if self._doors.state(name).lockdown is not level.on:
                self._doors.step(self._doors.by_name[name], level, at)

    def tick(self, at: float) -> None:
        """A new table may nest zones otherwise. Without any table what stood before the start goes on."""
        version = self._table().version
        if version and version != self._version:
            self._version = version
            self.apply(at)

    def _covers(self, place: str, door: str) -> bool:
        kind, _, name = place.partition(" ")
        if kind == "door":
            return door == name
        return kind == SITE or any(is_inside(end, name, self._table().zones) for end in self._ends[door])

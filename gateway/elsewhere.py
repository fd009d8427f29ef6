"""Who passed at the site's other gateways, and with which codes: heard from the plane while the link is up.

What is heard is kept in memory alone, but for the zones that are shared: after a start all of it is fetched anew. While
the link is down nobody knows who passed elsewhere, so in a zone that other gateways border on too everybody counts as
unknown: an entry there is not refused for presence, and nobody stays outside because of the network.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.access.model import Mark
from gateway.access.presence import Moved, Presence, PresenceChange, Waits, Whereabouts
from gateway.passage import Spent

DOWN_S = 15.0  # the plane was not heard for so long: the link is down
Row = Mapping[str, Any]  # {zone, person, at, inside, led: when he last came in as a LEAD}; person "" is everybody


class Elsewhere:
    """Presence as far as this gateway knows it. Times are monotonic seconds, those of rows Unix seconds. One thread."""

    def __init__(self, whereabouts: Whereabouts, there: dict[bytes, Spent] | None = None) -> None:
        self._own, self._there = whereabouts, {} if there is None else there
        self._shared: frozenset[str] = frozenset()
        self._heard_at = float("-inf")

    def remember(self, shared: Iterable[str]) -> None:
        """The zones that were shared when the plane was heard in an earlier life: it may be away at the start."""
        self._shared = frozenset(shared)

    def heard(self, rows: Iterable[Row], shared: Iterable[str], at: float) -> None:
        """The plane told, oldest first; what is known here of a later moment stays."""
        self._shared, self._heard_at = frozenset(shared), at
        for row in rows:
            self._take(str(row["zone"]), str(row["person"]), float(row["at"]), inside=bool(row["inside"]))
            if led := row.get("led"):
                self._own.leads[row["zone"]] = max(float(led), self._own.leads.get(row["zone"], 0.0))

    def spent(self, rows: Iterable[Row]) -> None:
        """The plane told what was spent anywhere. A link that is down leaves what was heard as it is."""
        for row in rows:
            self._there[bytes.fromhex(row["id"])] = Spent(int(row["value"]), float(row["until"]))

    def well(self, at: float) -> bool:
        """The plane was heard. False: the link had been down, and nobody is known until it tells who passed."""
        fresh = at - self._heard_at < DOWN_S
        if fresh:
            self._heard_at = at
        return fresh

    def presence(self, at: float) -> Presence:
        """What a decision may look at now."""
        if not self._shared or at - self._heard_at < DOWN_S:
            return self._own
        return _Alone(self._own, self._shared)

    def shares(self, zone: str) -> bool:
        """Whether another gateway borders on it too."""
        return zone in self._shared

    def _take(self, zone: str, person: str, at: float, *, inside: bool) -> None:
        people = self._own.people
        if inside and self._own.left.get((zone, person), at - 1) >= at:
            return  # he has left here since
        if inside:
            known = people.setdefault(zone, {})
            known[person] = max(at, known.get(person, at))
        elif person:
            if people.get(zone, {}).get(person, at) <= at:
                people.get(zone, {}).pop(person, None)
        elif zone in people:  # a pardon
            later = {each: since for each, since in people[zone].items() if since > at}
            if later:
                people[zone] = later
            else:
                del people[zone]


class _Alone:
    """Presence without the zones of which others know more."""

    def __init__(self, own: Whereabouts, shared: frozenset[str]) -> None:
        self._own, self._shared = own, shared

    def entered(self, person: str, zone: str) -> float | None:
        return None if zone in self._shared else self._own.entered(person, zone)

    def inside(self, zone: str) -> int | None:
        return None if zone in self._shared else self._own.inside(zone)

    def led(self, zone: str) -> float | None:
        return self._own.led(zone)

    def escorted(self, point: str) -> float | None:
        return self._own.escorted(point)

    def waiting(self, point: str) -> Waits | None:
        return self._own.waiting(point)


def known(presence: Presence, person: str, zones: Iterable[str]) -> dict[str, dict[str, float]]:
    """What a decision on him knows of zones: since when he is inside, how many are, when one LED."""
    told = {
        zone: {"since": presence.entered(person, zone), "inside": presence.inside(zone), "led": presence.led(zone)}
        for zone in zones
    }
    return {zone: {word: n for word, n in each.items() if n is not None} for zone, each in told.items()}


def put_back(whereabouts: Whereabouts, person: str, known: Mapping[str, Mapping[str, float]]) -> None:
    """Make of a gateway's own whereabouts what a decision on this person knew, `known` having told it."""
    for zone, each in known.items():
        whereabouts.pardon(zone)
        if "inside" in each:
            others = int(each["inside"]) - ("since" in each)
            here = {person: each["since"]} if "since" in each else {}
            whereabouts.people[zone] = {f"somebody {n}": 0.0 for n in range(others)} | here
        if "led" in each:
            whereabouts.leads[zone] = each["led"]


def told(moves: Iterable[PresenceChange]) -> dict[str, Any]:
    """What an event says of who moved, for the other gateways and for whoever asks later."""
    moved = [
        {"person": each.person, "entering": list(each.entering), "leaving": list(each.leaving), "at": each.at}
        | ({"lead": True} if each.marks & Mark.LEAD else {})
        for each in moves
        if isinstance(each, Moved)
    ]
    return {"moved": moved} if moved else {}

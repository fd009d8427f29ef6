"""Who is inside is forgotten where people may have passed unseen: a reader was out, or its door stood free."""

from gateway.access.event import EventKind
from gateway.access.presence import Pardoned
from gateway.pen import Pen
from gateway.site import Site

OUT_S = 60.0  # a reader that is off line for longer was out: a cut of seconds is no way round a rule


class Amnesty:
    """Pardons zones. Times are monotonic seconds. One thread."""

    def __init__(self, site: Site, pen: Pen) -> None:
        self._site, self._pen = site, pen
        self._out: dict[str, float] = {}  # readers, until they are pardoned

    def link(self, device: str, *, up: bool, at: float) -> None:
        """A device came on line or was lost."""
        if up:
            self._out.pop(device, None)
        elif device in self._site.points:
            self._out.setdefault(device, at)

    def tick(self, at: float) -> None:
        """Readers that were out for long enough."""
        for reader in [each for each, since in self._out.items() if at - since >= OUT_S]:
            del self._out[reader]
            self._pardon(self._site.points[reader].name, "ReaderOut")

    def stood_free(self, door: str) -> None:
        """A door stands, or stood, free."""
        for point in self._site.access_points:
            if point.door == door:
                self._pardon(point.name, "DoorFree")

    def _pardon(self, point: str, why: str) -> None:
        """All zones with rules whose bounds the access point crosses, if anybody is known to be there."""
        table, people = self._pen.table(), self._pen.journal.passage.whereabouts.people
        crossing = table.crossing(point)
        for zone in crossing.zones if crossing else ():
            if zone in people:
                change = self._pen.noted((Pardoned(zone),))
                self._pen.write(
                    EventKind.PARDONED, {"access_point": point, "reason": why, "detail": {"zone": zone}}, change
                )

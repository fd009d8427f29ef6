"""How long the office's word holds while nobody repeats it: staleness, bounded by the holder's class."""

from enum import StrEnum
from typing import NamedTuple

from gateway.access.model import Credential, HolderClass, Mark

DAY_S = 24 * 60 * 60
_RESIDENT = HolderClass.RESIDENT  # looked up once: asked for every read


class Leases(NamedTuple):
    """How long a credential holds without the office confirming it, in seconds; None is for ever.

    In the order of record.CLASSES, so that a record's class is its place here.
    """

    resident_s: int | None = 30 * DAY_S
    staff_s: int | None = 7 * DAY_S
    visitor_s: int | None = DAY_S
    emergency_s: int | None = None

    def of(self, holder: HolderClass) -> int | None:
        """The lease of a holder's class."""
        if holder is _RESIDENT:
            return self.resident_s
        return {"staff": self.staff_s, "visitor": self.visitor_s, "emergency": self.emergency_s}[holder.value]

    def over(self, credential: Credential) -> int | None:
        """How long this credential holds: a pinned one for ever."""
        return None if credential.marks & Mark.PINNED else self.of(credential.holder_class)


DEFAULT_LEASES = Leases()


class Freshness(StrEnum):
    """How old the office's word is, measured by its lease."""

    FRESH = "fresh"
    STALE = "stale"  # half of the lease is over: the link to the office wants looking at
    EXPIRED = "expired"


class Age(NamedTuple):
    """How fresh a credential is, and the seconds since the office confirmed it; None if nobody noted when."""

    freshness: Freshness
    age_s: int | None


def age(credential: Credential, leases: Leases, now: float) -> Age:
    """How fresh a credential is at this time (Unix seconds)."""
    if credential.refreshed_at == 0:
        return Age(Freshness.FRESH, None)
    since, lease_s = now - credential.refreshed_at, leases.over(credential)
    if lease_s is not None and since >= lease_s:
        return Age(Freshness.EXPIRED, int(since))
    stale = lease_s is not None and since * 2 >= lease_s
    return Age(Freshness.STALE if stale else Freshness.FRESH, int(since))

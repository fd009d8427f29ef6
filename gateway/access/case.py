"""What one decision is about: the numbers of the rules, what earlier passages left, and the facts of the case."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from gateway.access.model import AccessPoint, Credential, CredentialState, CredentialType, HolderClass
from gateway.access.presented import Card, Live, Pass
from gateway.access.rights import Right
from gateway.access.schedule import is_open_at, minute_of_week
from gateway.access.table import PermissionTable

DAY_S = 24 * 60 * 60
_RESIDENT = HolderClass.RESIDENT  # looked up once: asked for every read


class Passage(Protocol):
    """What earlier passages left behind; durable before the door opens."""

    def last_iat(self, handle: bytes) -> int | None:
        """The newest `iat` accepted from this handle."""

    def uses(self, pass_id: bytes) -> int:
        """How often this pass opened a door."""


@dataclass(frozen=True, slots=True)
class Leases:
    """How long a credential holds without the office confirming it, in seconds; None is for ever."""

    resident_s: int | None = 30 * DAY_S
    staff_s: int | None = 7 * DAY_S
    visitor_s: int | None = DAY_S
    emergency_s: int | None = None

    def of(self, holder: HolderClass) -> int | None:
        """The lease of a holder's class."""
        if holder is _RESIDENT:
            return self.resident_s
        return {"staff": self.staff_s, "visitor": self.visitor_s, "emergency": self.emergency_s}[holder.value]


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers of the rules."""

    leases: Leases = Leases()
    live_past_s: int = 30  # a live code may be this old
    live_future_s: int = 15  # and its phone's clock this far ahead
    pass_early_s: int = 60  # a pass may be this early


DEFAULT_LIMITS = Limits()


class Case(NamedTuple):
    """The facts of one decision."""

    table: PermissionTable
    passage: Passage
    point: AccessPoint
    now: float  # Unix seconds
    limits: Limits
    credential: Credential  # NOBODY if unknown, or for a pass
    rights: list[Right]  # that cover the point at any time
    open_right: Right | None  # the first of them that is open now
    local: datetime  # the site's wall clock


NOBODY = Credential("", b"", CredentialType.CARD, "", HolderClass.RESIDENT, CredentialState.DISABLED, ())


def case_of(
    table: PermissionTable,
    passage: Passage,
    point: AccessPoint,
    presented: Card | Live | Pass,
    at: datetime,
    limits: Limits,
) -> Case:
    """The facts that the rules look at."""
    if isinstance(presented, Pass):
        credential = NOBODY
        profile = table.profile_of_number(presented.code.profile)
        rights = table.rights(point.name, () if profile is None else (profile,))
    else:
        credential = table.find(presented.key) or NOBODY
        rights = table.rights(point.name, credential.profiles)
    local = at.astimezone(table.tz)
    is_open = _first_open(rights, minute_of_week(local))
    return Case(table, passage, point, at.timestamp(), limits, credential, rights, is_open, local)


def _first_open(rights: list[Right], minute: int) -> Right | None:
    for right in rights:
        if is_open_at(right.week, minute):
            return right
    return None

"""What one decision is about: the numbers of the rules, what earlier passages left, and the facts of the case."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.access.lease import DEFAULT_LEASES, Leases
from gateway.access.model import AccessPoint, Credential, CredentialState, CredentialType, HolderClass
from gateway.access.presence import Scene
from gateway.access.presented import Card, Live, Pass
from gateway.access.rights import Right
from gateway.access.table import PermissionTable


class Passage(Protocol):
    """What earlier passages left behind; durable before the door opens."""

    def last_iat(self, handle: bytes) -> int | None:
        """The newest `iat` accepted from this handle."""

    def uses(self, id_: bytes) -> int:
        """How often this pass (by its id), or credential with max_uses (by its key), opened a door."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers of the rules."""

    leases: Leases = DEFAULT_LEASES
    live_past_s: int = 30  # a live code may be this old
    live_future_s: int = 15  # and its phone's clock this far ahead
    pass_early_s: int = 60  # a pass may be this early
    static_codes: bool = False  # whether a fixed text in a QR code, which anybody can copy, opens anything


DEFAULT_LIMITS = Limits()


NOBODY = Credential("", b"", CredentialType.CARD, "", HolderClass.RESIDENT, CredentialState.DISABLED, ())


class Case:
    """The facts of one decision. What few rules ask for is worked out when it is asked for."""

    __slots__ = (
        "credential", "crossing", "day", "limits", "minute", "now", "open_right", "passage", "point", "profiles",
        "scene", "table",
    )  # fmt: skip

    def __init__(
        self,
        table: PermissionTable,
        passage: Passage,
        point: AccessPoint,
        presented: Card | Live | Pass,
        now: float,
        limits: Limits,
        scene: Scene,
    ) -> None:
        self.table, self.passage, self.point, self.now = table, passage, point, now  # now: Unix seconds
        self.limits, self.scene = limits, scene
        if isinstance(presented, Pass):
            self.credential = NOBODY
            profile = table.profile_of_number(presented.code.profile)
            self.profiles: tuple[str, ...] = () if profile is None else (profile,)
        else:
            self.credential = table.find(presented.key) or NOBODY  # NOBODY if unknown, or for a pass
            self.profiles = self.credential.profiles
        self.crossing = table.crossing(point.name)
        self.minute, self.day = table.local(now)
        self.open_right = table.first_open(point.name, self.profiles, self.minute, self.day)

    @property
    def rights(self) -> list[Right]:
        """The policies that cover the point at any time."""
        return self.table.rights(self.point.name, self.profiles)

    @property
    def minimum(self) -> int:
        """The assurance that the access point asks for now."""
        return minimum_at(self.table, self.point, self.minute, self.day)

    @property
    def responds(self) -> bool:
        """Whether a right that is open now opens through a lockdown."""
        return any(right.responder and right.times.open_at(self.minute, self.day) for right in self.rights)


def minimum_at(table: PermissionTable, point: AccessPoint, minute: int, day: int) -> int:
    """The assurance that an access point asks for in this minute of the week, on this day."""
    if not point.assurance_by:
        return point.min_assurance
    now = (least for schedule, least in point.assurance_by if _asks(table, point, schedule, least, minute, day))
    return max(now, default=point.min_assurance)


def _asks(table: PermissionTable, point: AccessPoint, schedule: str, least: int, minute: int, day: int) -> bool:
    """Whether a minimum holds now; one whose schedule is missing always does, unless it makes the door weaker."""
    if not table.has_schedule(schedule):
        return least > point.min_assurance
    return table.schedule_open(schedule, minute, day)


def minimum(table: PermissionTable, point: AccessPoint, at: datetime) -> int:
    """The assurance that an access point asks for at this time: 3 is a card or code and its PIN."""
    return minimum_at(table, point, *table.local(at.timestamp()))


def person(credential: Credential, presented: Card | Live | Pass) -> str:
    """Who passes, as presence knows him: a holder, by whichever credential, or a pass."""
    if isinstance(presented, Pass):
        return f"pass:{presented.code.pass_id.hex()}"
    return credential.holder or f"credential:{credential.id}"

"""The nouns of access: what the office decides, as immutable values.

Times are Unix seconds in UTC; `valid_to` is exclusive. Words follow ONVIF (README glossary).
"""

from dataclasses import dataclass
from enum import IntFlag, StrEnum
from typing import NamedTuple

ALWAYS = "@always"  # the schedule that is always open and stands in no row; the office's own ids never begin with @


class CredentialType(StrEnum):
    """What is presented at a reader."""

    CARD = "card"
    PIN = "pin"
    LIVE = "live"  # MJ1 live code, signed by the resident's phone
    PASS = "pass"  # noqa: S105 - a type, not a password. MJ1 visitor pass, signed by an issuer
    IDCARD = "idcard"  # a resident ID card (身份证), by the number that its chip gives
    STATIC = "static"  # a fixed text in a QR code
    PLATE = "plate"  # a vehicle's number plate, as a camera reads it


class CredentialState(StrEnum):
    """Whether the office still stands by a credential."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    SUSPENDED = "suspended"
    LOST = "lost"
    STOLEN = "stolen"
    DAMAGED = "damaged"


class HolderClass(StrEnum):
    """Decides how stale a credential's data may become (its lease)."""

    RESIDENT = "resident"
    STAFF = "staff"
    VISITOR = "visitor"
    EMERGENCY = "emergency"


class Mark(IntFlag):
    """What sets a credential's holder apart."""

    NONE = 0
    EXTENDED = 1  # needs longer to pass
    LEAD = 2  # counts as first person in, and as supervisor of two
    ESCORT = 4  # may bring those who need an escort
    ESCORTED = 8  # needs one (visitors always do)
    EXEMPT = 16  # from anti-passback
    DURESS = 32  # presenting this credential is itself the cry for help
    PINNED = 64  # its lease never ends: maintainers and rescuers, however long the office is away


class Passback(StrEnum):
    """What happens when somebody enters a zone in which he is already."""

    OFF = "off"
    SOFT = "soft"  # granted, and noted
    HARD = "hard"  # refused


@dataclass(frozen=True, slots=True)
class ZoneRules:
    """Rules for entering a zone from outside it. Leaving is never refused by them."""

    passback: Passback = Passback.OFF
    passback_s: int = 0  # an entry is forgotten after so long; 0: only when he leaves
    limit: int | None = None  # so many persons at most
    persons: int = 1  # 2: two persons, one after the other within hold_s
    supervised: bool = False  # one of the two is a LEAD
    escort: bool = False  # visitors need an escort, who passed within hold_s before
    first_in_s: int = 0  # others only so long after a LEAD came in; 0: no such rule
    hold_s: int = 15
    least: int = 0  # while fewer are inside nobody enters alone, and who leaves fewer behind is noted


@dataclass(frozen=True, slots=True)
class Zone:
    """A bounded space. Zones nest by `parent`; `public` ones are open to visitors."""

    id: str
    parent: str | None = None
    public: bool = False
    rules: ZoneRules | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """An opening in a week: ISO weekday 1 (Monday) to 7, minutes of the local day, `end` exclusive, up to 1440.

    A window across midnight is two windows; the management plane splits it. Where two meet at midnight and last less
    than a day, they are one opening, which belongs to the day on which it begins.
    """

    weekday: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Weekly windows in the site's local time, but on the special days that it heeds."""

    id: str
    windows: tuple[Window, ...]
    special: tuple[str, ...] = ()  # ids of SpecialDays; one that is missing changes nothing


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A date on which its own windows begin (none: nothing does), or those of another weekday (调休)."""

    date: str  # 2026-10-01, the site's date
    windows: tuple[tuple[int, int], ...] = ()  # minutes of the day, the end exclusive; before its start: the next day's
    follows: int | None = None  # ISO weekday


@dataclass(frozen=True, slots=True)
class SpecialDays:
    """A set of special days. Where several that a schedule heeds name one date, the highest priority decides."""

    id: str
    days: tuple[SpecialDay, ...]
    priority: int = 0


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Exactly one of `zone` and `access_point`, with a schedule.

    A zone stands for every access point that leads into it, or outwards from it: to a zone around it, or to one without
    a parent, not to a neighbour. `within` has the policy stand for each zone inside it too.
    """

    schedule: str
    zone: str | None = None
    access_point: str | None = None
    within: bool = False


@dataclass(frozen=True, slots=True)
class AccessProfile:
    """A set of policies. `number` (1 to 65535) is its name inside a visitor pass."""

    id: str
    number: int
    policies: tuple[AccessPolicy, ...]
    responder: bool = False  # it opens through a lockdown
    visiting: bool = False  # visitors may go where it leads, public or not: the way to their host


class Credential(NamedTuple):
    """One credential as the door needs it: no name, no number, only its keyed hash.

    A NamedTuple, since one is made for every read and a frozen dataclass costs four times as much to make.
    """

    id: str
    key: bytes  # 16 bytes, identifier.identifier_key()
    type: CredentialType
    holder: str  # the resident's external id
    holder_class: HolderClass
    state: CredentialState
    profiles: tuple[str, ...]
    valid_from: int | None = None
    valid_to: int | None = None  # exclusive
    refreshed_at: int = 0  # when the office last confirmed it: its lease starts here
    public_key: bytes = b""  # live codes: the phone's keys, mj1.join_keys() of 33 bytes each; or one key alone
    pin: bytes = b""  # identifier.pin_key() of the PIN that goes with it; empty: none
    duress_pin: bytes = b""  # of the PIN that calls for help
    marks: int = 0  # of Mark
    max_uses: int = 0  # so many grants at most; 0: as many as he likes


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A key that signs visitor passes: `kid` is 0 to 15. As a change to a table, one without bytes is retired."""

    kid: int
    public_key: bytes  # 33 bytes, compressed P-256


@dataclass(frozen=True, slots=True)
class DeniedPass:
    """A visitor pass called back before its end. As a change to a table, one without `until` is forgotten."""

    pass_id: bytes  # 8 bytes
    until: int  # when the pass would have ended: the row may go then


Row = Zone | Schedule | SpecialDays | AccessProfile | Credential | IssuerKey | DeniedPass


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """A door's readers in one direction. It comes from the wiring file, not from the office."""

    name: str
    door: str
    door_number: int  # 1 to 65535, the door field of a live code
    zone_from: str
    zone_to: str
    min_assurance: int = 0
    assurance_by: tuple[tuple[str, int], ...] = ()  # (schedule, minimum): the highest of those open now, if one is

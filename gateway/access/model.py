"""The nouns of access: what the office decides, as immutable values.

Times are Unix seconds in UTC; `valid_to` is exclusive. Words follow ONVIF (README glossary).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class CredentialType(StrEnum):
    """What is presented at a reader."""

    CARD = "card"
    PIN = "pin"
    LIVE = "live"  # MJ1 live code, signed by the resident's phone
    PASS = "pass"  # noqa: S105 - a type, not a password. MJ1 visitor pass, signed by an issuer
    IDCARD = "idcard"  # a resident ID card (身份证), by the number that its chip gives
    STATIC = "static"  # a fixed text in a QR code


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


@dataclass(frozen=True, slots=True)
class Zone:
    """A bounded space. Zones nest by `parent`; `public` ones are open to visitors."""

    id: str
    parent: str | None = None
    public: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """An opening in a week: ISO weekday 1 (Monday) to 7, minutes of the local day, `end` exclusive, up to 1440.

    A window across midnight is two windows; the management plane splits it.
    """

    weekday: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Weekly windows in the site's local time."""

    id: str
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Exactly one of `zone` and `access_point`, with a schedule.

    A zone stands for every access point that leads into it, or out of it to somewhere not inside it.
    """

    schedule: str
    zone: str | None = None
    access_point: str | None = None


@dataclass(frozen=True, slots=True)
class AccessProfile:
    """A set of policies. `number` (1 to 65535) is its name inside a visitor pass."""

    id: str
    number: int
    policies: tuple[AccessPolicy, ...]


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
    public_key: bytes = b""  # live codes: 33 bytes, compressed P-256


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A key that signs visitor passes: `kid` is 0 to 15."""

    kid: int
    public_key: bytes  # 33 bytes, compressed P-256


@dataclass(frozen=True, slots=True)
class DeniedPass:
    """A visitor pass called back before its end."""

    pass_id: bytes  # 8 bytes
    until: int  # when the pass would have ended: the row may go then


Row = Zone | Schedule | AccessProfile | Credential | IssuerKey | DeniedPass


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """A door's readers in one direction. It comes from the wiring file, not from the office."""

    name: str
    door: str
    door_number: int  # 1 to 65535, the door field of a live code
    zone_from: str
    zone_to: str
    min_assurance: int = 0

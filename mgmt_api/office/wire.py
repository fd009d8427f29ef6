"""What central sends, as msgspec structs: strict, and fast enough for a hundred thousand records."""

from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from gateway.access.model import CredentialState, HolderClass
from mgmt_api.office.formats import canonical

Kind = Literal["zones", "schedules", "profiles", "residents", "credentials"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_LAST = r"(?!\n)"  # behind `$`, which in Python also matches before a last newline
ID_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,63}$"
PLAIN = r"^[^\x00-\x1f\x7f]*$" + _LAST
Id = Annotated[str, Meta(pattern=ID_PATTERN + _LAST)]
Text = Annotated[str, Meta(min_length=1, max_length=200, pattern=PLAIN)]
Clock = Annotated[str, Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$" + _LAST)]
Moment = Annotated[datetime, Meta(tz=True)]
Seq = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]
Epoch = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)] | Annotated[str, Meta(min_length=1, max_length=64, pattern=PLAIN)]


class Body(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A record's content; unknown members are refused."""


class Label(Body, frozen=True, kw_only=True):
    """A name for people, in both languages."""

    zh: Text
    en: Text


class ZoneBody(Body, frozen=True, kw_only=True):
    """PUT /zones/{id}."""

    parent: Id | None = None
    public: bool = False
    name: Label | Text | None = None


class WindowBody(Body, frozen=True, kw_only=True):
    """An opening in a week; `end` before `start` runs across midnight."""

    weekday: Annotated[int, Meta(ge=1, le=7)]
    start: Clock
    end: Clock

    def __post_init__(self) -> None:
        """An empty window is a mistake."""
        if self.start == self.end or self.start == "24:00":
            raise ValueError("the window is empty")


class ScheduleBody(Body, frozen=True, kw_only=True):
    """PUT /schedules/{id}."""

    windows: Annotated[list[WindowBody], Meta(max_length=200)]
    name: Label | Text | None = None


class PolicyBody(Body, frozen=True, kw_only=True):
    """A schedule with exactly one of zone and access point."""

    schedule: Id
    zone: Id | None = None
    access_point: Id | None = None

    def __post_init__(self) -> None:
        """Exactly one place."""
        if (self.zone is None) == (self.access_point is None):
            raise ValueError("give exactly one of zone and access_point")


class ProfileBody(Body, frozen=True, kw_only=True):
    """PUT /profiles/{id}."""

    number: Annotated[int, Meta(ge=1, le=65535)]
    policies: Annotated[list[PolicyBody], Meta(max_length=1000)]
    name: Label | Text | None = None


class ResidentBody(Body, frozen=True, kw_only=True):
    """PUT /residents/{id}."""

    name: Text
    phone: Annotated[str, Meta(pattern=r"^\+?[0-9][0-9 -]{4,19}$" + _LAST)] | None = None
    unit: Annotated[str, Meta(max_length=64, pattern=PLAIN)] | None = None
    holder_class: HolderClass = HolderClass.RESIDENT
    id_number: Annotated[str, Meta(max_length=18)] | None = None


class CredentialBody(Body, tag_field="type", frozen=True, kw_only=True):
    """What every credential has."""

    resident: Id
    profiles: Annotated[list[Id], Meta(max_length=64)]
    state: CredentialState = CredentialState.ENABLED
    valid_from: Moment | None = None
    valid_to: Moment | None = None

    def __post_init__(self) -> None:
        """The validity must not be empty; `valid_to` is exclusive."""
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must be after valid_from")


class CardBody(CredentialBody, tag="card", frozen=True, kw_only=True):
    """A card by its printed or read number."""

    format: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,32}$" + _LAST)]
    card: Annotated[int, Meta(ge=0)]  # up to 64 bits: WG66
    facility: Annotated[int, Meta(ge=0, le=(1 << 34) - 1)] = 0

    def __post_init__(self) -> None:
        """The format must be one that readers can be set to."""
        CredentialBody.__post_init__(self)
        if canonical(self.format) is None:
            raise ValueError(f"unknown card format {self.format!r}")
        if self.card >= 1 << 64:
            raise ValueError("no format has more than 64 bits for the card number")


class LiveBody(CredentialBody, tag="live", frozen=True, kw_only=True):
    """A phone that signs live codes."""

    handle: Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{16}$" + _LAST)]
    public_key: Annotated[str, Meta(pattern=r"^0[23][0-9a-fA-F]{64}$" + _LAST)]


class IdCardBody(CredentialBody, tag="idcard", frozen=True, kw_only=True):
    """A resident ID card (身份证), read by its chip. Only the keyed hash and the last four characters are kept."""

    id_number: Annotated[str, Meta(min_length=18, max_length=18)]


class PinBody(CredentialBody, tag="pin", frozen=True, kw_only=True):
    """A PIN typed at a keypad. Alone it names its holder, so that no two may be the same; nothing of it is shown."""

    pin: Annotated[str, Meta(pattern=r"^[0-9]{4,12}$" + _LAST)]


AnyCredential = CardBody | LiveBody | IdCardBody | PinBody
BODIES: dict[Kind, Any] = {  # any: msgspec takes a type or a union of types
    "zones": ZoneBody,
    "schedules": ScheduleBody,
    "profiles": ProfileBody,
    "residents": ResidentBody,
    "credentials": AnyCredential,
}


class Op(Struct, forbid_unknown_fields=True, frozen=True):
    """One change of a batch."""

    op: Literal["put", "delete"]
    kind: Kind
    id: Id
    body: Raw | UnsetType = UNSET


class Batch(Struct, forbid_unknown_fields=True, frozen=True):
    """POST /sync/changes."""

    epoch: Epoch
    base_seq: Seq
    to_seq: Seq
    ops: Annotated[list[Op], Meta(max_length=5000)]


class Line(Struct, tag_field="kind", forbid_unknown_fields=True, frozen=True):
    """One line of a snapshot part."""

    id: Id


class ZoneLine(Line, tag="zones", frozen=True):
    """A zone."""

    body: ZoneBody


class ScheduleLine(Line, tag="schedules", frozen=True):
    """A schedule."""

    body: ScheduleBody


class ProfileLine(Line, tag="profiles", frozen=True):
    """A profile."""

    body: ProfileBody


class ResidentLine(Line, tag="residents", frozen=True):
    """A resident."""

    body: ResidentBody


class CredentialLine(Line, tag="credentials", frozen=True):
    """A credential."""

    body: AnyCredential


AnyLine = ZoneLine | ScheduleLine | ProfileLine | ResidentLine | CredentialLine
LINE_KINDS: dict[type[Line], Kind] = {
    ZoneLine: "zones",
    ScheduleLine: "schedules",
    ProfileLine: "profiles",
    ResidentLine: "residents",
    CredentialLine: "credentials",
}


class Position(Struct, forbid_unknown_fields=True, frozen=True):
    """POST /sync/snapshots: where central stood when it took the snapshot."""

    epoch: Epoch
    seq: Seq

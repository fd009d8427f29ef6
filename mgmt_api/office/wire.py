"""What central sends: its kinds of record, and the envelopes around them, as msgspec structs."""

from typing import Annotated, Any, Literal, get_args

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from mgmt_api.office.wire_base import PLAIN, Id
from mgmt_api.office.wire_people import AnyCredential, ResidentBody
from mgmt_api.office.wire_places import ProfileBody, ScheduleBody, SpecialDaysBody, UnitBody, ZoneBody

Kind = Literal["zones", "units", "special_days", "schedules", "profiles", "residents", "credentials"]
KINDS: tuple[Kind, ...] = get_args(Kind)  # what a record names comes before the record

Seq = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]
Epoch = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)] | Annotated[str, Meta(min_length=1, max_length=64, pattern=PLAIN)]

BODIES: dict[Kind, Any] = {  # any: msgspec takes a type or a union of types
    "zones": ZoneBody,
    "units": UnitBody,
    "special_days": SpecialDaysBody,
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


class UnitLine(Line, tag="units", frozen=True):
    """A unit."""

    body: UnitBody


class SpecialDaysLine(Line, tag="special_days", frozen=True):
    """A set of special days."""

    body: SpecialDaysBody


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


AnyLine = ZoneLine | UnitLine | SpecialDaysLine | ScheduleLine | ProfileLine | ResidentLine | CredentialLine
LINE_KINDS: dict[type[Line], Kind] = {
    ZoneLine: "zones",
    UnitLine: "units",
    SpecialDaysLine: "special_days",
    ScheduleLine: "schedules",
    ProfileLine: "profiles",
    ResidentLine: "residents",
    CredentialLine: "credentials",
}


class Position(Struct, forbid_unknown_fields=True, frozen=True):
    """POST /sync/snapshots: where central stood when it took the snapshot."""

    epoch: Epoch
    seq: Seq

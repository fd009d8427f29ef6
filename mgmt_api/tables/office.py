"""What the office decided: zones, schedules, profiles, residents, credentials, issuers, called-back passes."""

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from mgmt_api.tables import BIG, BYTES, Base

ID = String(64)


class Counter(Base):
    """A number that only rises. `table` versions the permission table, `event` gives the events' cursors."""

    __tablename__ = "counter"
    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    value: Mapped[int] = mapped_column(BIG)
    floor: Mapped[int] = mapped_column(BIG)  # changes up to here are forgotten: ask for a snapshot


class Zone(Base):
    """A bounded space."""

    __tablename__ = "zone"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    parent: Mapped[str | None] = mapped_column(ID)
    public: Mapped[bool]
    name: Mapped[str] = mapped_column(Text)  # JSON {zh, en}
    rules: Mapped[str] = mapped_column(Text)  # JSON of the rules for entering
    use: Mapped[str] = mapped_column(String(16))  # common, amenity, or nothing of these
    standing: Mapped[bool]  # an amenity for those in good standing alone
    digest: Mapped[bytes] = mapped_column(BYTES)  # keyed hash of what central sent
    version: Mapped[int] = mapped_column(BIG, index=True)


class Unit(Base):
    """A flat of the property tree. Gateways know the ways home that follow from it alone."""

    __tablename__ = "unit"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    zone: Mapped[str] = mapped_column(ID)
    state: Mapped[str] = mapped_column(String(16))  # vacant, rented, sold, occupied
    standing: Mapped[str] = mapped_column(String(16))  # of its account: good, overdue
    name: Mapped[str] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text)  # JSON: address, layout and so on, as far as central tells
    digest: Mapped[bytes] = mapped_column(BYTES)


class SpecialDays(Base):
    """Dates with windows of their own."""

    __tablename__ = "special_days"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    days: Mapped[str] = mapped_column(Text)  # JSON [{date, windows: [[start, end]], follows}], seeded years with them
    priority: Mapped[int]
    seed: Mapped[str] = mapped_column(String(16), default="")  # china or nothing: fills dates that it left out
    name: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(BYTES)
    version: Mapped[int] = mapped_column(BIG, index=True)


class Schedule(Base):
    """Weekly windows, already split at midnight."""

    __tablename__ = "schedule"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    windows: Mapped[str] = mapped_column(Text)  # JSON [{weekday, start, end}], minutes of the local day
    special: Mapped[str] = mapped_column(Text)  # JSON list of ids of special days
    name: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(BYTES)
    version: Mapped[int] = mapped_column(BIG, index=True)


class Profile(Base):
    """A set of policies."""

    __tablename__ = "profile"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    number: Mapped[int] = mapped_column(index=True)
    policies: Mapped[str] = mapped_column(Text)  # JSON [{schedule, zone | access_point, within}]
    responder: Mapped[bool]  # opens through a lockdown
    name: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(BYTES)
    version: Mapped[int] = mapped_column(BIG, index=True)


class Way(Base):
    """A profile that follows from the property tree; office/ways.py."""

    __tablename__ = "way"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    number: Mapped[int] = mapped_column(index=True)
    policies: Mapped[str] = mapped_column(Text)  # as in Profile; [] once nobody lives there any more
    version: Mapped[int] = mapped_column(BIG, index=True)


class WayHome(Base):
    """The ways that a resident has by his homes, beside the profiles that central gave his credentials."""

    __tablename__ = "way_home"
    resident: Mapped[str] = mapped_column(ID, primary_key=True)
    profiles: Mapped[str] = mapped_column(Text)  # JSON list of ids of ways


class Resident(Base):
    """A person who holds credentials. Phone and ID number stand sealed; both are found by blind index.

    No database index: a search looks at part of the name too, and so reads every row (100,000 in 23 ms).
    """

    __tablename__ = "resident"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(String(64))
    holder_class: Mapped[str] = mapped_column(String(16))
    homes: Mapped[str] = mapped_column(Text)  # JSON list of unit ids
    sealed: Mapped[bytes] = mapped_column(BYTES)  # AES-256-GCM of JSON {phone, id_number}; empty when neither is known
    phone_index: Mapped[bytes] = mapped_column(BYTES)
    id_number_index: Mapped[bytes] = mapped_column(BYTES)
    digest: Mapped[bytes] = mapped_column(BYTES)


class Credential(Base):
    """A card or a phone's key, without its number."""

    __tablename__ = "credential"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    resident: Mapped[str] = mapped_column(ID, index=True)
    type: Mapped[str] = mapped_column(String(16))
    format: Mapped[str] = mapped_column(String(32))
    tail: Mapped[str] = mapped_column(String(4))  # last digits, for people to tell cards apart
    key: Mapped[bytes] = mapped_column(BYTES, index=True)  # 16 bytes, identifier_key()
    public_key: Mapped[bytes] = mapped_column(BYTES)  # of a live code: mj1.join_keys(); else empty
    state: Mapped[str] = mapped_column(String(16))
    profiles: Mapped[str] = mapped_column(Text)  # JSON list of profile ids
    valid_from: Mapped[int | None] = mapped_column(BIG)
    valid_to: Mapped[int | None] = mapped_column(BIG)  # exclusive
    pin: Mapped[bytes] = mapped_column(BYTES)  # 16 bytes, pin_key(); empty: none
    duress_pin: Mapped[bytes] = mapped_column(BYTES)
    marks: Mapped[int]  # of gateway.access.model.Mark
    max_uses: Mapped[int]  # so many passages at most; 0: as many as he likes
    refreshed_at: Mapped[int] = mapped_column(BIG)  # when the office last confirmed it
    sealed: Mapped[bytes] = mapped_column(BYTES)  # its number, where the site keeps those
    digest: Mapped[bytes] = mapped_column(BYTES)
    version: Mapped[int] = mapped_column(BIG, index=True)


class Hold(Base):
    """A credential that was stopped here, whatever central says of it: it stays so until somebody here restores it."""

    __tablename__ = "credential_hold"
    credential: Mapped[str] = mapped_column(ID, primary_key=True)
    state: Mapped[str] = mapped_column(String(16))  # suspended, lost, stolen, damaged
    reason: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[int] = mapped_column(BIG)


class Issuer(Base):
    """A key that signs visitor passes."""

    __tablename__ = "issuer"
    kid: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    public_key: Mapped[bytes] = mapped_column(BYTES)
    version: Mapped[int] = mapped_column(BIG, index=True)


class VisitorPass(Base):
    """A pass that this plane signed. The text itself is not kept."""

    __tablename__ = "visitor_pass"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)  # 8 bytes in hex
    profile: Mapped[str] = mapped_column(ID)
    host: Mapped[str] = mapped_column(ID, index=True)
    kid: Mapped[int]
    valid_from: Mapped[int] = mapped_column(BIG)
    valid_to: Mapped[int] = mapped_column(BIG)
    max_uses: Mapped[int]
    issued_at: Mapped[int] = mapped_column(BIG)


class Denied(Base):
    """A visitor pass called back before its end; the row goes when the pass would have ended."""

    __tablename__ = "denied"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    until: Mapped[int] = mapped_column(BIG)
    version: Mapped[int] = mapped_column(BIG, index=True)


class Tombstone(Base):
    """A row of the permission table that is gone, remembered until gateways surely know."""

    __tablename__ = "tombstone"
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    key: Mapped[bytes] = mapped_column(BYTES)  # credentials: the key that no longer opens
    version: Mapped[int] = mapped_column(BIG)
    deleted_at: Mapped[int] = mapped_column(BIG)
    __table_args__ = (Index("ix_tombstone_version", "version"),)

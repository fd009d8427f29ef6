"""What gateways report: themselves, their events, and the commands they were given."""

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mgmt_api.tables import BIG, Base
from mgmt_api.tables.office import ID

NAME = String(64)


class GatewayState(Base):
    """A gateway's last inventory and how far its events are kept here without a gap."""

    __tablename__ = "gateway"
    id: Mapped[str] = mapped_column(NAME, primary_key=True)
    acked: Mapped[int] = mapped_column(BIG)
    inventory: Mapped[str] = mapped_column(Text)  # JSON as sent
    inventory_at: Mapped[int] = mapped_column(BIG)


class Event(Base):
    """One access event. `record` is the gateway's own JSON, as it was hashed there."""

    __tablename__ = "event"
    cursor: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=False)
    gateway: Mapped[str] = mapped_column(NAME)
    seq: Mapped[int] = mapped_column(BIG)
    occurred_at: Mapped[float]
    kind: Mapped[str] = mapped_column(String(32))
    door: Mapped[str] = mapped_column(NAME)
    holder: Mapped[str] = mapped_column(ID)
    record: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        UniqueConstraint("gateway", "seq"),
        Index("ix_event_door_cursor", "door", "cursor"),
        Index("ix_event_kind_cursor", "kind", "cursor"),
        Index("ix_event_occurred_at", "occurred_at"),
    )


class Whereabouts(Base):
    """Whether a person is known to be in a zone with rules, since when; the person "" is a pardon of the zone."""

    __tablename__ = "whereabouts"
    zone: Mapped[str] = mapped_column(ID, primary_key=True)
    person: Mapped[str] = mapped_column(String(128), primary_key=True)
    at: Mapped[float]
    inside: Mapped[bool]
    led_at: Mapped[float | None]  # when he last came in as a LEAD
    version: Mapped[int] = mapped_column(BIG, index=True)


class Spent(Base):
    """A phone's newest code, or the uses of a visitor pass or a counted credential, that gateways accepted."""

    __tablename__ = "spent"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)  # in hex: handle, pass, or credential's key
    value: Mapped[int] = mapped_column(BIG)  # when it was signed, or how many uses
    until: Mapped[int] = mapped_column(BIG, index=True)  # of no interest from then on
    version: Mapped[int] = mapped_column(BIG, index=True)


class Command(Base):
    """An operator's order to a gateway: handed out at most once, dead after `expires_at`."""

    __tablename__ = "command"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    gateway: Mapped[str] = mapped_column(NAME)
    door: Mapped[str] = mapped_column(NAME)
    action: Mapped[str] = mapped_column(String(16))
    arguments: Mapped[str] = mapped_column(Text, default="{}")  # JSON {zone, mode, for_s, person}
    operator: Mapped[str] = mapped_column(NAME)
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))  # queued, sent, Done, Refused, Expired, Unknown
    issued_at: Mapped[float]
    expires_at: Mapped[float]
    ended_at: Mapped[float | None]
    __table_args__ = (Index("ix_command_state_gateway", "state", "gateway"),)


class Question(Base):
    """A question about rights, on its way to a gateway and back; kept for minutes."""

    __tablename__ = "question"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    gateway: Mapped[str] = mapped_column(NAME, index=True)
    body: Mapped[str] = mapped_column(Text)  # JSON
    answer: Mapped[str] = mapped_column(Text)  # JSON; empty: none yet
    given: Mapped[bool]
    asked_at: Mapped[float]

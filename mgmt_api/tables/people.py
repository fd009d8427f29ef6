"""Who may use the plane, their sessions, and what they did."""

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from mgmt_api.tables import BIG, BYTES, Base
from mgmt_api.tables.doors import NAME


class User(Base):
    """A person at the console."""

    __tablename__ = "console_user"
    name: Mapped[str] = mapped_column(NAME, primary_key=True)
    role: Mapped[str] = mapped_column(String(16))  # admin, guard, auditor
    password: Mapped[str] = mapped_column(Text)  # Argon2id, encoded
    must_change: Mapped[bool]
    created_at: Mapped[int] = mapped_column(BIG)


class LoginSession(Base):
    """A sign-in. The token itself is only in the browser."""

    __tablename__ = "login_session"
    token: Mapped[bytes] = mapped_column(BYTES, primary_key=True)  # SHA-256
    user: Mapped[str] = mapped_column(NAME, index=True)
    created_at: Mapped[int] = mapped_column(BIG)
    seen_at: Mapped[int] = mapped_column(BIG)
    ends_at: Mapped[int] = mapped_column(BIG)


class LoginFailure(Base):
    """Wrong passwords in a row, by account and by address."""

    __tablename__ = "login_failure"
    subject: Mapped[str] = mapped_column(String(128), primary_key=True)
    count: Mapped[int]
    last_at: Mapped[float]


class Audit(Base):
    """What people and machines did. Append-only; each row's hash covers the one before."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=False)
    at: Mapped[float]
    actor: Mapped[str] = mapped_column(NAME)
    role: Mapped[str] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(48))
    target: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)  # JSON
    hash: Mapped[bytes] = mapped_column(BYTES)  # HMAC-SHA-256 over the previous hash and this row
    __table_args__ = (Index("ix_audit_action_id", "action", "id"),)

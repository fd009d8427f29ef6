"""Where central stands: its position, snapshots on their way, answers already given."""

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from mgmt_api.tables import BIG, BYTES, Base
from mgmt_api.tables.office import ID


class SyncState(Base):
    """The one row that says how far central has been followed."""

    __tablename__ = "sync_state"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # always 1
    epoch: Mapped[str] = mapped_column(Text)  # JSON: central's number or text; null before first contact
    seq: Mapped[int] = mapped_column(BIG)
    confirmed_at: Mapped[int] = mapped_column(BIG)  # central's last successful write


class Snapshot(Base):
    """A whole state being received."""

    __tablename__ = "snapshot"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    epoch: Mapped[str] = mapped_column(Text)
    seq: Mapped[int] = mapped_column(BIG)
    state: Mapped[str] = mapped_column(String(16))  # open, committed
    created_at: Mapped[int] = mapped_column(BIG)


class Staged(Base):
    """One record of a snapshot, checked and in its final form."""

    __tablename__ = "staged"
    snapshot: Mapped[str] = mapped_column(ForeignKey("snapshot.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    part: Mapped[int]
    digest: Mapped[bytes] = mapped_column(BYTES)
    row: Mapped[bytes] = mapped_column(BYTES)  # MessagePack of the columns
    __table_args__ = (Index("ix_staged_snapshot_part", "snapshot", "part"), {"sqlite_with_rowid": False})


class Answer(Base):
    """What a request with an Idempotency-Key was answered; the same request gets it again."""

    __tablename__ = "answer"
    caller: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    request: Mapped[bytes] = mapped_column(BYTES)  # SHA-256 of what was asked
    body: Mapped[str] = mapped_column(Text)
    at: Mapped[int] = mapped_column(BIG, index=True)

"""Where central stands: its position, snapshots on their way, answers already given."""

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from mgmt_api.tables import BIG, BYTES, Base


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


class SnapshotPart(Base):
    """A part of a snapshot, checked and in its final form. Packed whole: a row a record costs more than the rest."""

    __tablename__ = "snapshot_part"
    snapshot: Mapped[str] = mapped_column(ForeignKey("snapshot.id", ondelete="CASCADE"), primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    index: Mapped[bytes] = mapped_column(BYTES)  # MessagePack: [[kind, id, digest, line], ...]
    rows: Mapped[bytes] = mapped_column(BYTES)  # MessagePack: {kind: [{column: value}, ...]}


class Answer(Base):
    """What a request with an Idempotency-Key was answered; the same request gets it again."""

    __tablename__ = "answer"
    caller: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    request: Mapped[bytes] = mapped_column(BYTES)  # digest of what was asked, keyed where PINs may stand in it
    body: Mapped[str] = mapped_column(Text)
    at: Mapped[int] = mapped_column(BIG, index=True)

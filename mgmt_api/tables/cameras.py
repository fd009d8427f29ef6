"""What people drew on cameras' pictures, and the alarms that the recorders told."""

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mgmt_api.tables import BIG, Base
from mgmt_api.tables.doors import NAME


class CameraDrawing(Base):
    """Zones and masks of one camera, as `config.drawing.Drawing` in JSON; the recorders get what stands here."""

    __tablename__ = "camera_drawing"
    camera: Mapped[str] = mapped_column(NAME, primary_key=True)
    revision: Mapped[int] = mapped_column(BIG)
    drawing: Mapped[str] = mapped_column(Text)


class AlarmLog(Base):
    """How far a recorder's log of alarms is known here."""

    __tablename__ = "camera_alarm_log"
    recorder: Mapped[str] = mapped_column(String(200), primary_key=True)  # its address
    log: Mapped[str] = mapped_column(String(32))  # another name: another log, from its beginning
    changed: Mapped[int] = mapped_column(BIG)


class CameraAlarm(Base):
    """An alarm of a camera. `number` is its recorder's; `passage` says whether somebody passed the zone's door."""

    __tablename__ = "camera_alarm"
    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    log: Mapped[str] = mapped_column(String(32))
    number: Mapped[int] = mapped_column(BIG)
    camera: Mapped[str] = mapped_column(NAME)
    kind: Mapped[str] = mapped_column(String(16))
    zone: Mapped[str] = mapped_column(NAME)
    door: Mapped[str] = mapped_column(NAME)
    from_at: Mapped[float]
    to_at: Mapped[float | None]  # null: lasts
    detail: Mapped[str] = mapped_column(String(200))
    still: Mapped[bool]
    passage: Mapped[str] = mapped_column(String(16))  # "", pending, passed, free, tailgating, unknown
    acked_by: Mapped[str] = mapped_column(NAME)  # "": nobody has taken note
    acked_at: Mapped[float | None]
    note: Mapped[str] = mapped_column(String(200))
    __table_args__ = (
        UniqueConstraint("log", "number"),
        Index("ix_camera_alarm_from_at", "from_at"),
        Index("ix_camera_alarm_passage", "passage"),
    )

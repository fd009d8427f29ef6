"""Alarms of cameras: taken from the recorders' logs, joined to what happened at the doors, taken note of by people.

A zone with a door lies behind it: whoever moves there has passed the door. So motion there without a passage at that
door is a candidate for tail-gating; a candidate, for a person to look at, since a camera may be deceived.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from gateway.access.event import EventKind
from mgmt_api import doors
from mgmt_api.moments import LATEST, iso
from mgmt_api.presence import Presence
from mgmt_api.problems import Problem
from mgmt_api.tables.cameras import AlarmLog, CameraAlarm
from mgmt_api.tables.doors import Event

BEFORE_S, AFTER_S = 20.0, 5.0  # a passage explains motion that begins up to so long after it, or just before
SETTLE_S = 15.0  # after the motion began: the gateway's events are here by then
GIVE_UP_S = 900.0  # a gateway that is away for longer cannot say any more
FREE_MODES = ("Unlocked", "LockedOpen")  # the door is open to all
PASSAGES = (EventKind.GRANTED, EventKind.TAKEN, EventKind.REMOTE_UNLOCK, EventKind.REX, EventKind.FIRE_RELEASED)
SHOWN_S, SHOWN = 86_400.0, 50  # what a console is told at once
KEPT_S = 180 * 86_400.0
Text = Annotated[str, Meta(max_length=64)]
Moment = Annotated[str, Meta(max_length=40)]
Json = dict[str, Any]


class Told(Struct, frozen=True):
    """An alarm as a recorder tells it."""

    id: Annotated[int, Meta(ge=1, lt=1 << 53)]
    changed: Annotated[int, Meta(ge=1, lt=1 << 53)]
    camera: Text
    kind: Annotated[str, Meta(max_length=16)]
    from_: Moment = msgspec.field(name="from")
    to: Moment | None = None
    zone: Text = ""
    door: Text = ""
    detail: Annotated[str, Meta(max_length=200)] = ""
    still: bool = False


class Page(Struct, frozen=True):
    """A recorder's answer to `GET /alarms`."""

    log: Annotated[str, Meta(max_length=32)]
    alarms: Annotated[list[Told], Meta(max_length=1000)]


def position(session: Session, recorder: str) -> tuple[str, int]:
    """The name of a recorder's log, and the last change of it that is known here."""
    known = session.get(AlarmLog, recorder)
    return (known.log, known.changed) if known else ("", 0)


def take(session: Session, recorder: str, page: Page) -> None:
    """Store what a recorder told, and how far. Raises `ValueError`: a moment is none."""
    for told in page.alarms:
        _store(session, page.log, told)
    changed = max((told.changed for told in page.alarms), default=0)
    known = session.get(AlarmLog, recorder)
    if known is None:
        session.add(AlarmLog(recorder=recorder, log=page.log, changed=changed))
    elif known.log != page.log:
        known.log, known.changed = page.log, changed
    else:
        known.changed = max(known.changed, changed)


def judge(session: Session, presence: Presence, now: float) -> bool:
    """Say of each alarm that waits whether somebody passed its door; tell whether one was judged."""
    waiting = session.scalars(select(CameraAlarm).where(CameraAlarm.passage == "pending").limit(200)).all()
    judged = False
    for alarm in waiting:
        if now - alarm.from_at >= SETTLE_S and (verdict := _verdict(session, presence, alarm, now)):
            alarm.passage, judged = verdict, True
    return judged


def waits(session: Session) -> bool:
    """Whether an alarm waits to be judged."""
    return session.execute(select(CameraAlarm.id).where(CameraAlarm.passage == "pending").limit(1)).first() is not None


def acknowledge(session: Session, id_: int, by: str, note: str, now: float) -> Json:
    """Note who has seen an alarm, once. Raises `Problem` not-found."""
    alarm = one(session, id_)
    if not alarm.acked_by:
        alarm.acked_by, alarm.acked_at, alarm.note = by, now, note
    return shape(alarm)


def one(session: Session, id_: int) -> CameraAlarm:
    """An alarm. Raises `Problem` not-found."""
    alarm = session.get(CameraAlarm, id_)
    if alarm is None:
        raise Problem("not-found", f"There is no camera alarm {id_}.")
    return alarm


def before(session: Session, cursor: int | None, limit: int, camera: str | None, passage: str | None) -> list[Json]:
    """Alarms before an id, newest first."""
    statement = select(CameraAlarm).order_by(CameraAlarm.id.desc()).limit(limit)
    if cursor is not None:
        statement = statement.where(CameraAlarm.id < cursor)
    if camera is not None:
        statement = statement.where(CameraAlarm.camera == camera)
    if passage is not None:
        statement = statement.where(CameraAlarm.passage == passage)
    return list(map(shape, session.scalars(statement)))


def current(session: Session, now: float) -> list[Json]:
    """What a guard must see: alarms of the last day that nobody took note of, unless somebody passed the door."""
    recent = or_(CameraAlarm.from_at > now - SHOWN_S, CameraAlarm.to_at.is_(None))
    open_ = (CameraAlarm.acked_by == "", CameraAlarm.passage.not_in(("passed", "free", "pending")), recent)
    statement = select(CameraAlarm).where(*open_).order_by(CameraAlarm.id.desc()).limit(SHOWN)
    return list(map(shape, session.scalars(statement)))


def sweep(session: Session, now: float) -> None:
    """Forget what is older than half a year."""
    session.execute(delete(CameraAlarm).where(CameraAlarm.to_at < now - KEPT_S))


def shape(alarm: CameraAlarm) -> Json:
    """An alarm as the console gets it."""
    return {
        "id": alarm.id,
        "camera": alarm.camera,
        "kind": alarm.kind,
        "zone": alarm.zone,
        "door": alarm.door,
        "from": iso(alarm.from_at),
        "to": None if alarm.to_at is None else iso(alarm.to_at),
        "detail": alarm.detail,
        "still": alarm.still,
        "passage": alarm.passage,
        "acked_by": alarm.acked_by,
        "acked_at": None if alarm.acked_at is None else iso(alarm.acked_at),
        "note": alarm.note,
    }


def _store(session: Session, log: str, told: Told) -> None:
    known = session.scalars(
        select(CameraAlarm).where(CameraAlarm.log == log, CameraAlarm.number == told.id)
    ).one_or_none()
    if known is None:
        passage = "pending" if told.kind == "motion" and told.door else ""
        known = CameraAlarm(
            log=log, number=told.id, camera=told.camera, kind=told.kind, zone=told.zone, door=told.door,
            detail=told.detail, passage=passage, acked_by="", acked_at=None, note="", from_at=_at(told.from_),
            still=False,
        )  # fmt: skip
        session.add(known)
    known.to_at = None if told.to is None else _at(told.to)
    known.still = told.still
    session.flush()


def _at(moment: str) -> float:
    at = msgspec.convert(moment, type=datetime).timestamp()
    if not 0 <= at <= LATEST:
        raise ValueError("a moment out of range")
    return at


def _verdict(session: Session, presence: Presence, alarm: CameraAlarm, now: float) -> str:
    """passed, free, tailgating, unknown; "" while the gateway that would know is away."""
    between = Event.occurred_at.between(alarm.from_at - BEFORE_S, alarm.from_at + AFTER_S)
    passed = select(Event.cursor).where(between, Event.door == alarm.door, Event.kind.in_(PASSAGES)).limit(1)
    if session.execute(passed).first() is not None:
        return "passed"
    found: Sequence[Json] = [each for each in doors.listed(session, presence, {}, now) if each["name"] == alarm.door]
    if not found or not found[0]["online"]:
        return "unknown" if now - alarm.from_at > GIVE_UP_S else ""
    return "free" if found[0]["mode"] in FREE_MODES else "tailgating"

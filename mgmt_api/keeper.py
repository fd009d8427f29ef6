"""What must be done now and then: overdue commands, ended sessions, gateways gone quiet, leases to renew."""

import asyncio
import itertools

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from mgmt_api import camera_alarms, commands, doors, passes, sessions, spent
from mgmt_api.calendars import seeds
from mgmt_api.calendars.ending import ending
from mgmt_api.office import position, snapshots, store
from mgmt_api.plane import Plane
from mgmt_api.routes.cameras import cameras
from mgmt_api.tables.doors import Command
from mgmt_api.tables.office import Counter, Tombstone
from mgmt_api.tables.sync import Answer

log = structlog.get_logger()
TICK_S, SLOW_EVERY = 1.0, 60  # seconds; ticks
DAY_S = 86_400
ANSWERS_S, TOMBSTONES_S = 7 * DAY_S, 90 * DAY_S
CAMERAS_EVERY = 5


async def keep(plane: Plane) -> None:
    """Run until cancelled; a failure is logged and the next round goes on."""
    shown: tuple[object, object] = (None, None)
    for tick in itertools.count():
        await asyncio.sleep(TICK_S)
        try:
            shown = await _round(plane, tick, shown)
        except (SQLAlchemyError, OSError) as error:
            log.error("keeper_failed", error=type(error).__name__, exc_info=error)


def compact(session: Session, before: int) -> None:
    """Forget deletions older than `before`; a gateway that never heard of them is told to take a snapshot."""
    highest = session.execute(select(func.max(Tombstone.version)).where(Tombstone.deleted_at < before)).scalar_one()
    if highest is None:
        return
    session.execute(delete(Tombstone).where(Tombstone.deleted_at < before))
    session.execute(update(Counter).where(Counter.name == "table").values(floor=highest))


async def _round(plane: Plane, tick: int, shown: tuple[object, object]) -> tuple[object, object]:
    seen_doors, seen_cameras = shown
    ended = await run_in_threadpool(_commands, plane)
    now_doors = await run_in_threadpool(_online, plane)
    now_cameras = await cameras(plane) if tick % CAMERAS_EVERY == 0 else seen_cameras
    topics = [f"command:{id_}" for id_ in ended]
    topics += ["doors"] * (now_doors != seen_doors) + ["cameras"] * (now_cameras != seen_cameras)
    plane.hub.publish(*topics)
    if await run_in_threadpool(_judge, plane):
        plane.hub.publish("alarms")
    await run_in_threadpool(_sweep_snapshots, plane)
    if tick % SLOW_EVERY == 0 and await run_in_threadpool(_sweep, plane):
        plane.hub.publish("table")
    return now_doors, now_cameras


def _commands(plane: Plane) -> list[str]:
    with plane.database.read() as session:
        open_ = session.execute(select(Command.id).where(Command.state.in_(("queued", "sent"))).limit(1)).first()
    if open_ is None:
        return []
    with plane.database.write() as session:
        return commands.expire(session, plane.clock())


def _online(plane: Plane) -> list[tuple[str, bool]]:
    with plane.database.read() as session:
        found = doors.listed(session, plane.presence, {}, plane.clock())
    return [(door["name"], door["online"]) for door in found]


def _sweep_snapshots(plane: Plane) -> None:
    with plane.database.read() as session:
        if not snapshots.left_over(session):
            return
    with plane.database.write() as session:
        snapshots.sweep(session)


def _judge(plane: Plane) -> bool:
    with plane.database.read() as session:
        if not camera_alarms.waits(session):
            return False
    with plane.database.write() as session:
        return camera_alarms.judge(session, plane.presence, plane.clock())


def _sweep(plane: Plane) -> bool:
    """Whether the permission table changed."""
    now = plane.now()
    with plane.database.write() as session:
        sessions.sweep(session, now)
        session.execute(delete(Answer).where(Answer.at < now - ANSWERS_S))
        compact(session, now - TOMBSTONES_S)
        camera_alarms.sweep(session, now)
        spent.sweep(session, now)
        if now % DAY_S < TICK_S * SLOW_EVERY:  # once a day
            for missing in ending(session, plane.today()):
                log.warning("special_days_missing", id=missing.id, year=missing.year)
        return bool(passes.sweep(session, now) + position.renew(session) + _fill(session, plane))


def _fill(session: Session, plane: Plane) -> int:
    """Years of special days that are to be filled up from packages; how many sets changed."""
    changed = seeds.fill(session, plane.keys, plane.clock(), plane.today())
    for row in changed:
        row.version = store.take(session, "table", 1)
    return len(changed)

"""Tells a recorder what happened at the doors that its cameras see, so that it keeps the footage as an event's."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import func, select
from starlette.concurrency import run_in_threadpool

from mgmt_api.plane import Plane
from mgmt_api.problems import Problem
from mgmt_api.recorders import RecorderAddress
from mgmt_api.tables.doors import Event

BACK_S = 3600  # told again after a start; the recorder knows an event by its gateway and number
BATCH = 200
WAIT_S = 5.0


class Marking:
    """Follows the events for one recorder."""

    def __init__(self) -> None:
        self._cursor: int | None = None

    async def tell(self, plane: Plane, address: RecorderAddress) -> None:
        """Tell what is new, or wait for it. Raises `Problem` when the recorder is away: nothing is left out then."""
        events = await run_in_threadpool(self._new, plane)
        for event in events:
            try:
                await plane.recorders.ask(address, "POST", "marks", content=_mark(event))
            except Problem as problem:
                if problem.type == "recorder-unreachable":
                    raise
            self._cursor = event.cursor
        if not events:
            with plane.hub.listen("events") as listener:
                await listener.wait(WAIT_S)

    def _new(self, plane: Plane) -> list[Any]:
        with plane.database.read() as session:
            if self._cursor is None:
                recent = select(func.min(Event.cursor)).where(Event.occurred_at > plane.now() - BACK_S)
                last = session.execute(select(func.max(Event.cursor))).scalar_one()
                first = session.execute(recent).scalar_one()
                self._cursor = (last or 0) if first is None else first - 1
            asked = select(Event.cursor, Event.gateway, Event.seq, Event.occurred_at, Event.kind, Event.door)
            ours = asked.where(Event.cursor > self._cursor, Event.door.in_(plane.cameras_of_doors))
            return list(session.execute(ours.order_by(Event.cursor).limit(BATCH)))


def _mark(event: Any) -> bytes:
    moment = datetime.fromtimestamp(event.occurred_at, UTC).isoformat()
    return msgspec.json.encode(
        {"door": event.door, "from": moment, "reason": f"{event.kind} {event.gateway}/{event.seq}", "class": "event"}
    )

"""What devices decided or noted by themselves: written down once each, and only then acknowledged.

`take` runs in the loop's thread; the journal's writer calls back when a record is on the disk.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any

from controllers.driver import CardRead, DeviceRecord
from gateway.access.event import EventKind
from gateway.access.model import AccessPoint
from gateway.access.presented import Card
from gateway.journal import DAY_S
from gateway.passage import CommandTaken
from gateway.pen import Pen
from gateway.presentation import Identifier

REMEMBERED_S = 6 * DAY_S  # a device that was away for longer may tell a record twice
AHEAD_S = 60.0  # a device's clock further ahead than this is wrong


class Records:
    """The devices' own records.

    Args:
        pen: the way into the journal.
        points: access points by reader.
        identifier: finds whose card it was.
        loop: the loop in whose thread `take` runs.
    """

    def __init__(
        self, pen: Pen, points: Mapping[str, AccessPoint], identifier: Identifier, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._pen, self._points, self._identifier, self._loop = pen, points, identifier, loop
        self._writing: set[str] = set()

    def take(self, record: DeviceRecord) -> None:
        """Write a record down, unless it was before."""
        id_ = f"record {record.device} {record.record_id}"
        if self._pen.journal.passage.took(id_):
            record.stored()
        elif id_ not in self._writing:
            self._writing.add(id_)
            taken = CommandTaken(id_, self._pen.clock.now() + REMEMBERED_S)
            event = self._pen.event(EventKind.DEVICE_RECORD, self._fields(record), self._time(record))
            self._pen.journal.append(event, (taken,)).add_done_callback(partial(self._written, record, taken))

    def _written(self, record: DeviceRecord, taken: CommandTaken, future: "Future[int]") -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending
            self._loop.call_soon_threadsafe(self._done, record, taken, future.exception() is None)

    def _done(self, record: DeviceRecord, taken: CommandTaken, durable: bool) -> None:
        self._writing.discard(taken.command_id)
        if durable:  # else the device tells it again
            self._pen.journal.passage.note(taken)
            record.stored()

    def _time(self, record: DeviceRecord) -> float:
        """By the device's clock, as far as it can be believed."""
        now = self._pen.clock.now()
        return record.occurred_s if record.occurred_s and record.occurred_s < now + AHEAD_S else now

    def _fields(self, record: DeviceRecord) -> dict[str, Any]:
        point = self._points.get(record.reader)
        place = {"door": point.door, "access_point": point.name} if point else {}
        common = {"reader": record.reader or record.device, "reason": record.reason}
        return {**place, **common, **self._who(record), "detail": {"granted": record.granted, "id": record.record_id}}

    def _who(self, record: DeviceRecord) -> dict[str, Any]:
        if not record.bit_count:
            return {}
        table = self._pen.table()
        shown = self._identifier.card(CardRead(record.reader, record.bits, record.bit_count, record.seen), table)
        found = table.find(shown.presented.key) if isinstance(shown.presented, Card) else None
        who = {"credential": found.id, "holder": found.holder} if found else {}
        return {"raw": shown.raw, "credential_type": shown.type, **who}

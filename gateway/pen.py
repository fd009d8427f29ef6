"""Writes events down, each with the time, the quality of the clock and the table that was in force."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

import structlog

from gateway.access.event import AccessEvent, EventKind
from gateway.access.table import PermissionTable
from gateway.clock import Clock
from gateway.journal import Journal
from gateway.passage import Change

T = TypeVar("T", bound=Change)
REASON_CHARS = 64  # what the management plane files by

log = structlog.get_logger()


class Pen:
    """The service's way into the journal. `table` gives the permission table in force."""

    def __init__(self, journal: Journal, clock: Clock, table: Callable[[], PermissionTable]) -> None:
        self.journal, self.clock, self.table = journal, clock, table

    def event(self, kind: EventKind, fields: dict[str, Any], at: float | None = None) -> AccessEvent:
        """An event of now, or of `at` (Unix seconds)."""
        at = self.clock.now() if at is None else at
        reason = str(fields.get("reason", ""))
        if len(reason) > REASON_CHARS:  # an operator's words; they stay whole in the detail
            fields = fields | {
                "reason": reason[:REASON_CHARS],
                "detail": {**fields.get("detail", {}), "reason": reason},
            }
        common: dict[str, Any] = {"table_version": self.table().version, "clock": self.clock.quality()}
        return AccessEvent(kind, at, **(common | fields))

    def put(self, event: AccessEvent, changes: Sequence[Change] = ()) -> None:
        """Write down an event that nothing waits for."""
        self.journal.append(event, changes).add_done_callback(partial(_lost, event.kind))

    def noted(self, changes: tuple[T, ...]) -> tuple[T, ...]:
        """The changes, noted in memory too: the next read may be in the queue. They still have to be put."""
        for change in changes:
            self.journal.passage.note(change)
        return changes

    def write(self, kind: EventKind, fields: dict[str, Any], changes: Sequence[Change] = ()) -> None:
        """Write down an event of now that nothing waits for."""
        self.put(self.event(kind, fields), changes)


def _lost(kind: EventKind, future: "Future[int]") -> None:
    if (error := future.exception()) is not None:
        log.debug("event lost", kind=kind, error=str(error))  # the journal says so, once

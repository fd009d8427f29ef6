"""What goes, and why: a pure plan, and the two steps that carry it out.

Order of reasons: older than its camera keeps; over its camera's bytes; the disk needs room (oldest first, of all
cameras). A held file never goes, whatever the disk says.
"""

import errno
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

import structlog

from camera import disk
from camera.index import Index
from camera.segment import US, Hold, Segment
from camera.timeline import Timeline

log = structlog.get_logger()
DAY_US = 86_400 * US


class Reason(StrEnum):
    """Why retention removes a file."""

    AGE = "age"
    BYTES = "bytes"
    SPACE = "space"


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a camera's footage stays; None sets no limit."""

    max_age_s: float | None = None
    max_bytes: int | None = None


def plan(
    oldest_first: Iterable[Segment],
    holds: Sequence[Hold],
    policies: Mapping[str, Policy],
    used_bytes: Mapping[str, int],
    now_us: int,
    lacking_bytes: int = 0,
) -> Iterator[tuple[Segment, Reason]]:
    """Yield what goes, oldest first, with the reason. A camera without a policy is bound by the disk alone.

    Args:
        oldest_first: All files of all cameras by start; read only as far as needed.
        holds: What must stay.
        policies: Limits by camera.
        used_bytes: Bytes by camera, now.
        now_us: Unix microseconds.
        lacking_bytes: What must go to leave the disk enough room.
    """
    over = {
        name: used_bytes.get(name, 0) - policy.max_bytes
        for name, policy in policies.items()
        if policy.max_bytes is not None
    }
    expiry_us = {name: now_us - int(policy.max_age_s * US) for name, policy in policies.items() if policy.max_age_s}
    youngest_us, lacking = max(expiry_us.values(), default=0), lacking_bytes
    held: dict[str, list[Hold]] = {}
    for hold in holds:
        held.setdefault(hold.camera, []).append(hold)
    for segment in oldest_first:
        if lacking <= 0 and segment.start_us >= youngest_us and all(excess <= 0 for excess in over.values()):
            return
        reason = _reason(segment, expiry_us, over, lacking)
        if reason is None or any(hold.keeps(segment, now_us) for hold in held.get(segment.camera, ())):
            continue
        over[segment.camera] = over.get(segment.camera, 0) - segment.bytes
        lacking -= segment.bytes
        yield segment, reason


def _reason(segment: Segment, expiry_us: Mapping[str, int], over: Mapping[str, int], lacking: int) -> Reason | None:
    if segment.end_us <= expiry_us.get(segment.camera, 0):
        return Reason.AGE
    if over.get(segment.camera, 0) > 0:
        return Reason.BYTES
    return Reason.SPACE if lacking > 0 else None


class Retention:
    """Carries the plan out, a batch at a time; blocks on the disk."""

    def __init__(
        self,
        root: Path,
        index: Index,
        timeline: Timeline,
        policies: Mapping[str, Policy],
        min_free_bytes: int,
        batch: int = 200,
    ) -> None:
        self._root, self._index, self._timeline = root, index, timeline
        self._policies, self._min_free_bytes, self._batch = policies, min_free_bytes, batch

    def sweep(self, now_us: int) -> int:
        """Remove what goes; return how many files went. Logs an alarm when holds leave the disk too full.

        Raises:
            OSError: A file cannot go.
            sqlite3.Error: The index cannot be written, not even with the reserve given up.
        """
        try:
            removed = self._remove(now_us)
        except (OSError, sqlite3.Error) as error:
            if not disk.is_full(error):
                raise
            disk.give_reserve(self._root)
            removed = self._remove(now_us)
        self._index.drop_idle_runs(now_us - DAY_US)
        if disk.free_bytes(self._root) < self._min_free_bytes:
            log.error("disk too full and nothing may go", free_bytes=disk.free_bytes(self._root))
        else:
            disk.keep_reserve(self._root)
        return removed

    def _remove(self, now_us: int) -> int:
        removed = 0
        while doomed := self._next(now_us):
            self._index.to_garbage(doomed)
            finish_garbage(self._root, self._index, self._timeline)
            removed += len(doomed)
        if removed:
            log.info("retention", removed=removed)
        return removed

    def _next(self, now_us: int) -> list[tuple[Segment, str]]:
        lacking_bytes = self._min_free_bytes - disk.free_bytes(self._root)
        used, holds = self._timeline.used_bytes(), self._timeline.holds()
        going = plan(self._timeline.oldest(), holds, self._policies, used, now_us, lacking_bytes)
        return [(segment, reason.value) for segment, reason in islice(going, self._batch)]


def finish_garbage(root: Path, index: Index, timeline: Timeline) -> None:
    """Deletion, step 2: unlink, make it durable, then drop the rows; folders that became empty go too."""
    paths = timeline.garbage()
    for path in paths:
        (root / path).unlink(missing_ok=True)
    for folder in {(root / path).parent for path in paths}:
        if folder.is_dir():
            disk.sync(folder)
            _drop_empty(folder)
    index.drop_garbage(paths)


def _drop_empty(hour: Path) -> None:
    """Remove an hour's folder, and its day's, when they are empty."""
    try:
        hour.rmdir()
        hour.parent.rmdir()
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.ENOENT):
            raise

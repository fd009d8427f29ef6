"""What goes, and why: a pure plan, and the two steps that carry it out.

Order of reasons: what nothing kept in time; older than its camera keeps its class; over its camera's bytes; its disk
needs room. For bytes and room the lowest class goes first (pending, continuous, motion, event), the oldest of it first.
A held file never goes, whatever the disk says.
"""

import errno
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol

import structlog

from camera import disk
from camera.clocks import CLOCK_RIGHT_US
from camera.disks import Disks
from camera.index import Index
from camera.marks import FootageClass
from camera.segment import DAY_US, US, Hold, Segment, main_name
from camera.timeline import Timeline

log = structlog.get_logger()


class Reason(StrEnum):
    """Why retention removes a file."""

    UNMARKED = "unmarked"
    AGE = "age"
    BYTES = "bytes"
    SPACE = "space"


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a camera's footage stays; None sets no limit. `min_age_s` is what the law asks for: it only warns."""

    max_age_s: float | None = None
    max_bytes: int | None = None
    motion_s: float | None = None  # None: as max_age_s
    event_s: float | None = None
    linger_s: float = 900.0
    min_age_s: float = 0.0

    def age_s(self, footage_class: FootageClass) -> float | None:
        """Return how old footage of a class may get."""
        if footage_class is FootageClass.PENDING:
            return self.linger_s
        own = {FootageClass.MOTION: self.motion_s, FootageClass.EVENT: self.event_s}.get(footage_class)
        return self.max_age_s if own is None else own


class Shelves(Protocol):
    """Footage by class, oldest first; read only as far as needed."""

    def shelf(self, camera: str, footage_class: FootageClass) -> Iterable[Segment]:
        """Return a camera's."""

    def disk_shelf(self, disk: str, footage_class: FootageClass) -> Iterable[Segment]:
        """Return a disk's."""


def plan(
    shelves: Shelves,
    holds: Sequence[Hold],
    policies: Mapping[str, Policy],
    used_bytes: Mapping[str, int],
    now_us: int,
    lacking_bytes: Mapping[str, int] | None = None,
    unsure_before_us: int = 0,
) -> Iterator[tuple[Segment, Reason]]:
    """Yield what goes, with the reason. A camera without a policy is bound by its disk alone.

    Args:
        shelves: All footage.
        holds: What must stay.
        policies: Limits by camera.
        used_bytes: Bytes by camera, now.
        now_us: Unix microseconds.
        lacking_bytes: What must go to leave each disk enough room.
        unsure_before_us: What seems older was recorded with a wrong clock: it does not go by age.
    """
    going = _Going(holds, now_us, unsure_before_us, dict(used_bytes), dict(lacking_bytes or {}))
    for camera, policy in policies.items():
        for footage_class in FootageClass:
            yield from going.too_old(shelves.shelf(camera, footage_class), policy.age_s(footage_class), footage_class)
    for camera, policy in policies.items():
        for footage_class in FootageClass:
            yield from going.over(shelves.shelf(camera, footage_class), camera, policy.max_bytes)
    for name in lacking_bytes or {}:
        for footage_class in FootageClass:
            yield from going.lacking(shelves.disk_shelf(name, footage_class), name)


class _Going:
    """The plan so far."""

    def __init__(
        self,
        holds: Sequence[Hold],
        now_us: int,
        unsure_before_us: int,
        used_bytes: dict[str, int],
        lacking_bytes: dict[str, int],
    ) -> None:
        self._now_us, self._unsure_before_us = now_us, unsure_before_us
        self._gone: set[str] = set()
        self._used_bytes, self.lacking_bytes = used_bytes, lacking_bytes
        self._holds: dict[str, list[Hold]] = {}
        for hold in holds:
            self._holds.setdefault(hold.camera, []).append(hold)

    def too_old(
        self, shelf: Iterable[Segment], age_s: float | None, footage_class: FootageClass
    ) -> Iterator[tuple[Segment, Reason]]:
        if age_s is None:
            return
        expiry_us = self._now_us - int(age_s * US)
        for segment in shelf:
            if segment.start_us >= expiry_us:
                return
            unsure = segment.start_us < self._unsure_before_us
            if segment.end_us <= expiry_us and not unsure and self._may_go(segment):
                yield segment, Reason.AGE if footage_class else Reason.UNMARKED

    def over(self, shelf: Iterable[Segment], camera: str, max_bytes: int | None) -> Iterator[tuple[Segment, Reason]]:
        if max_bytes is None or self._used_bytes.get(camera, 0) <= max_bytes:
            return
        for segment in shelf:
            if self._may_go(segment):
                yield segment, Reason.BYTES
            if self._used_bytes.get(camera, 0) <= max_bytes:
                return

    def lacking(self, shelf: Iterable[Segment], name: str) -> Iterator[tuple[Segment, Reason]]:
        if self.lacking_bytes[name] <= 0:
            return
        for segment in shelf:
            if self._may_go(segment):
                yield segment, Reason.SPACE
            if self.lacking_bytes[name] <= 0:
                return

    def _may_go(self, segment: Segment) -> bool:
        """Tell whether a file goes, and count it."""
        held = any(hold.keeps(segment, self._now_us) for hold in self._holds.get(main_name(segment.camera), ()))
        if held or segment.id in self._gone:
            return False
        self._gone.add(segment.id)
        self._used_bytes[segment.camera] = self._used_bytes.get(segment.camera, 0) - segment.bytes
        self.lacking_bytes[segment.disk] = self.lacking_bytes.get(segment.disk, 0) - segment.bytes
        return True


class Retention:
    """Carries the plan out, a batch at a time; blocks on the disk."""

    def __init__(
        self,
        root: Path,
        index: Index,
        timeline: Timeline,
        policies: Mapping[str, Policy],
        min_free_bytes: int,
        disks: Disks | None = None,
        batch: int = 200,
    ) -> None:
        self._root, self._index, self._timeline = root, index, timeline
        self._disks = disks or Disks(root)
        self._policies, self._min_free_bytes, self._batch = policies, min_free_bytes, batch

    def sweep(self, now_us: int) -> int:
        """Remove what goes; return how many files went. Logs an alarm when holds leave the disk too full.

        Raises:
            OSError: A file cannot go.
            sqlite3.Error: The index cannot be written, not even with the reserve given up.
        """
        removed = disk.with_reserve(self._root, partial(self._remove, now_us))
        self._index.drop_idle_runs(now_us - DAY_US)
        self._index.drop_old_marks(now_us - DAY_US)
        for name, lacking_bytes in self._lacking().items():
            if lacking_bytes > 0:
                log.error("disk too full and nothing may go", disk=name, lacking_bytes=lacking_bytes)
            elif not name:
                disk.keep_reserve(self._root)
        return removed

    def _remove(self, now_us: int) -> int:
        removed = 0
        while doomed := self._next(now_us):
            self._warn(doomed, now_us)
            self._index.to_garbage(doomed)
            finish_garbage(self._root, self._index, self._timeline, list(self._disks.there().values()))
            removed += len(doomed)
        if removed:
            log.info("retention", removed=removed)
        return removed

    def _next(self, now_us: int) -> list[tuple[Segment, str]]:
        used, holds = self._timeline.used_bytes(), self._timeline.holds()
        there = self._disks.there()
        going = plan(self._timeline, holds, self._policies, used, now_us, self._lacking(), CLOCK_RIGHT_US)
        reached = ((segment, reason.value) for segment, reason in going if segment.disk in there)
        return list(islice(reached, self._batch))

    def _lacking(self) -> dict[str, int]:
        """Return what each disk lacks of its free room; negative where there is enough."""
        return {name: self._min_free_bytes - disk.free_bytes(folder) for name, folder in self._disks.there().items()}

    def _warn(self, doomed: Sequence[tuple[Segment, str]], now_us: int) -> None:
        """Say which cameras lose footage that the law wants kept: the disk is too small."""
        for camera in {each.camera for each, reason in doomed if reason in (Reason.BYTES, Reason.SPACE)}:
            youngest_us = max(each.end_us for each, _ in doomed if each.camera == camera)
            policy = self._policies.get(camera, Policy())
            if now_us - youngest_us < policy.min_age_s * US:
                log.error(
                    "footage goes before its legal minimum",
                    camera=camera,
                    age_h=round((now_us - youngest_us) / US / 3600, 1),
                    min_age_h=policy.min_age_s / 3600,
                )


def finish_garbage(root: Path, index: Index, timeline: Timeline, there: Sequence[Path]) -> None:
    """Deletion, step 2, on the disks that are there: unlink, make it durable, drop the rows, and empty folders."""
    paths = [path for path in timeline.garbage() if any((root / path).is_relative_to(folder) for folder in there)]
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

"""Keeps the disks in order: sweeps them, says which is too full to go on, and how long they will last.

A disk that fills up degrades in this order: footage goes, the least worth first (camera/retention.py); cameras go on on
another disk; recording stops, with `disk_full` as the gap's reason, before the room that is kept free is half used up,
and goes on once there is room. Nothing that is held goes; the doors write elsewhere, or into that room, and go on.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping

import structlog

from camera import disk
from camera.clocks import CLOCK_RIGHT_US, Almanac
from camera.disks import FIRST, Disks
from camera.forecast import Forecast, Rate, Room, forecast
from camera.index import Index
from camera.retention import Policy, Retention, finish_garbage
from camera.segment import DAY_US, US
from camera.snapshots import Album
from camera.timeline import Timeline

log = structlog.get_logger()

SWEEP_S = 30.0
LEAST_FREE_BYTES = 16 << 20  # whatever the settings say: what is written between two sweeps
FORESEE_S = 600.0  # between two looks whether the legal minimum is kept


class Keeper:
    """Runs beside the cameras. `forecast` and `free_bytes` may be asked in any thread."""

    def __init__(
        self,
        disks: Disks,
        index: Index,
        timeline: Timeline,
        policies: Mapping[str, Policy],
        min_free_bytes: int,
        album: Album,
    ) -> None:
        self._disks, self._index, self._timeline, self._policies = disks, index, timeline, policies
        self._min_free_bytes, self._album = max(min_free_bytes, LEAST_FREE_BYTES), album
        self._root = disks.folders[FIRST]
        self._retention = Retention(self._root, index, timeline, policies, self._min_free_bytes, disks)
        self._almanac: Almanac | None = None
        self._hurry = asyncio.Event()
        self._foreseen_s = -FORESEE_S
        self._unlawful: tuple[str, ...] = ()

    def hurry(self) -> None:
        """A disk is full: sweep now."""
        self._hurry.set()

    async def run(self) -> None:
        """Sweep now, then every while, and at once when a disk is full."""
        if time.time() * US < CLOCK_RIGHT_US:
            log.error("this machine's clock was never set: footage gets wrong times, and stays until there is no room")
        sweep_s = min([SWEEP_S, *(policy.linger_s for policy in self._policies.values())])
        while True:
            await asyncio.to_thread(self._look)
            self._hurry.clear()
            try:
                async with asyncio.timeout(sweep_s):
                    await self._hurry.wait()
            except TimeoutError:
                continue

    def free_bytes(self) -> int:
        """Return what may still be written, on all disks that are there."""
        return sum(disk.free_bytes(folder) for folder in self._disks.there().values())

    def forecast(self) -> Forecast:
        """Return how long the disks last at the rate of the last day."""
        now_us = int(time.time() * US)
        rates = [rate for name, policy in self._policies.items() for rate in self._rates(name, policy, now_us)]
        used, held = self._timeline.disk_bytes(), self._timeline.held_bytes(now_us)
        used[FIRST] = used.get(FIRST, 0) + self._album.snapshots.used_bytes()
        rooms = []
        for name, folder in self._disks.there().items():
            size = used.get(name, 0) - held.get(name, 0) + disk.free_bytes(folder) - self._min_free_bytes
            rooms.append(Room({camera: rate for on, camera, rate in rates if on == name}, size))
        return forecast(rooms, self._album.rate(now_us))

    def _rates(self, camera: str, policy: Policy, now_us: int) -> Iterator[tuple[str, str, Rate]]:
        """Yield by disk what a camera recorded since its first file, at most in a day; its bound is shared likewise."""
        sizes = self._timeline.rate(camera, now_us - DAY_US, now_us) or {FIRST: 0}
        seconds = (now_us - max(self._timeline.first_us(camera) or 0, now_us - DAY_US)) / US
        for name, size in sizes.items():
            bound = policy.max_bytes and policy.max_bytes * size // (sum(sizes.values()) or 1)
            yield name, camera, Rate(size, seconds, policy.max_age_s, bound, policy.min_age_s)

    def _look(self) -> None:
        for step in (self._sweep, self._mark_full, self._foresee):
            try:
                step()
            except Exception as error:  # noqa: BLE001 - whatever fails now, the cameras and the next look go on
                log.error("retention failed", error=repr(error))

    def _sweep(self) -> None:
        now_us = self._now_us()
        self._retention.sweep(now_us)
        if self._album.sweep(now_us):
            finish_garbage(self._root, self._index, self._timeline, [self._root])

    def _now_us(self) -> int:
        """Return the time by which footage is old; a clock that leaps ahead must not delete all of it."""
        wall_us, monotonic_us = int(time.time() * US), time.monotonic_ns() // 1000
        almanac = self._almanac = self._almanac or self._begin_almanac(wall_us, monotonic_us)
        doubted, now_us = almanac.doubts, almanac.now_us(wall_us, monotonic_us)
        if almanac.doubts and not doubted:
            leapt_h = round((wall_us - now_us) / US / 3600, 1)
            log.error("this machine's clock leapt ahead: for a day, footage ages by the time before", leapt_h=leapt_h)
        return now_us

    def _begin_almanac(self, wall_us: int, monotonic_us: int) -> Almanac:
        """Doubt a clock by which there was footage, and then none for more than a day until yesterday."""
        before = [self._timeline.last(name, wall_us - DAY_US) for name in self._timeline.cameras()]
        past_us = max((each.end_us for each in before if each), default=wall_us)
        almanac = Almanac()
        if wall_us - past_us > 2 * DAY_US:
            almanac.known(past_us, monotonic_us)
        return almanac

    def _mark_full(self) -> None:
        """Take disks out of use that have too little room left, and back once they have enough."""
        for name, folder in self._disks.there().items():
            free_bytes = disk.free_bytes(folder)
            if free_bytes < self._min_free_bytes // 2 and name not in self._disks.full:
                log.error("disk full: nothing is recorded on it", disk=name or "first", free_bytes=free_bytes)
                self._disks.full.add(name)
            elif free_bytes >= self._min_free_bytes and name in self._disks.full:
                log.info("disk has room again", disk=name or "first", free_bytes=free_bytes)
                self._disks.full.discard(name)

    def _foresee(self) -> None:
        """Warn when the disks cannot keep what the law asks for."""
        if time.monotonic() - self._foreseen_s < FORESEE_S:
            return
        self._foreseen_s = time.monotonic()
        seen = self.forecast()
        if seen.unlawful and seen.unlawful != self._unlawful:
            log.error("the disks cannot keep the legal minimum", cameras=seen.unlawful, keeps_days=seen.keeps_days)
        self._unlawful = seen.unlawful

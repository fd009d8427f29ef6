"""Growing files are looked at disk by disk: a disk's thread looks at all of its files at the same moments.

The event loop hears only what a look found worth telling, and that a disk does not answer: to wake a thread costs more
than to look at a file.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

log = structlog.get_logger()
T = TypeVar("T")


class Looks:
    """Looks at files, disk by disk. For one event loop."""

    def __init__(self, silent_s: float) -> None:
        """Prepare; a disk that takes longer than `silent_s`, and as much again at worst, does not answer."""
        self._silent_s = silent_s
        self._disks: dict[str, _Disk] = {}

    def watch(
        self, disk: str, pause_s: Callable[[], float], look: Callable[[], T | None]
    ) -> "asyncio.Future[T | None]":
        """Look until there is something to tell; return what, None if the disk does not answer. Cancel it to end.

        Args:
            disk: Whose thread looks.
            pause_s: Asked for each look: it comes when the clock is next at a multiple of this.
            look: Returns None while there is nothing to tell; what it raises, the answer raises.
        """
        if disk not in self._disks:
            self._disks[disk] = _Disk(self._silent_s)
        return self._disks[disk].watch(pause_s, look)

    async def now(self, look: Callable[[], object]) -> bool:
        """Look at once, alone; tell whether the disk answered."""
        try:
            async with asyncio.timeout(self._silent_s):
                await asyncio.to_thread(look)
        except OSError as error:  # its subclass TimeoutError too
            log.error("disk fails", error=str(error) or "it does not answer")
            return False
        return True


@dataclass(slots=True, eq=False)
class _Watch:
    """One file that is looked at."""

    pause_s: Callable[[], float]
    look: Callable[[], object]
    answer: "asyncio.Future[Any]"
    due_s: float = 0.0

    def wait(self) -> None:
        """Be due when the clock is next at a multiple of the pause."""
        pause_s = self.pause_s()
        self.due_s = (math.floor(time.monotonic() / pause_s) + 1) * pause_s


class _Disk:
    """One disk's thread, there while there is something to look at."""

    def __init__(self, silent_s: float) -> None:
        self._silent_s = silent_s
        self._loop = asyncio.get_running_loop()
        self._watches: list[_Watch] = []
        self._changed = threading.Condition()
        self._began_s: float | None = None  # of the look that goes on
        self._looks = self._guarded = False

    def watch(self, pause_s: Callable[[], float], look: Callable[[], object]) -> "asyncio.Future[Any]":
        watch = _Watch(pause_s, look, self._loop.create_future())
        watch.wait()
        with self._changed:
            self._watches.append(watch)
            self._changed.notify()
            if not self._looks:
                self._looks = True
                threading.Thread(target=self._run, name="looks", daemon=True).start()
        if not self._guarded:
            self._guarded = True
            self._loop.call_later(self._silent_s, self._guard)
        return watch.answer

    def _guard(self) -> None:
        """Tell everyone, in the event loop, when a look takes too long."""
        with self._changed:
            began_s = self._began_s
            if began_s is not None and time.monotonic() - began_s > self._silent_s:
                for watch in self._watches:
                    _settle(watch, None)
                self._watches = []
            self._guarded = bool(self._watches)
        if self._guarded:
            self._loop.call_later(self._silent_s, self._guard)

    def _run(self) -> None:
        """Look at what is due, in the disk's thread, until nobody waits for an answer."""
        while watch := self._due():
            try:
                said, error = watch.look(), None
            except Exception as failed:  # noqa: BLE001 - raised to who waits
                said, error = None, failed
            watch.wait()
            with self._changed:
                self._began_s = None
            if said is not None or error is not None:
                self._tell(watch, said, error)

    def _due(self) -> _Watch | None:
        """Wait for a file's time."""
        with self._changed:
            while True:
                self._watches = [watch for watch in self._watches if not watch.answer.done()]
                if not self._watches:
                    self._looks = False
                    return None
                watch = min(self._watches, key=lambda each: each.due_s)
                if (wait_s := watch.due_s - time.monotonic()) <= 0:
                    self._began_s = time.monotonic()
                    return watch
                self._changed.wait(wait_s)

    def _tell(self, watch: _Watch, said: object, error: Exception | None) -> None:
        with self._changed, suppress(ValueError):  # not there any more: it was told that the disk does not answer
            self._watches.remove(watch)
        with suppress(RuntimeError):  # the event loop is closed: nobody waits
            self._loop.call_soon_threadsafe(_settle, watch, said, error)


def _settle(watch: _Watch, said: object, error: Exception | None = None) -> None:
    if watch.answer.done():
        return
    if error is not None:
        watch.answer.set_exception(error)
    else:
        watch.answer.set_result(said)

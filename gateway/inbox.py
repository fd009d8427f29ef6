"""From driver threads to the loop: one bounded queue, which wakes the loop once for all that waits."""

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from controllers.driver import CardRead, DeviceEvent, IdCardRead, KeyRead, TextRead, UnsupportedRead

READS = (CardRead, TextRead, KeyRead, IdCardRead, UnsupportedRead)
TURN = 64  # events handled before the loop's other work has its turn

log = structlog.get_logger()


class Inbox:
    """Hands events to `handle` in the loop's thread, in the order in which they came.

    Of one reader at most `limit` reads wait; what it brings above that is dropped, and counted, so that a reader that
    floods makes nobody wait at another. People present again, but levels and outcomes come only once: all of them wait.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, handle: Callable[[DeviceEvent], None], limit: int = 256
    ) -> None:
        self._loop, self._handle, self._limit = loop, handle, limit
        self._turns: deque[deque[DeviceEvent]] = deque()  # the queue that each waiting event stands in
        self._reads: dict[str, deque[DeviceEvent]] = {}  # by reader
        self._others: deque[DeviceEvent] = deque()
        self._awake = False
        self.dropped = 0

    def put(self, event: DeviceEvent) -> None:
        """The drivers' sink: any thread."""
        queue = self._others
        if isinstance(event, READS):
            queue = self._reads.setdefault(event.reader, deque())
            if len(queue) >= self._limit:
                self.dropped += 1
                return
        queue.append(event)
        self._turns.append(queue)
        if not self._awake:
            self._awake = True
            self._wake()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._drain)
        except RuntimeError:  # the loop is closed: the process is ending
            log.debug("event after the end")

    def _drain(self) -> None:
        self._awake = False
        for _ in range(TURN):
            try:
                event = self._turns.popleft().popleft()
            except IndexError:
                return
            try:
                self._handle(event)
            except Exception:  # one bad event must not end the doors
                log.exception("event failed", kind=type(event).__name__)
        self._awake = True
        self._wake()

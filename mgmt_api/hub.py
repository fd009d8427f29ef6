"""Wakes those who wait: gateways on watch, consoles, long polls.

Nothing is carried here but *that* something changed: each listener then reads from the database what it lacks. So a
slow listener costs a set of words, never a backlog, and misses nothing. Only command ids pile up, at most
`most_topics` for a listener; past that it is told to take a snapshot (`lagged`).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

MOST_TOPICS = 64


class Listener:
    """One waiter's unread topics."""

    def __init__(self, prefixes: tuple[str, ...], most_topics: int) -> None:
        self._prefixes = prefixes
        self._most_topics = most_topics
        self._unread: set[str] = set()
        self._wake = asyncio.Event()
        self.lagged = False

    def offer(self, topic: str) -> None:
        """Note a topic, if it is one of ours."""
        if not topic.startswith(self._prefixes):
            return
        if len(self._unread) < self._most_topics:
            self._unread.add(topic)
        else:
            self.lagged = True
        self._wake.set()

    def rouse(self) -> None:
        """End the wait without a topic."""
        self._wake.set()

    async def wait(self, timeout_s: float) -> set[str]:
        """The topics since the last call; empty after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            return set()
        self._wake.clear()
        topics, self._unread = self._unread, set()
        return topics


class Hub:
    """The listeners of this process. `publish` may be called from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: set[Listener] = set()
        self.closing = False

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Serve from this loop on."""
        self._loop = loop

    def publish(self, *topics: str) -> None:
        """Wake the listeners of these topics."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._spread, topics)

    def close(self) -> None:
        """End every wait: the process stops."""
        self.closing = True
        for listener in self._listeners:
            listener.rouse()

    @contextmanager
    def listen(self, *prefixes: str, most_topics: int = MOST_TOPICS) -> Iterator[Listener]:
        """A listener to topics that start with one of `prefixes`."""
        listener = Listener(prefixes, most_topics)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def _spread(self, topics: tuple[str, ...]) -> None:
        for listener in self._listeners:
            for topic in topics:
                listener.offer(topic)

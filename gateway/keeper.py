"""Keep trying: loops that outlive whatever the network and the plane do."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()


class Keeper:
    """Runs one duty again and again; a failure pauses it, `min_s` at first and doubling up to `max_s`, with jitter.

    A failure is logged when it begins or changes, and once more when it is over.
    """

    def __init__(self, name: str, min_s: float = 0.25, max_s: float = 5.0) -> None:
        self.name, self._min_s, self._max_s = name, min_s, max_s
        self._pause_s, self._fault = 0.0, ""

    async def keep(self, duty: Callable[[], Awaitable[None]]) -> None:
        """Call `duty` for ever; it returns after each success."""
        while True:
            await self.until_done(duty)

    async def until_done(self, duty: Callable[[], Awaitable[None]]) -> None:
        """Call `duty` until it returns."""
        while True:
            try:
                await duty()
            except Exception as error:  # noqa: BLE001 - a door goes on, whatever the plane answers
                await self._failed(error)
            else:
                self.well()
                return

    def well(self) -> None:
        """The duty works: say so if it did not. A duty that never returns calls this itself."""
        if self._fault:
            log.info("works again", duty=self.name)
        self._pause_s, self._fault = 0.0, ""

    async def _failed(self, error: Exception) -> None:
        fault = f"{type(error).__name__}: {error}"[:300]
        if fault != self._fault:
            log.warning("fails, and is tried again", duty=self.name, error=fault)
        self._fault = fault
        self._pause_s = min(self._max_s, max(self._min_s, self._pause_s * 2))
        await asyncio.sleep(self._pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing

"""When growing files are looked at: all of a disk's at the same moments, in one thread, one after another.

To wake a thread costs more than to look at a file.
"""

import asyncio
import math
from collections.abc import Callable, Sequence

import structlog

log = structlog.get_logger()

Look = Callable[[], object]
Asked = list[tuple[Look, "asyncio.Future[bool]"]]


class Looks:
    """Looks at files, disk by disk. For one event loop."""

    def __init__(self, silent_s: float) -> None:
        """Prepare; a disk that takes longer than `silent_s` does not answer."""
        self._silent_s = silent_s
        self._asked: dict[tuple[str, float], Asked] = {}
        self._rounds: set[asyncio.Task[None]] = set()

    def after(self, pause_s: float, disk: str, look: Look) -> "asyncio.Future[bool]":
        """Look when the clock is next at a multiple of `pause_s`; the answer: whether the disk gave one."""
        loop = asyncio.get_running_loop()
        at = disk, (math.floor(loop.time() / pause_s) + 1) * pause_s
        if at not in self._asked:
            self._asked[at] = []
            loop.call_at(at[1], self._begin, at)
        answer = loop.create_future()
        self._asked[at].append((look, answer))
        return answer

    async def now(self, look: Look) -> bool:
        """Look at once, alone; tell whether the disk answered."""
        try:
            async with asyncio.timeout(self._silent_s):
                return await asyncio.to_thread(_seen, look)
        except TimeoutError:
            return False

    def _begin(self, at: tuple[str, float]) -> None:
        asked = [(look, answer) for look, answer in self._asked.pop(at) if not answer.done()]
        if asked:
            task = asyncio.create_task(self._round(asked))
            self._rounds.add(task)
            task.add_done_callback(self._rounds.discard)

    async def _round(self, asked: Asked) -> None:
        seen: list[bool] = []  # as far as the thread has come
        await self.now(lambda: _all([look for look, _ in asked], seen))
        for n, (_, answer) in enumerate(asked):
            if not answer.done():
                answer.set_result(seen[n] if n < len(seen) else False)


def _all(looks: Sequence[Look], seen: list[bool]) -> None:
    for look in looks:
        seen.append(_seen(look))


def _seen(look: Look) -> bool:
    """Look at one file; a disk that fails gives no answer either."""
    try:
        look()
    except OSError as error:
        log.error("disk fails", error=str(error))
        return False
    return True

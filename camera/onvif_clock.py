"""Compares a camera's clock with this machine's, now and then, in a child process that may hang or die."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from camera.process import Ffmpeg
from camera.worker import worker_command

log = structlog.get_logger()
LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class ClockWatch:
    """Which clock is watched: `url` is its ONVIF service; `tell` gets how far it is ahead, in s, and the limit."""

    camera: str
    url: str
    username: str
    password: str = field(repr=False)
    limit_s: float
    every_s: float
    tell: Callable[[float | None, float], None]

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.tell(await self._ask(), self.limit_s)
            await asyncio.sleep(self.every_s)

    async def _ask(self) -> float | None:
        """Return how far the clock is ahead; None when it cannot be asked."""
        order = {"url": self.url, "username": self.username, "password": self.password}
        scrub = (lambda text: text.replace(self.password, "***")) if self.password else str
        try:
            child = await Ffmpeg.start(worker_command("camera.onvif_worker"), json.dumps(order).encode() + b"\n", scrub)
        except OSError as error:
            log.error("no worker for the camera's clock", camera=self.camera, error=str(error))
            return None
        try:
            async with asyncio.timeout(LIMIT_S):
                said = json.loads(await child.stdout.readline() or b"{}")
        except (TimeoutError, ValueError):
            said = {}
        finally:
            await child.stop(patience_s=0.2)
        error_s = said.get("error_s")
        if not isinstance(error_s, int | float):
            log.info("camera's clock not told", camera=self.camera, reason=said.get("fault", "no answer"))
            return None
        return float(error_s)

"""A child process that looks at pictures: one order in, JSON lines out; watched, and started again whatever ends it."""

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from camera.patience import Patience
from camera.process import Ffmpeg
from camera.states import State, diagnose

log = structlog.get_logger()

MEMORY_BYTES = 4 << 30  # of addresses; what a decoder of absurd pictures asks for beyond ends it, not the machine
Json = dict[str, object]


def worker_command(module: str) -> tuple[str, ...]:
    """Return what starts a module of ours as a child that dies with this process and cannot eat the machine."""
    limits = ("prlimit", f"--as={MEMORY_BYTES}", "--core=0", "--")
    return ("setpriv", "--pdeathsig", "KILL", "--", *limits, sys.executable, "-m", module)


@dataclass
class Worker:
    """Keeps one child going until it is cancelled.

    Args:
        camera: Whose pictures it looks at; for the log.
        module: What runs in the child.
        order: Gives its standard input, anew at each start: the one place where an address with its password stands.
        take: Gets each of its lines. A `ValueError` from here ends the child: it speaks nonsense.
        become: Hears how it is: `RECORDING` with the first line, else why it ended.
        scrub: Removes credentials from what it says.
    """

    camera: str
    module: str
    order: Callable[[], bytes]
    take: Callable[[Json], None]
    become: Callable[[State], None]
    scrub: Callable[[str], str] = str
    patience: Patience = field(default_factory=Patience)
    pid: int = 0
    _process: Ffmpeg | None = None

    async def run(self) -> None:
        """Keep a child going; whatever ends it, another one follows."""
        failures = 0
        while True:
            began = time.monotonic()
            try:
                fault = await self._watch()
            except OSError as error:
                log.error("no worker", camera=self.camera, module=self.module, error=str(error))
                fault = State.ENDED
            self.become(fault)
            failures = 1 if time.monotonic() - began > self.patience.steady_s else failures + 1
            await asyncio.sleep(max(self.patience.shortest_s, self.patience.retry_s(failures, fault, random.random)))

    async def renew(self) -> None:
        """End the child: the next one gets a new order."""
        if self._process:
            await self._process.stop(patience_s=0.2)

    async def _watch(self) -> State:
        """Run one child until it ends or is silent; return why."""
        process = self._process = await Ffmpeg.start(worker_command(self.module), self.order(), self.scrub)
        self.pid, limit_s = process.pid, self.patience.connect_s
        try:
            while line := await _line(process, limit_s):
                said = json.loads(line)
                self.become(State.RECORDING)
                self.take(said)
                limit_s = self.patience.silent_s
            await process.wait()
            return diagnose(process.said)
        except TimeoutError:  # a hanging decoder, or no picture: both are ended by force
            return State.STALLED
        except ValueError as error:  # also a line longer than a pipe's buffer
            log.error("a worker spoke nonsense", camera=self.camera, module=self.module, error=str(error))
            return State.BAD_STREAM
        finally:
            await process.stop(patience_s=0.2)


async def _line(process: Ffmpeg, limit_s: float) -> bytes:
    async with asyncio.timeout(limit_s):
        return await process.stdout.readline()

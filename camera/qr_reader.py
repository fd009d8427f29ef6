"""A camera as a QR reader: one child process that decodes, watched and started again; its texts go to who listens.

It has its own connection to the camera, or a V4L2 device of its own: whatever a decoder does, recording goes on.
"""

import asyncio
import json
import random
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from camera.command import code_command
from camera.patience import Patience
from camera.process import Ffmpeg
from camera.source import Source
from camera.states import CameraState, State, diagnose

log = structlog.get_logger()

WORKER = ("setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "camera.qr_worker")
Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at: a stream or a V4L2 device, where in its picture, how often a second."""

    source: Source
    device: str = ""
    region: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)  # x, y, width, height: shares of the picture
    fps: float = 8.0

    def order(self) -> bytes:
        """Return the worker's standard input; the only place where the address with its password stands."""
        script = "" if self.device else self.source.script().decode()
        argv = code_command(self.region, self.fps, self.device)
        return json.dumps({"argv": argv, "script": script}).encode() + b"\n"


class Listener:
    """One who hears the codes; one that does not take them loses the oldest."""

    def __init__(self, limit: int = 16) -> None:
        self._waiting: deque[Json] = deque(maxlen=limit)
        self._something = asyncio.Event()

    def tell(self, message: Json) -> None:
        """Queue a message."""
        self._waiting.append(message)
        self._something.set()

    async def next(self) -> Json:
        """Return the next message, when there is one."""
        while not self._waiting:
            self._something.clear()
            await self._something.wait()
        return self._waiting.popleft()


class Once:
    """Passes a text on when it appears, not while it stays in sight: again only after `away_s` without it."""

    def __init__(self, away_s: float = 5.0, limit: int = 64) -> None:
        self._away_s, self._limit = away_s, limit
        self._last: dict[str, float] = {}

    def new(self, text: str, at_s: float) -> bool:
        """Note that a text is seen; tell whether it just appeared. Forgets the longest unseen beyond `limit`."""
        last = self._last.pop(text, None)
        self._last[text] = at_s
        if len(self._last) > self._limit:
            del self._last[next(iter(self._last))]
        return last is None or at_s - last > self._away_s


class QrReader:
    """Reads one camera's codes until it is cancelled. In one event loop."""

    def __init__(self, view: View, patience: Patience | None = None, clock: Callable[[], float] = time.time) -> None:
        self._view, self._patience, self._clock = view, patience or Patience(), clock
        self._listeners: set[Listener] = set()
        self._once = Once()
        self.worker_pid = 0
        self.state = CameraState(view.source.camera, State.CONNECTING, clock())

    def join(self) -> Listener:
        """Begin to listen: first comes the state, then codes as they appear, never earlier ones."""
        listener = Listener()
        listener.tell(self._state_message())
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Stop listening."""
        self._listeners.discard(listener)

    async def run(self) -> None:
        """Keep a worker going; whatever ends it, another one follows."""
        failures = 0
        while True:
            began = time.monotonic()
            try:
                fault = await self._watch()
            except OSError as error:
                log.error("no worker for codes", camera=self._view.source.camera, error=str(error))
                fault = State.ENDED
            self._become(fault)
            failures = 1 if time.monotonic() - began > self._patience.steady_s else failures + 1
            await asyncio.sleep(max(self._patience.shortest_s, self._patience.retry_s(failures, fault, random.random)))

    async def _watch(self) -> State:
        """Run one worker until it ends or is silent; return why."""
        process = await Ffmpeg.start(WORKER, self._view.order(), self._view.source.scrub)
        self.worker_pid, limit_s = process.pid, self._patience.connect_s
        try:
            while line := await _line(process, limit_s):
                self._take(json.loads(line))
                limit_s = self._patience.silent_s
            await process.wait()
            return diagnose(process.said)
        except TimeoutError:  # a hanging decoder, or no picture: both are ended by force
            return State.STALLED
        except ValueError as error:
            log.error("a worker for codes spoke nonsense", camera=self._view.source.camera, error=str(error))
            return State.BAD_STREAM
        finally:
            await process.stop(patience_s=0.2)

    def _take(self, seen: Json) -> None:
        """Pass on what just appeared."""
        self._become(State.RECORDING)
        at, texts = seen["at"], seen["texts"]
        if not isinstance(at, float) or not isinstance(texts, list):
            raise ValueError("no picture's line")
        for text in texts:
            if self._once.new(text, time.monotonic()):
                self._tell({"type": "code", "text": text, "at": at, "took_ms": seen["took_ms"]})

    def _become(self, state: State) -> None:
        if state is self.state.state:
            return
        self.state = CameraState(self._view.source.camera, state, self._clock())
        log.info("codes", camera=self._view.source.camera, state=state)
        self._tell(self._state_message())

    def _state_message(self) -> Json:
        return {"type": "state", "up": self.state.state is State.RECORDING, "reason": self.state.state}

    def _tell(self, message: Json) -> None:
        for listener in self._listeners:
            listener.tell(message)


async def _line(process: Ffmpeg, limit_s: float) -> bytes:
    async with asyncio.timeout(limit_s):
        return await process.stdout.readline()

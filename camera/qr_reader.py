"""A camera as a QR reader: one child process that decodes, watched and started again; its texts go to who listens.

It has its own connection to the camera, or a V4L2 device of its own: whatever a decoder does, recording goes on.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from camera.command import grey_command
from camera.patience import Patience
from camera.source import Source
from camera.states import CameraState, State
from camera.worker import Json, Worker

log = structlog.get_logger()


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
        argv = grey_command(self.region, self.fps, self.device)
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
        self._view, self._clock = view, clock
        self._listeners: set[Listener] = set()
        self._once = Once()
        self._worker = Worker(
            view.source.camera, "camera.qr_worker", view.order, self._take, self._become, view.source.scrub,
            patience or Patience(),
        )  # fmt: skip
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
        """Read until cancelled."""
        await self._worker.run()

    def _take(self, seen: Json) -> None:
        """Pass on what just appeared."""
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

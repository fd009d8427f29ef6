"""Live view: one ffmpeg a watched camera, shared by its viewers; the newest group of pictures is kept for new ones."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass

import structlog

from camera.boxes import Malformed
from camera.command import live_command
from camera.encode import Slots, browser_live_command
from camera.groups import codec_mime
from camera.process import Ffmpeg
from camera.source import Source
from camera.splitter import Part, Splitter
from camera.states import State, diagnose

log = structlog.get_logger()
BUSY = "encoders_busy"  # too many cameras are encoded for browsers without H.265


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """Bounds of a live view."""

    idle_s: float = 5.0  # without a viewer, before the camera's connection is given up
    silent_s: float = 6.0  # without a byte: the connection is taken for dead
    retry_s: float = 2.0
    slow_retry_s: float = 30.0  # after a refused password or an unknown stream
    queue: int = 60  # fragments that a viewer may lag behind; then it skips to the next key frame
    group_bytes: int = 8 << 20  # of the kept group of pictures; a longer one is not kept


@dataclass(frozen=True, slots=True)
class Message:
    """What a viewer gets: text as a JSON object, or bytes of the stream."""

    json: dict[str, str] | None = None
    data: bytes = b""


class Viewer:
    """One who watches. Slow ones lose pictures, never order, and are told."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[Message] = deque(maxlen=2 * limit)
        self._something = asyncio.Event()
        self._skipping = False

    async def next(self) -> Message:
        """Return the next message, when there is one."""
        while not self._waiting:
            self._something.clear()
            await self._something.wait()
        return self._waiting.popleft()

    def tell(self, message: Message) -> None:
        """Queue a message that must arrive."""
        self._waiting.append(message)
        self._something.set()

    def show(self, data: bytes, key: bool, group: bytes | bytearray = b"") -> None:
        """Queue a fragment; when the queue is full, drop it all and skip to the newest key frame.

        `group` is what is shown since that key frame, `data` with it; without one, the next key frame is waited for.
        """
        if len(self._waiting) >= self._limit:
            self._waiting.clear()
            self._skipping = True
            data, key = (bytes(group), True) if group else (data, key)
        if self._skipping and not key:
            return
        if self._skipping:
            self._skipping = False
            self.tell(Message({"type": "drop"}))
        self.tell(Message(data=data))

    def restart(self, mime: str, data: bytes) -> None:
        """Begin anew with an init and what is shown of the current group."""
        self._waiting.clear()
        self._skipping = False
        self.tell(Message({"type": "init", "mime": mime}))
        self.tell(Message(data=data))


class Live:
    """A camera's live view. Not its recording: another ffmpeg, so that no viewer can slow the recording down."""

    def __init__(self, source: Source, limits: LiveLimits | None = None, slots: Slots | None = None) -> None:
        """Prepare; with `slots` the stream is encoded as H.264 for browsers, as long as one is free."""
        self._source = source
        self._slots = slots
        self._limits = limits or LiveLimits()
        self._viewers: set[Viewer] = set()
        self._task: asyncio.Task[None] | None = None
        self._mime, self._init, self._group = "", b"", bytearray()

    @property
    def viewers(self) -> int:
        """Return how many watch."""
        return len(self._viewers)

    def join(self) -> Viewer:
        """Begin to watch; the camera is asked for its stream if nobody watched before."""
        viewer = Viewer(self._limits.queue)
        self._viewers.add(viewer)
        if self._init and self._group:
            viewer.restart(self._mime, self._init + bytes(self._group))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """Stop watching."""
        self._viewers.discard(viewer)

    async def close(self) -> None:
        """End the view for all."""
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        """Keep the stream while somebody watches."""
        while self._viewers:
            if self._slots and not self._slots.take():
                await self._lament(BUSY, self._limits.retry_s)
                continue
            try:
                fault = await self._stream()
            finally:
                if self._slots:
                    self._slots.give()
            self._init, self._group = b"", bytearray()
            slow = fault in (State.UNAUTHORISED, State.NOT_FOUND)
            await self._lament(fault, self._limits.slow_retry_s if slow else self._limits.retry_s)

    async def _lament(self, reason: str, pause_s: float) -> None:
        """Tell why there is no picture, and wait."""
        for viewer in self._viewers:
            viewer.tell(Message({"type": "camera_down", "reason": reason}))
        await self._pause(pause_s)

    async def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self._viewers and time.monotonic() < until:
            await asyncio.sleep(0.2)

    async def _stream(self) -> State:
        """Run one ffmpeg until it ends, is silent, or nobody watches; return why."""
        command = browser_live_command() if self._slots else live_command()
        process = await Ffmpeg.start(command, self._source.script(), self._source.scrub)
        splitter, watched = Splitter(), time.monotonic()
        try:
            while True:
                async with asyncio.timeout(self._limits.silent_s):
                    data = await process.stdout.read(1 << 16)
                if not data:
                    await process.wait()
                    return diagnose(process.said)
                for part in splitter.feed(data):
                    self._pass_on(part)
                watched = time.monotonic() if self._viewers else watched
                if time.monotonic() - watched > self._limits.idle_s:
                    return State.ENDED
        except TimeoutError:
            return State.STALLED
        except Malformed as fault:
            log.warning("live stream malformed", camera=self._source.camera, fault=str(fault))
            return State.BAD_STREAM
        finally:
            await process.stop(patience_s=0.5)

    def _pass_on(self, part: Part) -> None:
        if part.fragment is None:
            self._mime, self._init, self._group = codec_mime(part.init), part.data, bytearray()
            return
        fresh = not self._group
        if part.fragment.key or len(self._group) > self._limits.group_bytes:
            self._group.clear()
        if part.fragment.key or self._group:
            self._group += part.data
        for viewer in self._viewers if part.fragment.key or not fresh else ():
            if fresh:
                viewer.restart(self._mime, self._init + part.data)
            else:
                viewer.show(part.data, part.fragment.key, self._group)

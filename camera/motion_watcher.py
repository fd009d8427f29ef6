"""One camera's picture, watched by a child process: motion becomes marks and alarms, a blind camera an alarm.

The child has its own connection to the camera: whatever its decoder does, recording goes on. Rows are written one
after the other in a thread; a queue that is full drops words, and says so.
"""

import asyncio
import json
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

import structlog

from camera.alarms import Alarm, AlarmKind, Alarms, still_path
from camera.command import grey_command
from camera.drawing import Drawings, MonitoringZone, armed
from camera.marks import FootageClass, Mark
from camera.patience import Patience
from camera.segment import US
from camera.source import Source
from camera.states import CameraState, State
from camera.worker import Json, Worker

log = structlog.get_logger()

WIDTH = 320  # pixels of what is looked at
QUEUE = 256
EXPECTED = (State.RECORDING, State.NOT_SCHEDULED, State.NOT_RECORDED, State.MISCONFIGURED)  # nothing is missed
WHOLE = (0.0, 0.0, 1.0, 1.0)
TakeStill = Callable[[int, str], Awaitable[bool]]  # moment (us), path under the root -> whether there is a picture


@dataclass(frozen=True, slots=True)
class Watched:
    """What is looked at, how often a second, and how long what must last (`camera.health.HealthLimits`).

    Without a source nobody looks at the picture: then only a lost camera and a wrong clock are alarms.
    """

    source: Source | None
    camera: str
    doors: Sequence[str] = ()
    fps: float = 5.0
    limits: dict[str, float] = field(default_factory=dict)
    lost_s: float = 20.0


class Watcher:
    """Watches one camera until it is cancelled. In one event loop."""

    def __init__(
        self,
        watched: Watched,
        drawings: Drawings,
        reference: Path,
        alarms: Alarms,
        mark: Callable[[Mark], object],
        take_still: TakeStill,
        recorded: Callable[[], CameraState],
        where: tzinfo,
        patience: Patience | None = None,
    ) -> None:
        """Prepare. `mark` notes motion, `recorded` says how the recording goes; `where`: the site's clock."""
        self._watched, self._drawings, self._reference = watched, drawings, reference
        self._alarms, self._mark, self._take_still = alarms, mark, take_still
        self._recorded, self._where = recorded, where
        self._open: dict[str, Alarm] = {}  # a zone's, or a kind's, that lasts
        self._zones: dict[str, MonitoringZone] = {}
        self._todo: asyncio.Queue[Callable[[], Awaitable[object]]] = asyncio.Queue(QUEUE)
        self._stills: asyncio.Queue[tuple[Alarm, int]] = asyncio.Queue(QUEUE)
        self._worker = Worker(
            watched.camera, "camera.motion_worker", self._order, self._take, self._become,
            watched.source.scrub if watched.source else str, patience or Patience(),
        )  # fmt: skip
        self.state = CameraState(watched.camera, State.CONNECTING, time.time())
        self.learnt = False

    @property
    def looks(self) -> bool:
        """Tell whether the picture is looked at."""
        return self._watched.source is not None

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            if self.looks:
                tasks.create_task(self._worker.run())
            tasks.create_task(self._carry_out())
            tasks.create_task(self._picture())
            tasks.create_task(self._miss())

    async def redraw(self) -> None:
        """Look with what is drawn now."""
        await self._worker.renew()

    async def relearn(self) -> None:
        """Take what the camera sees from now on for what it was put up for."""
        await asyncio.to_thread(self._reference.unlink, missing_ok=True)
        self.learnt = False
        await self._worker.renew()

    def _order(self) -> bytes:
        drawing, source = self._drawings.of(self._watched.camera), self._watched.source
        self._zones = {zone.name: zone for zone in drawing.zones}
        order = {
            "argv": grey_command(WHOLE, self._watched.fps, widest=WIDTH),
            "script": source.script().decode() if source else "",
            "fps": self._watched.fps,
            "zones": [zone.model_dump(include={"name", "polygon", "sensitivity", "dwell_s"}) for zone in drawing.zones],
            "masks": self._drawings.masks(self._watched.camera),
            "reference": str(self._reference),
            "limits": self._watched.limits,
        }
        return json.dumps(order).encode() + b"\n"

    def _take(self, said: Json) -> None:
        """Make of a worker's line what it means. Raises `ValueError` for nonsense."""
        try:
            if said["type"] == "stay":
                self._stay(str(said["zone"]), _us(said["from_s"]), _us(said["to_s"]), bool(said["over"]))
            else:
                self.learnt = bool(said["learnt"])
                self._fault(str(said["fault"]) if said["fault"] else None, _us(said["at"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"no line of a watcher: {error}") from error

    def _stay(self, zone: str, from_us: int, to_us: int, over: bool) -> None:
        mark = Mark(self._watched.camera, from_us, to_us, FootageClass.MOTION, zone or "motion")
        self._do(lambda: asyncio.to_thread(self._mark, mark))
        drawn = self._zones.get(zone)
        if over:
            self._end(f"zone {zone}", to_us)
        elif drawn and armed(drawn, to_us / US, self._where):
            door = drawn.door if drawn.door in self._watched.doors else ""
            self._begin(f"zone {zone}", Alarm(self._watched.camera, AlarmKind.MOTION, from_us, zone, door or ""), to_us)

    def _fault(self, fault: str | None, at_us: int) -> None:
        """One thing at most is wrong with a picture; what was wrong before is over."""
        for kind in (AlarmKind.BLACK, AlarmKind.FROZEN, AlarmKind.BLURRED, AlarmKind.MOVED):
            if kind != fault:
                self._end(kind, at_us)
        if fault:
            kind = AlarmKind(fault)
            self._begin(kind, Alarm(self._watched.camera, kind, at_us), at_us)

    def clock(self, error_s: float | None, limit_s: float) -> None:
        """Hear how far the camera's clock is off, in s; None: it could not be asked."""
        if error_s is None:
            return
        now_us = int(time.time() * US)
        if abs(error_s) <= limit_s:
            self._end(AlarmKind.WRONG_TIME, now_us)
            return
        detail = f"{error_s:+.0f} s"
        self._begin(AlarmKind.WRONG_TIME, Alarm(self._watched.camera, AlarmKind.WRONG_TIME, now_us, detail=detail), 0)

    async def _miss(self) -> None:
        """Look now and then whether the camera is recorded; a camera that was switched off is not missed."""
        seen_s = time.time()  # faults may follow each other: what counts is the last time all was well
        while True:
            await asyncio.sleep(self._watched.lost_s / 4)
            told = self._recorded()
            if told.state in EXPECTED:
                seen_s = time.time()
                self._end(AlarmKind.LOST, int(told.since * US))
            elif time.time() - seen_s > self._watched.lost_s:
                lost = Alarm(self._watched.camera, AlarmKind.LOST, int(seen_s * US), detail=told.state)
                self._begin(AlarmKind.LOST, lost, 0)

    def _begin(self, key: str, alarm: Alarm, still_us: int) -> None:
        """Open an alarm, unless it lasts already; `still_us`: the moment of its picture, 0 for none.

        One that could not be noted is not open: it is noted when it is told again.
        """
        if key not in self._open and self._do(lambda: self._note(key, alarm, still_us)):
            self._open[key] = alarm

    def _end(self, key: str, at_us: int) -> None:
        if key in self._open:
            self._do(lambda: self._note_end(key, at_us))

    async def _note(self, key: str, alarm: Alarm, still_us: int) -> None:
        try:
            noted = self._open[key] = await asyncio.to_thread(self._alarms.open, alarm)
        except (OSError, sqlite3.Error):
            self._open.pop(key, None)
            raise
        log.info("camera alarm", camera=alarm.camera, kind=alarm.kind, zone=alarm.zone, detail=alarm.detail)
        if still_us and not self._stills.full():
            self._stills.put_nowait((noted, still_us))

    async def _picture(self) -> None:
        """Give each new alarm its picture, when the footage has that moment."""
        while True:
            alarm, at_us = await self._stills.get()
            try:
                if await self._take_still(at_us, still_path(alarm)):
                    await asyncio.to_thread(self._alarms.picture, alarm.id, still_path(alarm))
            except (OSError, sqlite3.Error) as error:
                log.error("no still", camera=alarm.camera, error=str(error))

    async def _note_end(self, key: str, at_us: int) -> None:
        if (noted := self._open.pop(key, None)) and noted.id:
            await asyncio.to_thread(self._alarms.end, noted.id, max(at_us, noted.from_us))

    def _do(self, work: Callable[[], Awaitable[object]]) -> bool:
        try:
            self._todo.put_nowait(work)
        except asyncio.QueueFull:
            log.error("too much to note at once: dropped", camera=self._watched.camera)
            return False
        return True

    async def _carry_out(self) -> None:
        """Write what is to be noted, in order; a disk that refuses costs that word only."""
        while True:
            work = await self._todo.get()
            try:
                await work()
            except (OSError, ValueError, sqlite3.Error) as error:
                log.error("not noted", camera=self._watched.camera, error=str(error))

    def _become(self, state: State) -> None:
        if state is self.state.state:
            return
        self.state = CameraState(self._watched.camera, state, time.time())
        log.info("watching", camera=self._watched.camera, state=state)
        if state is not State.RECORDING:  # nobody sees whether the motion goes on
            for key in [key for key in self._open if key.startswith("zone ")]:
                self._end(key, int(time.time() * US))


def _us(seconds: object) -> int:
    if not isinstance(seconds, int | float) or not 0 <= seconds < 1 << 40:
        raise ValueError("no moment")
    return round(seconds * US)

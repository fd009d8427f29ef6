"""What the recorder's routes share: what they answer from, and their questions' parameters."""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import HTTPException, Query
from pydantic import AwareDatetime
from starlette.requests import HTTPConnection

from camera.answers import Camera
from camera.encode import Slots
from camera.footage import Footage
from camera.forecast import Forecast
from camera.index import Index
from camera.seeing import Seeing
from camera.segment import US
from camera.snapshot_taker import SnapshotTaker
from camera.snapshots import Snapshots
from camera.taking import Taking
from camera.timeline import Timeline

LAST_S = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
STRIPS = 2  # decoded at a time; more wait
From = Annotated[AwareDatetime, Query(alias="from")]


@dataclass(frozen=True, slots=True)
class Recorder:
    """What the routes answer from."""

    cameras: Mapping[str, Camera]
    index: Index
    timeline: Timeline
    footage: Footage
    free_bytes: Callable[[], int]
    taking: Taking
    forecast: Callable[[], Forecast]
    slots: Slots  # for browsers without H.265
    snapshots: Snapshots
    taker: SnapshotTaker
    strips: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(STRIPS))


def recorder_of(connection: HTTPConnection) -> Recorder:
    """Return what the app answers from."""
    recorder: Recorder = connection.app.state.recorder
    return recorder


def camera_of(connection: HTTPConnection, name: str) -> Camera:
    """Return a camera. Raises `HTTPException` 404."""
    camera = recorder_of(connection).cameras.get(name)
    if camera is None:
        raise HTTPException(404, f"no camera {name}")
    return camera


def hide_of(connection: HTTPConnection, camera: str) -> str:
    """Return the filter chain that blackens a camera's privacy masks in all that leaves the house."""
    seeing: Seeing = connection.app.state.seeing
    return seeing.drawings.blackout(camera.removesuffix(".sub"))


def span_of(start: datetime, end: datetime, longest: timedelta | None = None) -> tuple[int, int]:
    """Return a time span in Unix microseconds. Raises `HTTPException` 422."""
    if end <= start:
        raise HTTPException(422, "the time span is empty")
    if longest and end - start > longest:
        raise HTTPException(422, f"the time span is longer than {longest}")
    return us_of(start), us_of(end)


def us_of(moment: datetime) -> int:
    """Return Unix microseconds. Raises `HTTPException` 422."""
    seconds = moment.timestamp()
    if not 0 <= seconds < LAST_S:  # such a time could be kept, but never be told again
        raise HTTPException(422, "the time is out of range")
    return math.floor(seconds * US)

"""What people drew on the cameras' pictures, kept beside the recordings: the recorder goes on without the plane.

The shapes are `config.drawing`'s, which the site file and the management plane use too.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path

import structlog
from pydantic import ValidationError

from camera import disk
from camera.masks import blackout
from config.drawing import ArmedWindow, Drawing, Mask, MonitoringZone
from config.model import DAYS

__all__ = ["Drawing", "Drawings", "Mask", "MonitoringZone", "armed"]
log = structlog.get_logger()


class Drawings:
    """One JSON file a camera. Masks of the site file hold besides those that were drawn."""

    def __init__(self, folder: Path, wired: Mapping[str, Sequence[Mask]]) -> None:
        self._folder, self._wired = folder, wired
        folder.mkdir(parents=True, exist_ok=True)
        self._known = {camera: self._read(camera) for camera in wired}

    def __contains__(self, camera: str) -> bool:
        """Tell whether there is such a camera."""
        return camera in self._known

    def __iter__(self) -> Iterator[str]:
        """Yield the cameras' names."""
        return iter(self._known)

    def of(self, camera: str) -> Drawing:
        """Return what was drawn on a camera's picture, without the site file's masks."""
        return self._known[camera]

    def masks(self, camera: str) -> list[tuple[tuple[float, float], ...]]:
        """Return all polygons that hide a part of a camera's picture: wired and drawn."""
        return [each.polygon for each in (*self._wired[camera], *self._known[camera].masks)]

    def blackout(self, camera: str) -> str:
        """Return the filter chain that hides them in all that leaves the house; "" when nothing is hidden."""
        return blackout(self.masks(camera))

    def put(self, camera: str, drawing: Drawing) -> None:
        """Keep a drawing; it is on disk when this returns."""
        disk.write(self._path(camera), drawing.model_dump_json(indent=1).encode())
        self._known[camera] = drawing

    def _read(self, camera: str) -> Drawing:
        """A file that cannot be read is put aside: the camera is watched without zones, the plane sends them again."""
        path = self._path(camera)
        try:
            return Drawing.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return Drawing()
        except (OSError, ValidationError) as error:
            log.error("drawing cannot be read", camera=camera, file=str(path), error=type(error).__name__)
            return Drawing()

    def _path(self, camera: str) -> Path:
        return self._folder / f"{camera}.json"


def armed(zone: MonitoringZone, at_s: float, where: tzinfo) -> bool:
    """Tell whether a zone alarms at a moment (Unix seconds): always, or within its windows on the site's clock."""
    local = datetime.fromtimestamp(at_s, where)
    minute = local.hour * 60 + local.minute
    return not zone.windows or any(_has(window, local.weekday(), minute) for window in zone.windows)


def _has(window: ArmedWindow, day: int, minute: int) -> bool:
    begin, end = (int(text[:2]) * 60 + int(text[3:]) for text in (window.begin, window.end))
    today, yesterday = (DAYS[n % 7] in window.days for n in (day, day - 1))
    if begin < end:
        return today and begin <= minute < end
    return (today and minute >= begin) or (yesterday and minute < end)

"""The child process that watches one camera's picture: `python -m camera.motion_worker`.

Standard input: one JSON object (`Watcher._order`). Standard output, JSON lines: `stay` when motion in a zone
has lasted, goes on or is over; `health` once a second, with what is wrong with the picture. The process ends with its
ffmpeg, and after a pause (`camera/pictures.py`).
"""

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy

from camera.health import Health, HealthLimits, Levels, levels
from camera.masks import Polygon, covered
from camera.motion import EVERYWHERE, Detector, MotionZone, Presence, Stay
from camera.pictures import Grey, pictures

HEALTH_S = 1.0
Json = dict[str, object]


class Eye:
    """Looks at picture after picture and says what there is to say."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        """Take an order as `Watcher` wrote it."""
        zones = [MotionZone(**each) for each in order["zones"]] or [EVERYWHERE]
        self._masks: Sequence[Polygon] = order["masks"]
        self._detector = Detector(zones, self._masks, order["fps"])
        self._presences = [Presence(zone) for zone in zones]
        self._path = Path(order["reference"])
        self._health = Health(HealthLimits(**order["limits"]), self._keep)
        self._health.reference = _read(self._path)
        self._next_s = 0.0

    def look(self, at_s: float, picture: Grey) -> Iterator[Json]:
        """Take a picture and its time; yield what is to be told."""
        began = time.perf_counter()
        shares = self._detector.look(picture)
        for presence in self._presences:
            if stay := presence.step(at_s, shares.get(presence.zone.name)):
                yield _stay(stay)
        if at_s < self._next_s <= at_s + 2 * HEALTH_S:  # a clock that was set back must not silence this
            return
        self._next_s = at_s + HEALTH_S
        if self._health.masked is None or self._health.masked.shape != picture.shape:
            height, width = picture.shape
            rows = numpy.frombuffer(b"".join(covered(self._masks, width, height)), numpy.uint8)
            self._health.masked = rows.reshape(height, width) > 0
        fault = self._health.step(picture, at_s)
        took_ms = round((time.perf_counter() - began) * 1000, 2)
        learnt = self._health.reference is not None
        yield {"type": "health", "at": at_s, "fault": fault, "learnt": learnt, "took_ms": took_ms}

    def _keep(self, reference: Grey) -> None:
        """Keep the reference on disk: a file that is there whole, or not at all."""
        done, png = cv2.imencode(".png", reference)
        if done:
            part = self._path.with_suffix(".part")
            part.write_bytes(png.tobytes())
            part.replace(self._path)


def _stay(stay: Stay) -> Json:
    return {"type": "stay", **asdict(stay)}


def _read(path: Path) -> Levels | None:
    """Return the kept reference; None when there is none that can be read."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.exists() else None
    return None if picture is None else levels(picture)


def main() -> int:
    """Look until the pictures end."""
    cv2.setNumThreads(1)  # small pictures: threads cost more than they give
    order = json.loads(sys.stdin.readline())
    eye = Eye(order)
    for at, picture in pictures(order["argv"], order["script"]):
        for said in eye.look(at, picture):
            sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""Motion in the zones of a picture. Runs in a child process alone; no clock: times are arguments, Unix seconds.

A picture is compared with a background that is learnt while it is looked at (OpenCV's MOG2: a mixture of Gaussians a
pixel, so that leaves, a flickering lamp or a clock in the picture become background too). What differs is cleaned of
single pixels; the largest connected thing within a zone is what counts, against the size that its sensitivity asks for.
When most of the picture differs, the light has changed, not the scene: the background is learnt anew.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy

from camera.masks import Polygon, covered
from camera.pictures import Grey, grey

OVERLOAD = 0.6  # of the picture; ZoneMinder's "overload" rule has the same reason
LARGEST, SMALLEST = 0.05, 0.0005  # of the picture: what sensitivities 1 and 100 ask for
LEARN_S = 60.0  # until what stands still is background


@dataclass(frozen=True, slots=True)
class MotionZone:
    """Where motion counts, how large it must be, and how long it must last."""

    name: str
    polygon: Polygon
    sensitivity: int = 50
    dwell_s: float = 0.0

    @property
    def least(self) -> float:
        """Return the smallest thing that counts, as a share of the picture; equal steps of sensitivity are factors."""
        share: float = LARGEST * (SMALLEST / LARGEST) ** ((self.sensitivity - 1) / 99)
        return share


EVERYWHERE = MotionZone("", ((0, 0), (1, 0), (1, 1), (0, 1)))


class Detector:
    """Says of each picture in which zones something moves. `warm_s`: no word until the background is known."""

    def __init__(
        self, zones: Sequence[MotionZone], masks: Sequence[Polygon] = (), fps: float = 5.0, warm_s: float = 2.0
    ) -> None:
        self._zones, self._masks, self._fps = zones, masks, fps
        self._warm, self._seen = max(1, round(warm_s * fps)), 0
        self._masked = numpy.zeros((0, 0), numpy.bool_)
        self._maps: list[tuple[MotionZone, Grey]] = []
        self._kernel = numpy.ones((3, 3), numpy.uint8)

    def look(self, picture: Grey) -> Mapping[str, float]:
        """Return the size of the largest moving thing in each zone where it is large enough, as a share of the picture.

        A picture of another size begins anew.
        """
        if picture.shape != self._masked.shape:
            self._begin(*picture.shape)
        soft = grey(cv2.GaussianBlur(picture, (5, 5), 0))
        soft[self._masked] = 0
        differs = self._background.apply(soft, learningRate=self._rate())
        self._seen += 1
        moving = grey(cv2.morphologyEx(differs, cv2.MORPH_OPEN, self._kernel))
        if cv2.countNonZero(moving) > OVERLOAD * picture.size:
            self._seen = 0  # the light changed
        if self._seen < self._warm:
            return {}
        return dict(self._found(moving, picture.size))

    def _begin(self, height: int, width: int) -> None:
        self._seen = 0
        self._background = cv2.createBackgroundSubtractorMOG2(round(LEARN_S * self._fps), 25, False)
        self._masked = _map(self._masks, width, height) > 0
        self._maps = [(zone, _map([zone.polygon], width, height)) for zone in self._zones]
        for _, area in self._maps:
            area[self._masked] = 0

    def _rate(self) -> float:
        """Learn fast at first, then as slowly as a parked car needs to become background."""
        return max(1 / (2 + self._seen), 1 / (LEARN_S * self._fps))

    def _found(self, moving: Grey, pixels: int) -> Iterator[tuple[str, float]]:
        if not moving.any():
            return
        for zone, area in self._maps:
            within = cv2.bitwise_and(moving, area)
            count, _, stats, _ = cv2.connectedComponentsWithStats(within, connectivity=8)
            largest = int(stats[1:, cv2.CC_STAT_AREA].max()) if count > 1 else 0
            if largest >= zone.least * pixels:
                yield zone.name, round(largest / pixels, 5)


@dataclass(frozen=True, slots=True)
class Stay:
    """Motion in a zone, from its first picture to its last; `over`: it has ended."""

    zone: str
    from_s: float
    to_s: float
    over: bool
    share: float  # of the picture: the largest thing seen


@dataclass(slots=True)
class Presence:
    """Makes stays of what is seen in one zone, picture by picture: two of three are motion, one is noise."""

    zone: MotionZone
    quiet_s: float = 2.0  # without motion, and the stay is over
    tell_s: float = 5.0  # between two words about a stay that goes on
    _recent: deque[float | None] = field(default_factory=lambda: deque(maxlen=3))  # time of a picture with motion
    _stay: Stay | None = None
    _told_s: float = 0.0

    def step(self, at_s: float, share: float | None) -> Stay | None:
        """Take a picture's time and what moved in it; return what is to be told: a stay, as far as it is known."""
        self._recent.append(None if share is None else at_s)
        seen = [each for each in self._recent if each is not None]
        if self._stay is None and len(seen) < 2:
            return None
        if share is not None and len(seen) >= 2:
            self._grow(seen[0], at_s, share)
        stay = self._stay
        if stay is None:
            return None
        if at_s - stay.to_s > self.quiet_s:
            self._stay, told = None, self._told_s > 0
            self._told_s = 0.0
            return Stay(stay.zone, stay.from_s, stay.to_s, True, stay.share) if told else None
        return self._telling(stay, at_s)

    def _grow(self, from_s: float, to_s: float, share: float) -> None:
        known = self._stay
        from_s, largest = (known.from_s, known.share) if known else (from_s, 0.0)
        self._stay = Stay(self.zone.name, from_s, to_s, False, max(largest, share))

    def _telling(self, stay: Stay, at_s: float) -> Stay | None:
        """A stay is told once it has lasted, then now and then."""
        lasted = stay.to_s - stay.from_s >= self.zone.dwell_s
        if not lasted or (self._told_s and at_s - self._told_s < self.tell_s):
            return None
        self._told_s = at_s
        return stay


def _map(polygons: Sequence[Polygon], width: int, height: int) -> Grey:
    return numpy.frombuffer(b"".join(covered(polygons, width, height)), numpy.uint8).reshape(height, width).copy()

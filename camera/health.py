"""Whether a camera still sees what it was put up for. Runs in a child process alone; times are arguments.

Looked at once a second, on a picture averaged over some seconds, so that who walks by does not count:

black     nearly all of it is dark (a clock in the picture may still be bright)
frozen    picture after picture without any change: a sensor that hangs behind a working network
blurred   far less detail than when it was put up: out of focus, breath or spray on the glass, a spider's web
moved     its edges are elsewhere than when it was put up

What it was put up for is learnt in its first minute and kept (`reference`); it follows the seasons, slowly.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import cv2
import numpy
from numpy.typing import NDArray

from camera.pictures import Grey

DARK, DARK_SHARE = 40, 0.97  # luma of 255; of the picture
CHANGE = 10  # luma: coding noise stays below
BLURRED = 0.3  # of the reference's detail
ALIKE = 0.4  # correlation of edges below which the camera looks elsewhere
PLAIN = 4.0  # detail of a picture in which there is nothing to compare: fog, a white wall
Levels = NDArray[numpy.float32]


class Fault(StrEnum):
    """What is wrong with a picture; the first of them that holds is told."""

    BLACK = "black"
    FROZEN = "frozen"
    BLURRED = "blurred"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class HealthLimits:
    """How long what must last, in s."""

    lasts_s: float = 10.0  # black, blurred, moved: longer than a lorry stands in front
    frozen_s: float = 60.0
    average_s: float = 5.0
    learn_s: float = 60.0
    follow_s: float = 6 * 3600.0  # in which the reference follows by two thirds


@dataclass(slots=True)
class Health:
    """Steps through a camera's pictures. `reference` is a grey picture: what the camera was put up for."""

    limits: HealthLimits = field(default_factory=HealthLimits)
    keep: Callable[[Grey], None] = lambda _: None
    reference: Levels | None = None
    masked: NDArray[numpy.bool_] | None = None
    _average: Levels | None = None
    _last: Grey | None = None
    _last_s: float = 0.0
    _changed_s: float = 0.0
    _fine_s: float = 0.0  # for how long nothing is wrong, while the reference is learnt
    _since: dict[Fault, float] = field(default_factory=dict)

    def step(self, picture: Grey, at_s: float) -> Fault | None:
        """Take about a picture a second; return what is wrong and has lasted."""
        if self._last is None or picture.shape != self._last.shape:
            self._begin(picture, at_s)
        step_s = min(max(at_s - self._last_s, 0.0), self.limits.average_s)
        self._note_change(picture, at_s)
        average = self._averaged(picture, step_s)
        wrong = self._wrong(picture, average, at_s)
        for each in list(self._since):
            if each is not wrong:
                del self._since[each]
        if wrong is None:
            self._learn(average, step_s)
            return None
        since_s = self._since.setdefault(wrong, at_s)
        return wrong if wrong is Fault.FROZEN or at_s - since_s >= self.limits.lasts_s else None

    def _begin(self, picture: Grey, at_s: float) -> None:
        """A first picture, or one of another size: what was learnt of the old size is scaled."""
        self._average = levels(picture)
        self._last, self._last_s, self._changed_s = picture, at_s, at_s
        self._since.clear()
        if self.reference is not None and self.reference.shape != picture.shape:
            self.reference = levels(cv2.resize(self.reference, picture.shape[::-1]))

    def _note_change(self, picture: Grey, at_s: float) -> None:
        if self._last is not None and (cv2.absdiff(picture, self._last) > CHANGE).any():
            self._changed_s = at_s
        self._last, self._last_s = picture, at_s

    def _averaged(self, picture: Grey, step_s: float) -> Levels:
        fresh = levels(picture)
        if self.masked is not None and self.masked.shape == picture.shape:
            fresh[self.masked] = 0
        share = min(1.0, step_s / self.limits.average_s)
        self._average = fresh if self._average is None else (1 - share) * self._average + share * fresh
        return self._average

    def _wrong(self, picture: Grey, average: Levels, at_s: float) -> Fault | None:
        if float((picture < DARK).mean()) > DARK_SHARE:
            return Fault.BLACK
        if at_s - self._changed_s >= self.limits.frozen_s:
            return Fault.FROZEN
        if self.reference is None or (full := detail(self.reference)) < PLAIN:
            return None
        if detail(average) < BLURRED * full:
            return Fault.BLURRED
        return Fault.MOVED if alike(edges(average), edges(self.reference)) < ALIKE else None

    def _learn(self, average: Levels, step_s: float) -> None:
        """Take the reference after a while without a fault; then let it follow."""
        before, self._fine_s = self._fine_s, self._fine_s + step_s
        if self.reference is None:
            if self._fine_s >= self.limits.learn_s:
                self.reference = average.copy()
                self.keep(numpy.clip(average, 0, 255).astype(numpy.uint8))
            return
        share = step_s / self.limits.follow_s
        self.reference = (1 - share) * self.reference + share * average
        if self._fine_s // 3600 > before // 3600:
            self.keep(numpy.clip(self.reference, 0, 255).astype(numpy.uint8))


def levels(picture: object) -> Levels:
    """Return a picture, of whatever depth, with brightness as numbers to reckon with."""
    return numpy.asarray(picture, dtype=numpy.float32)


def detail(picture: Levels) -> float:
    """Return how much fine structure a picture has: the spread of its Laplacian."""
    return float(cv2.Laplacian(picture, cv2.CV_32F).std())


def edges(picture: Levels) -> Levels:
    """Return where brightness changes, softened, so that a shift of a pixel or two is none.

    What is the same along a whole line or column is taken out: a wall or a fence looks alike wherever one turns.
    """
    across, down = cv2.Sobel(picture, cv2.CV_32F, 1, 0), cv2.Sobel(picture, cv2.CV_32F, 0, 1)
    soft = levels(cv2.GaussianBlur(cv2.magnitude(across, down), (0, 0), 3))
    return levels(soft - soft.mean(1, keepdims=True) - soft.mean(0, keepdims=True) + soft.mean())


def alike(one: Levels, other: Levels) -> float:
    """Return the correlation of two pictures: 1 the same, about 0 without relation."""
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(numpy.corrcoef(one.ravel(), other.ravel())[0, 1])

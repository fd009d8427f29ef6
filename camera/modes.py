"""Which footage is kept when: continuous, on motion, on an event at a door, or none at all; by the week. Pure.

A camera records into its short files all the time (but in mode `off`); the mode decides which of them stay. So what led
to an event is there, although nobody knew that it would come: files wait `linger` for a mark, then go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from camera.marks import FootageClass, Mark
from camera.segment import US

MINUTE_US = 60 * US
DAY_MIN = 1440


class Mode(StrEnum):
    """What a camera keeps. `OFF`: nothing is recorded."""

    CONTINUOUS = "continuous"
    MOTION = "motion"
    EVENT = "event"
    OFF = "off"


LEAST = {
    Mode.CONTINUOUS: FootageClass.CONTINUOUS,
    Mode.MOTION: FootageClass.MOTION,
    Mode.EVENT: FootageClass.EVENT,
    Mode.OFF: FootageClass.EVENT,
}


@dataclass(frozen=True, slots=True)
class Window:
    """A weekly time, in minutes of the day, of one mode; one that ends before it begins goes over midnight."""

    days: frozenset[int]  # 0 is Monday; of the day on which it begins
    begin_min: int
    end_min: int
    mode: Mode

    def has(self, day: int, minute: int) -> bool:
        """Tell whether a minute of the week lies within."""
        if self.begin_min < self.end_min:
            return day in self.days and self.begin_min <= minute < self.end_min
        return (day in self.days and minute >= self.begin_min) or ((day - 1) % 7 in self.days and minute < self.end_min)


@dataclass(frozen=True, slots=True)
class Modes:
    """A camera's week, and how far a mark reaches before and after what it tells of."""

    otherwise: Mode = Mode.CONTINUOUS
    windows: Sequence[Window] = ()
    zone: tzinfo = UTC
    pre_us: int = 10 * US
    post_us: int = 20 * US

    def at(self, at_us: int) -> Mode:
        """Return the mode of a moment: the first window's that has it."""
        if not self.windows:
            return self.otherwise
        local = (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=at_us)).astimezone(self.zone)
        day, minute = local.weekday(), local.hour * 60 + local.minute
        return next((window.mode for window in self.windows if window.has(day, minute)), self.otherwise)

    def least(self, from_us: int, to_us: int) -> FootageClass:
        """Return the lowest class that is kept of a file of [from, to): by the most generous mode of its time."""
        minutes = range(from_us - from_us % MINUTE_US + MINUTE_US, to_us, MINUTE_US)
        return min(LEAST[self.at(at_us)] for at_us in (from_us, *minutes))

    def reach(self, mark: Mark) -> tuple[int, int]:
        """Return what a mark keeps: with pre- and post-roll."""
        return mark.from_us - self.pre_us, mark.to_us + self.post_us


def class_of(least: FootageClass, marked: FootageClass | None) -> FootageClass:
    """Return a file's class: by its highest mark, if its mode keeps such; `PENDING` while nothing keeps it."""
    if marked is not None and marked >= least:
        return marked
    return FootageClass.CONTINUOUS if least <= FootageClass.CONTINUOUS else FootageClass.PENDING

"""What makes footage worth more than its hour: an event at a door, motion in a zone. Pure values.

Who sees something says so by a mark: `Index.add_mark(Mark(...))` within the recorder, `POST /marks` from outside. Marks
give footage its class, which decides how long it stays, and whether it is kept at all.
"""

from dataclasses import dataclass, replace
from enum import IntEnum


class FootageClass(IntEnum):
    """What footage is worth; when the disk needs room, the lowest goes first.

    `PENDING` footage is of a time whose mode keeps it only with a mark, and has none yet.
    """

    PENDING = 0
    CONTINUOUS = 1
    MOTION = 2
    EVENT = 3


WORDS = {each: each.name.lower() for each in FootageClass}
CLASSES = {word: each for each, word in WORDS.items()}


@dataclass(frozen=True, slots=True)
class Mark:
    """A time [from, to] of a camera in which something happened, and what. A moment has from = to."""

    camera: str
    from_us: int
    to_us: int
    footage_class: FootageClass
    reason: str
    id: int = 0

    def joined(self, other: "Mark", within_us: int) -> "Mark | None":
        """Return both as one, if they tell of the same thing without a pause longer than `within_us`."""
        same = (self.camera, self.footage_class, self.reason) == (other.camera, other.footage_class, other.reason)
        if not same or other.from_us > self.to_us + within_us or other.to_us < self.from_us - within_us:
            return None
        return replace(self, from_us=min(self.from_us, other.from_us), to_us=max(self.to_us, other.to_us))

"""One run while it is being written: its growing files, what is whole in them, and the clocks."""

import time
from pathlib import Path

from camera.boxes import Layout
from camera.clocks import CameraClock, HostClock, Measured, measured
from camera.disks import FIRST
from camera.recording import UNREAD, Run
from camera.segment import Segment
from camera.tail import Tail

READ_S = 2.0  # between two readings of the boxes; in between only the file's size is asked for


class Take:
    """What a supervisor sees of one ffmpeg. Its files stay here until each has its row.

    A take that `ended` has no writer any more.
    """

    def __init__(self, run: Run, folder: Path, place: str = FIRST) -> None:
        self.run = run
        self.folder = folder
        self.place = place
        self.clock = HostClock()
        self.camera_clock = CameraClock()
        self.footage_end_us = 0  # of what has its row
        self.grown_s = 0.0  # when bytes came last, by the monotonic clock; 0: none yet
        self.ended = False
        self.changed = False  # the camera sends another coding than the run began with
        self._coding: bytes | None = None
        self._tails: dict[int, Tail] = {}
        self._newest = 0
        self._read_s = 0.0

    def grow(self) -> None:
        """Look whether bytes came, in the open file or in the next one, which ends it."""
        for number in (self._newest, self._newest + 1):
            tail = self._tails.get(number) or Tail(self.run.camera, self.folder / f"{self.run.id}-{number:06d}.mp4")
            if tail.grow():
                self._tails[number], self._newest, self.grown_s = tail, number, time.monotonic()
        if self.grown_s > self._read_s and (not self.codec or time.monotonic() - self._read_s > READ_S):
            self.read()

    def read(self) -> None:
        """Read what is new, and learn from its arrival what time it is."""
        self._read_s = time.monotonic()
        tail, zero_us = self._tails.get(self._newest), self.run.starts_us(self._newest)
        if tail is None or zero_us is None or (written_ns := tail.read()) is None:
            return
        self._coding = self._coding or tail.coding
        self.changed = self.changed or tail.coding not in (None, self._coding)
        end_us, arrived_us = zero_us + tail.stream_us, self.clock.at_us(written_ns)
        self.run.anchor.observe(arrived_us, end_us)
        self.camera_clock.arrived(arrived_us, end_us)
        for stream_us, told_us in tail.told():
            self.camera_clock.told(told_us, zero_us + stream_us)

    @property
    def measured(self) -> Measured:
        """Return what is known of the run by now."""
        return measured(self.clock, self.camera_clock, self.run.anchor.at_us)

    @property
    def codec(self) -> str:
        """Return the pictures' coding, empty until the first file's beginning was read."""
        first = next(iter(self._tails.values()), None)
        return first.init.codec if first and first.init else ""

    @property
    def end_us(self) -> int | None:
        """Return the wall time at which what is whole ends; None when nothing is."""
        return max((each.end_us for each in self.segments()), default=None)

    def segments(self) -> list[Segment]:
        """Return what is whole in files that have no row yet."""
        if not self.ended:
            self.grow()
        found = []
        for number, tail in sorted(self._tails.items()):
            tail.read()
            stream_us = self.run.starts_us(number)
            start_us = self.run.anchor.wall_us(stream_us) if stream_us is not None else None
            segment = tail.segment(start_us) if start_us is not None else None
            found += [segment] if segment else []
        return found

    def read_of(self, name: str) -> Layout:
        """Return what was read of a file's structure by now."""
        tail = next((tail for tail in self._tails.values() if tail.path.name == name), None)
        return tail.shape if tail else UNREAD

    def taken_in(self, segment: Segment) -> None:
        """Forget a file that has its row."""
        self._tails.pop(segment.number, None)
        self.footage_end_us = max(self.footage_end_us, segment.end_us)

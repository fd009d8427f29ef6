"""One run while it is being written: its growing files, what is whole in them, and the clocks."""

import threading
import time
from pathlib import Path

from camera.boxes import Layout
from camera.clocks import CameraClock, HostClock, Measured, measured
from camera.disks import FIRST
from camera.recording import UNREAD, Run
from camera.segment import Segment
from camera.tail import Tail

HUNG_S = 0.5  # whoever asks what is whole does not wait longer for a disk that others wait for already
READ_S = 2.0  # between two readings of the boxes; sooner only the file's size is asked for


class Take:
    """What a supervisor sees of one ffmpeg. Its files stay here until each has its row. Safe in any thread.

    A take that `ended` has no writer any more.
    """

    def __init__(self, run: Run, folder: Path, place: str = FIRST) -> None:
        self.run = run
        self.folder = folder
        self.place = place
        self.clock = HostClock()
        self.camera_clock = CameraClock()
        self.footage_end_us = 0  # of what has its row
        # When bytes came last, by the monotonic clock; 0: none yet. A disk's clock is believed between two looks.
        self.grown_s = 0.0
        self.ended = False
        self.changed = False  # the camera sends another coding than the run began with
        self._coding: bytes | None = None
        self._tails: dict[int, Tail] = {}
        self._newest = self._taken = -1  # the numbers of the open file, and of the last one that has its row
        self._ahead = self._file(0)  # the one that comes next
        self._looked_s, self._read_s, self._unread = time.monotonic(), 0.0, False
        self._disk = threading.Lock()  # who looks at the files

    def grow(self) -> bool:
        """Tell whether bytes came, in the open file or in the next one, which ends it. Blocks on the disk."""
        with self._disk:
            grew = self._grow()
            if self._unread and (not self.codec or time.monotonic() - self._read_s > READ_S):
                self._read()
            return grew

    def _file(self, number: int) -> Tail:
        return Tail(self.run.camera, self.folder / f"{self.run.id}-{number:06d}.mp4")

    def _grow(self) -> bool:
        open_file = self._tails.get(self._newest)
        grown = open_file if open_file and open_file.grow() else None
        if self._newest < self._taken:  # files came and went between two looks
            self._newest = self._taken
            self._ahead = grown = self._file(self._newest + 1)
            grown.written_ns = time.time_ns()
        while self._ahead.grow():
            self._newest += 1
            self._tails[self._newest] = grown = self._ahead
            self._ahead = self._file(self._newest + 1)
        now_s = time.monotonic()
        if grown:
            self.grown_s = min(now_s, max(self._looked_s, now_s - time.time() + grown.written_ns / 1e9))
            self._unread = True
        self._looked_s = now_s
        return grown is not None

    def _read(self) -> None:
        """Read what is new, and learn from its arrival what time it is."""
        self._read_s, self._unread = time.monotonic(), False
        tail, zero_us = self._tails.get(self._newest), self.run.starts_us(self._newest)
        if tail is None or zero_us is None:
            return
        written_ns = tail.read()
        self.run.leapt = self.run.leapt or tail.leapt
        if written_ns is None:
            return  # nothing new
        self._coding = self._coding or tail.coding
        self.changed = self.changed or tail.coding not in (None, self._coding)
        end_us, arrived_us = zero_us + tail.stream_us, self.clock.at_us(written_ns)
        self.run.arrived(arrived_us, end_us)
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
        """Return the wall time at which what was read ends; None when nothing was."""
        return max((each.end_us for each in self._read_segments()), default=None)

    def segments(self) -> list[Segment]:
        """Return what is whole in files that have no row yet. Blocks on the disk, if nobody waits for it already."""
        if self._disk.acquire(timeout=HUNG_S):
            try:
                if not self.ended:
                    self._grow()
                for number, tail in self._tails.items():
                    self._read() if number == self._newest else tail.read()
            finally:
                self._disk.release()
        return self._read_segments()

    def _read_segments(self) -> list[Segment]:
        found = []
        for number, tail in sorted(self._tails.items()):
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
        self._taken = max(self._taken, segment.number)
        self.footage_end_us = max(self.footage_end_us, segment.end_us)

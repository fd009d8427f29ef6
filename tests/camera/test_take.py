"""The growing files of a run: whatever the moments at which they are looked at, bytes that came are seen."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera.recording import Run
from camera.segment import US, Segment
from camera.take import Take


class Writer:
    """ffmpeg and the index: a file is begun, written to, and at its end moved away, as soon as the next one begins."""

    def __init__(self, folder: Path) -> None:
        self.take = Take(Run("run", "gate"), folder)
        self.number = -1

    @property
    def path(self) -> Path:
        return self.take.folder / f"run-{self.number:06d}.mp4"

    def write(self) -> None:
        with self.path.open("ab") as file:
            file.write(b"x")

    def next(self) -> None:
        if self.number >= 0:
            self.path.unlink()
            name, at_us = self.path.stem, self.number * US
            self.take.taken_in(Segment(name, "gate", at_us, at_us + US, 1, "", 1, "", 0, 0, ()))
        self.number += 1
        self.write()

    def wrote(self, ago_s: float) -> float:
        """Write, at a time that the disk tells; return it by the monotonic clock."""
        self.write()
        now_s, now_ns = time.monotonic(), time.time_ns()
        os.utime(self.path, ns=(now_ns - int(ago_s * 1e9),) * 2)
        return now_s - ago_s


@given(st.lists(st.sampled_from(["write", "next", "look"]), max_size=30))
def test_each_look_tells_whether_bytes_came_since_the_last_however_many_files_came_and_went(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str]
) -> None:
    writer = Writer(tmp_path_factory.mktemp("incoming"))
    came = False
    for act in ["next", *acts, "look", "next", "next", "next", "look", "look"]:
        if act == "look":
            assert writer.take.grow() == came
            came = False
        else:
            getattr(writer, act)()
            came = True


def test_bytes_came_when_the_disk_says_that_they_came(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.next()
    writer.take.grow()
    time.sleep(0.3)
    came_s = writer.wrote(ago_s=0.2)
    assert writer.take.grow()
    assert writer.take.grown_s == pytest.approx(came_s, abs=0.01)


@pytest.mark.parametrize("ago_s", [3600, -3600])
def test_a_disk_whose_clock_is_wrong_is_believed_only_between_two_looks(tmp_path: Path, ago_s: float) -> None:
    writer = Writer(tmp_path)
    writer.next()
    before_s = time.monotonic()
    writer.take.grow()
    between_s = time.monotonic()
    writer.wrote(ago_s)
    assert writer.take.grow()
    if ago_s > 0:
        assert before_s <= writer.take.grown_s <= between_s
    else:
        assert between_s <= writer.take.grown_s <= time.monotonic()

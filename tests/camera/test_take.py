"""The growing files of a run: whatever the moments at which they are looked at, bytes that came are seen."""

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

    def seen(self) -> bool:
        """Whether a look sees that something came since the last one."""
        before, self.take.grown_s = self.take.grown_s, 0.0
        self.take.grow()
        seen, self.take.grown_s = self.take.grown_s > 0, self.take.grown_s or before
        return seen


@given(st.lists(st.sampled_from(["write", "next", "look"]), max_size=30))
def test_each_look_tells_whether_bytes_came_since_the_last_however_many_files_came_and_went(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str]
) -> None:
    writer = Writer(tmp_path_factory.mktemp("incoming"))
    came = False
    for act in ["next", *acts, "look", "next", "next", "next", "look", "look"]:
        if act == "look":
            assert writer.seen() == came
            came = False
        else:
            getattr(writer, act)()
            came = True

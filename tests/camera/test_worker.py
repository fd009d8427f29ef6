"""The supervisor of children that look at pictures: whatever one does, it costs that child and nobody else."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from camera.command import still_command
from camera.patience import Patience
from camera.states import State
from camera.worker import Json, Worker
from tests.camera.site import alive

QUICK = Patience(connect_s=8, silent_s=1, shortest_s=0.05, longest_s=0.1)


class Told:
    """A child of a kind, and what its supervisor said of it."""

    def __init__(self, kind: str) -> None:
        self.lines: list[Json] = []
        self.states: list[State] = []
        self.worker = Worker(
            "gate", "tests.camera.children", lambda: f"{kind}\n".encode(), self.lines.append, self.states.append,
            patience=QUICK,
        )  # fmt: skip

    async def until(self, state: State) -> None:
        running = asyncio.create_task(self.worker.run())
        async with asyncio.timeout(30):
            while state not in self.states:
                await asyncio.sleep(0.02)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(
    ("kind", "state"),
    [("mute", State.STALLED), ("nonsense", State.BAD_STREAM), ("endless", State.BAD_STREAM), ("greedy", State.ENDED)],
)
async def test_a_child_that_misbehaves_is_ended_and_its_fault_is_said(kind: str, state: State) -> None:
    told = Told(kind)
    await told.until(state)
    assert told.lines == []
    assert not alive(told.worker.pid)


async def test_a_child_that_falls_silent_is_replaced() -> None:
    told = Told("well")
    await told.until(State.STALLED)
    assert told.lines[0] == {"n": 1}
    assert told.states[0] is State.RECORDING


def test_a_picture_beyond_8k_is_refused_by_the_decoder(tmp_path: Path) -> None:
    """A header that lies about the size must not cost the machine's memory."""
    video = tmp_path / "huge.mp4"
    make = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=gray:size=8192x4608:rate=1", "-frames:v", "1"]
    make += ["-pix_fmt", "gray", "-c:v", "png", "-f", "mp4", "-movflags", "frag_keyframe+empty_moov", str(video)]
    subprocess.run(make, check=True)
    done = subprocess.run(still_command(0), input=video.read_bytes(), capture_output=True, check=False)
    assert done.stdout == b""
    assert b"Invalid argument" in done.stderr or b"too large" in done.stderr or b"exceeds" in done.stderr

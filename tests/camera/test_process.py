"""A child that ends by itself ends in peace; one that does not is ended."""

import asyncio
import time

import pytest

from camera.process import Ffmpeg


async def test_a_child_that_is_done_keeps_its_code(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(30):
        process = await Ffmpeg.start(["/bin/sh", "-c", "echo picture; exec 1>&-; exit 7"], b"")
        assert await process.stdout.read(-1) == b"picture\n"
        await process.stop()
        assert await process.wait() == 7
    assert caplog.messages == []


@pytest.mark.parametrize("stubborn", ["", "trap '' INT;", "exec 1>&-;"])
async def test_a_child_that_goes_on_is_ended(stubborn: str) -> None:
    process = await Ffmpeg.start(["/bin/sh", "-c", f"{stubborn} echo on >&2; exec sleep 60"], b"")
    while "on" not in process.said:
        await asyncio.sleep(0.01)
    began_s = time.monotonic()
    await process.stop(patience_s=0.3)
    assert not process.running
    assert time.monotonic() - began_s < 30

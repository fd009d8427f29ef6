"""One picture of a moment: a group of pictures, decoded in a child process that may crash or hang by itself."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from camera.command import hide_command, still_command
from camera.process import Ffmpeg
from camera.segment import US, Gop, Segment

NICE = ("nice", "-n", "15")


class NoPicture(Exception):
    """The moment is not recorded, or its pictures cannot be decoded."""


async def still(
    path: Path, segment: Segment, at_us: int, width: int | None = None, hide: str = "", niced: bool = False
) -> bytes:
    """Return the picture that was shown at a moment, as JPEG, at most `width` pixels wide; `hide` blackens parts of it.

    `niced`: at low priority, when nobody waits for it.

    Raises:
        NoPicture: The decoder failed or took too long.
    """
    gop = group_at(segment, at_us)
    footage = await asyncio.to_thread(_read, path, segment, gop)
    into_us = at_us - segment.start_us - gop.start_us
    command = still_command(min(max(0, into_us), gop.duration_us) / US, width, hide)
    return await _made([*NICE, *command] if niced else command, footage, 15.0 if niced else 5.0)


async def hidden(jpeg: bytes, hide: str) -> bytes:
    """Return a picture with parts of it blackened, or as it is when `hide` is empty. Raises `NoPicture`."""
    return jpeg if not hide else await _made(hide_command(hide), jpeg, 5.0)


async def _made(command: Sequence[str], source: bytes, limit_s: float) -> bytes:
    process = await Ffmpeg.start(command, source)
    try:
        async with asyncio.timeout(limit_s):
            picture = await process.stdout.read(-1)
    except TimeoutError as error:
        raise NoPicture("the decoder took too long") from error
    finally:
        await process.stop(patience_s=0.2)
    if not picture:
        raise NoPicture(process.said or "the decoder gave no picture")
    return picture


def group_at(segment: Segment, at_us: int) -> Gop:
    """Return the group that shows a moment."""
    begun = [gop for gop in segment.gops if segment.start_us + gop.start_us <= at_us]
    return begun[-1] if begun else segment.gops[0]


def _read(path: Path, segment: Segment, gop: Gop) -> bytes:
    with path.open("rb") as file:
        init = file.read(segment.init_bytes)
        file.seek(gop.offset)
        return init + file.read(gop.size)

"""One picture of a moment: a group of pictures, decoded in a child process that may crash or hang by itself."""

import asyncio
from pathlib import Path

from camera.command import still_command
from camera.process import Ffmpeg
from camera.segment import US, Gop, Segment


class NoPicture(Exception):
    """The moment is not recorded, or its pictures cannot be decoded."""


async def still(
    path: Path, segment: Segment, at_us: int, width: int | None = None, hide: str = "", limit_s: float = 5.0
) -> bytes:
    """Return the picture that was shown at a moment, as JPEG, at most `width` pixels wide; `hide` blackens parts of it.

    Raises:
        NoPicture: The decoder failed or took longer than `limit_s`.
    """
    gop = group_at(segment, at_us)
    footage = await asyncio.to_thread(_read, path, segment, gop)
    into_us = min(at_us - segment.start_us - gop.start_us, gop.duration_us - US // 10)
    process = await Ffmpeg.start(still_command(max(0, into_us) / US, width, hide), footage)
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

"""A strip of small stills over a time: what the timeline shows while a hand moves over it. Key frames alone."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import ffmpeg

from camera import disk
from camera.boxes import Malformed, boxes
from camera.command import FFMPEG
from camera.footage import Footage
from camera.process import Ffmpeg
from camera.remux import retime
from camera.segment import Gop, Segment
from camera.still import NoPicture, group_at

_JPEG = b"\xff\xd8\xff"  # within a picture's data 0xff is always followed by 0


@dataclass(frozen=True, slots=True)
class Key:
    """A key frame: its wall time, the init that it needs, its fragment."""

    at_us: int
    init: bytes
    fragment: bytes


def keys(footage: Footage, camera: str, from_us: int, to_us: int, count: int) -> Iterator[Key]:
    """Yield a key frame for each of `count` equal parts of [from, to) whose middle is recorded; blocks on the disk."""
    last = None
    for n in range(count):
        at_us = from_us + (to_us - from_us) * (2 * n + 1) // (2 * count)
        segment = footage.at(camera, at_us)
        gop = group_at(segment, at_us) if segment else None
        if segment is None or gop is None or (segment.id, gop.offset) == last:
            continue
        last = (segment.id, gop.offset)
        try:
            yield _key(footage, segment, gop)
        except (FileNotFoundError, Malformed):  # retention took it meanwhile, or it is damaged: a still less
            continue


def _key(footage: Footage, segment: Segment, gop: Gop) -> Key:
    with disk.mapped(footage.path(segment.id, segment.camera)) as data:
        pair = [box for box, _ in zip(boxes(data, gop.offset, len(data)), range(2), strict=False)]
        if len(pair) < 2:
            raise Malformed(gop.offset, "no fragment")
        fragment = bytes(data[gop.offset : pair[1].end])
        return Key(segment.start_us + gop.start_us, bytes(data[: segment.init_bytes]), fragment)


async def strip(found: Sequence[Key], width: int, hide: str = "", limit_s: float = 10.0) -> list[tuple[int, bytes]]:
    """Return (wall time, JPEG) of key frames, `width` pixels wide; `hide` blackens parts of them.

    Raises:
        NoPicture: The decoder failed or took longer than `limit_s`.
    """
    made: list[tuple[int, bytes]] = []
    while found:
        same = next((n for n, key in enumerate(found) if key.init != found[0].init), len(found))
        pictures = await _decoded(found[:same], _command(width, hide), limit_s)
        made += [(key.at_us, picture) for key, picture in zip(found, pictures, strict=False)]
        found = found[same:]
    return made


async def _decoded(found: Sequence[Key], command: Sequence[str], limit_s: float) -> list[bytes]:
    film = bytearray(found[0].init)
    for n, key in enumerate(found):
        fragment = bytearray(key.fragment)
        retime(fragment, n + 1, n << 24)
        film += fragment
    process = await Ffmpeg.start(command, bytes(film))
    try:
        async with asyncio.timeout(limit_s):
            stream = await process.stdout.read(-1)
    except TimeoutError as error:
        raise NoPicture("the decoder took too long") from error
    finally:
        await process.stop(patience_s=0.2)
    pictures = [_JPEG + part for part in stream.split(_JPEG)[1:]]
    if len(pictures) != len(found):
        raise NoPicture(process.said or "the decoder left pictures out")
    return pictures


def _command(width: int, hide: str) -> list[str]:
    stream = ffmpeg.input("pipe:0", f="mp4", protocol_whitelist="pipe", threads=1, skip_frame="nokey")
    options = {"f": "image2pipe", "c:v": "mjpeg", "q:v": 5, "threads": 1, "fps_mode": "passthrough"}
    options["vf"] = ",".join(filter(None, (f"scale={width}:-2", hide)))
    argv: list[str] = stream.output("pipe:1", **options).compile(cmd=[*FFMPEG, "error"])
    return argv

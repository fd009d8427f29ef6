"""Fragments to groups of pictures: what playlists address and what a check can name."""

from collections.abc import Sequence

from zlib_ng.zlib_ng import crc32

from camera.boxes import Fragment, Init, Layout, Malformed
from camera.segment import US, Gop

LEAP_US = 10 * US  # longer than a camera may be silent before its connection is given up


def groups(init: Init, fragments: Sequence[Fragment], data: memoryview | None = None) -> tuple[Gop, ...]:
    """Return the groups of a file; with its bytes, each with its CRC-32.

    A group starts at a fragment that starts with a key frame. What stands before the first key frame, after a start
    in the middle of a group, is a group of its own.
    """
    starts = [n for n, fragment in enumerate(fragments) if n == 0 or fragment.key]
    ends = [*starts[1:], len(fragments)]
    return tuple(_group(init, fragments[a:b], data) for a, b in zip(starts, ends, strict=True))


def steady(shape: Layout) -> Layout:
    """Return a file's structure up to where its stream time leaps: a camera's clock was set, forwards or back.

    Either way ffmpeg stretches the picture before it: back it goes by passing all that 32 bits can count.
    """
    for n, each in enumerate(shape.fragments):
        if shape.init and each.duration * US > LEAP_US * shape.init.timescale:
            return Layout(shape.init, shape.fragments[:n], each.offset, Malformed(each.offset, "stream time leaps"))
    return shape


def end_us(init: Init, fragments: Sequence[Fragment]) -> int:
    """Return the stream time at which the last fragment ends, from the file's start."""
    return max((_us(init, each.start + each.duration) for each in fragments), default=0)


def codec_mime(init: Init) -> str:
    """Return the MIME type that a browser's MediaSource is asked for."""
    codecs = ",".join(filter(None, (init.codec, init.audio)))
    return f'video/mp4; codecs="{codecs}"'


def _group(init: Init, part: Sequence[Fragment], data: memoryview | None) -> Gop:
    first, last = part[0], part[-1]
    end = last.offset + last.size
    start = _us(init, first.start)
    checksum = crc32(data[first.offset : end]) if data is not None else 0
    return Gop(first.offset, end - first.offset, start, _us(init, last.start + last.duration) - start, checksum)


def _us(init: Init, units: int) -> int:
    return units * US // init.timescale

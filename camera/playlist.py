"""An HLS playlist (RFC 8216) made from the index: one entry a group of pictures, addressed by byte range.

Each file's clock starts at zero, so each begins with a DISCONTINUITY, its own EXT-X-MAP and its wall-clock time;
without the DISCONTINUITY browsers lay the files over each other. Some players refuse a name without `.mp4`.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from math import ceil

from camera.segment import US, Gop, Segment


def playlist(segments: Sequence[Segment], from_us: int, to_us: int) -> str:
    """Return the playlist of [from, to), from the group that `from` falls into; media are at `media/ID.mp4`."""
    parts = [(segment, wanted) for segment in segments if (wanted := _within(segment, from_us, to_us))]
    longest_us = max((gop.duration_us for _, gops in parts for gop in gops), default=US)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{ceil(longest_us / US)}",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    for n, (segment, gops) in enumerate(parts):
        lines += ["#EXT-X-DISCONTINUITY"] if n else []
        lines += _file(segment, gops)
    return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"


def iso(us: int) -> str:
    """Return a time as ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(us / US, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _within(segment: Segment, from_us: int, to_us: int) -> list[Gop]:
    start = segment.start_us
    return [
        gop
        for gop in segment.gops
        if gop.duration_us and start + gop.start_us < to_us and start + gop.start_us + gop.duration_us > from_us
    ]


def _file(segment: Segment, gops: Sequence[Gop]) -> Iterator[str]:
    yield f'#EXT-X-MAP:URI="media/{segment.id}.mp4",BYTERANGE="{segment.init_bytes}@0"'
    yield f"#EXT-X-PROGRAM-DATE-TIME:{iso(segment.start_us + gops[0].start_us)}"
    for gop in gops:
        yield f"#EXTINF:{gop.duration_us / US:.6f},"
        yield f"#EXT-X-BYTERANGE:{gop.size}@{gop.offset}"
        yield f"media/{segment.id}.mp4"

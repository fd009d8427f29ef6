"""A still is the picture that was shown at its moment, whatever the camera's frame rate."""

import subprocess
from pathlib import Path

import pytest

from camera import disk
from camera.boxes import layout
from camera.groups import codec_mime, end_us, groups
from camera.segment import US, Segment
from camera.still import still


def film(path: Path, fps: int) -> Segment:
    """Write 4 s as the recorder does, a key frame each second; the picture at second T is of grey 20 + 40 T."""
    source = f"color=black:size=160x90:rate={fps}:duration=4,format=gray,geq=lum='20+40*T'"
    argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-pix_fmt", "yuv420p"]
    argv += ["-g", str(fps), "-movflags", "+frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "250000"]
    subprocess.run([*argv, "-bf", "0", str(path)], check=True)
    with disk.mapped(path) as data:
        shape = layout(data)
        assert shape.init is not None
        init, found = shape.init, groups(shape.init, shape.fragments, data)
    until_us = end_us(init, shape.fragments)
    return Segment("x", "gate", 0, until_us, path.stat().st_size, "", init.size, codec_mime(init), 160, 90, found)


def grey(jpeg: bytes) -> float:
    argv = ["ffmpeg", "-v", "error", "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"]
    raw = subprocess.run(argv, input=jpeg, capture_output=True, check=True).stdout
    return sum(raw) / len(raw)


@pytest.mark.parametrize("fps", [1, 2, 5, 8, 25])
async def test_a_still_is_the_last_picture_that_came_by_then(tmp_path: Path, fps: int) -> None:
    segment = film(tmp_path / "film.mp4", fps)
    first = grey(await still(tmp_path / "film.mp4", segment, 0))
    for at_s in (0.0, 0.4, 1.97, 2.0, 2.6, 3.99, 4.0):
        shown_s = min(int(at_s * fps + 1e-6), 4 * fps - 1) / fps
        jpeg = await still(tmp_path / "film.mp4", segment, round(at_s * US))
        assert abs(grey(jpeg) - first - 40 * shown_s) < 3, at_s

"""ffmpeg's arguments, as values. The stream's address is not among them: ffmpeg reads it from its standard input.

`ffmpeg-python` compiles the argument list and is used for nothing else; `camera/process.py` runs it. The flags and the
reason of each are in camera/README.md.
"""

from enum import StrEnum
from pathlib import Path

import ffmpeg

from camera.source import PROTOCOLS

# A decoder refuses pictures beyond 8K (7680 x 4320): a header that lies must not cost the machine's memory.
MAX_PIXELS = 7680 * 4320

FRAGMENTED = "+empty_moov+default_base_moof"
# A quarter of a second, each at once to the disk: what kill -9 costs. `prft` tells the camera's own time of each.
FRAGMENTS = "frag_duration=250000:flush_packets=1:write_prft=wallclock"

# ffmpeg dies with the recorder (PR_SET_PDEATHSIG): a killed recorder leaves no stray writer behind.
FFMPEG = ("setpriv", "--pdeathsig", "KILL", "--", "ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-v")


class Audio(StrEnum):
    """What is done with a camera's sound."""

    NONE = "none"
    COPY = "copy"
    AAC = "aac"  # what MP4 cannot hold, such as G.711, is coded anew

    @property
    def options(self) -> dict[str, object]:
        """Return ffmpeg's options."""
        sound: dict[str, object] = {} if self is Audio.NONE else {"c:a": self.value}
        return {"c:v": "copy", **sound}

    @property
    def streams(self) -> tuple[str, ...]:
        """Return which streams are taken."""
        return ("v:0",) if self is Audio.NONE else ("v:0", "a:0?")


def record_command(folder: Path, run: str, segment_s: int, offset_s: int = 0, audio: Audio = Audio.NONE) -> list[str]:
    """Record to files of `segment_s`, cut at key frames; a line of CSV on stdout says that a file is complete.

    Args:
        folder: Where the files are written.
        run: Their names are this and a rising number, so that a name never repeats.
        segment_s: Length of a file, in s; it ends at the first key frame after.
        offset_s: Shifts the cuts on the clock, so that not all cameras close their files in the same second.
        audio: What is done with the sound.
    """
    return _compiled(
        f"{folder}/{run}-".replace("%", "%%") + "%06d.mp4",
        audio,
        f="segment",
        segment_format="mp4",
        segment_format_options=f"movflags=+frag_keyframe{FRAGMENTED}:{FRAGMENTS}",
        segment_time=segment_s,
        segment_atclocktime=1,
        segment_clocktime_offset=offset_s,
        reset_timestamps=1,
        segment_list="pipe:1",
        segment_list_type="csv",
    )


def live_command() -> list[str]:
    """Send each frame as its own fragment to stdout, as soon as it is there."""
    movflags = f"+frag_every_frame{FRAGMENTED}"
    return _compiled("pipe:1", Audio.NONE, f="mp4", movflags=movflags, flush_packets=1)


def still_command(at_s: float, width: int | None = None, hide: str = "") -> list[str]:
    """Decode an init with a group of pictures from stdin; send the picture shown at `at_s` to stdout as JPEG.

    `hide` is a filter chain that hides parts of it (`camera.masks.blackout`). A picture is shown until the next one,
    the last one to the end of its group (`tpad`), whatever the rate: `fps` begins with the newest one at its start.
    """
    shown = ("tpad=stop=-1:stop_mode=clone", f"fps=1000:start_time={at_s:.3f}:round=up")
    chain = ",".join(each for each in (*shown, f"scale={width}:-2" if width else "", hide) if each)
    options = {"f": "image2", "frames:v": 1, "fps_mode": "passthrough", "c:v": "mjpeg", "q:v": 3, "threads": 1}
    options["vf"] = chain
    stream = ffmpeg.input("pipe:0", f="mp4", protocol_whitelist="pipe", threads=1, max_pixels=MAX_PIXELS)
    argv: list[str] = stream.output("pipe:1", **options).compile(cmd=[*FFMPEG, "error"])
    return argv


def hide_command(hide: str) -> list[str]:
    """Blacken parts of a JPEG from stdin (`camera.masks.blackout`); send it to stdout."""
    stream = ffmpeg.input("pipe:0", f="mjpeg", protocol_whitelist="pipe", threads=1, max_pixels=MAX_PIXELS)
    options = {"f": "image2", "frames:v": 1, "c:v": "mjpeg", "q:v": 3, "threads": 1, "vf": hide}
    argv: list[str] = stream.output("pipe:1", **options).compile(cmd=[*FFMPEG, "error"])
    return argv


def grey_command(
    region: tuple[float, float, float, float], fps: float, device: str = "", widest: int = 1280
) -> list[str]:
    """Send the region of at most `fps` pictures a second to stdout, grey, as PGM: each says its own size.

    `select` passes a picture on at once, where the `fps` filter holds it back until the next; one thread, because
    threads of the decoder hold back a picture each.
    """
    x, y, width, height = region
    chain = (
        f"select='isnan(prev_selected_t)+gte(t-prev_selected_t,{0.95 / fps:.4f})'",
        f"crop=iw*{width}:ih*{height}:iw*{x}:ih*{y}",
        f"scale='min({widest},iw)':-2:flags=area",
        "format=gray",
    )
    options = {"f": "image2pipe", "c:v": "pgm", "fps_mode": "passthrough", "map": "0:v:0", "vf": ",".join(chain)}
    if device:
        stream = ffmpeg.input(device, f="v4l2", protocol_whitelist="file")
    else:
        stream = ffmpeg.input(
            "pipe:0", f="concat", safe=0, protocol_whitelist=PROTOCOLS, threads=1, flags="low_delay",
            max_pixels=MAX_PIXELS,
        )  # fmt: skip
    argv: list[str] = stream.output("pipe:1", threads=1, **options).compile(cmd=[*FFMPEG, "warning"])
    return argv


def _compiled(target: str, audio: Audio, **options: object) -> list[str]:
    source = ffmpeg.input("pipe:0", f="concat", safe=0, protocol_whitelist=PROTOCOLS)
    taken = (source[stream] for stream in audio.streams)
    argv: list[str] = ffmpeg.output(*taken, target, **audio.options, **options).compile(cmd=[*FFMPEG, "warning"])
    return argv

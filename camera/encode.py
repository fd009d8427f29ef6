"""Footage encoded anew, where a copy will not do: for a browser without H.265, with masks, with a watermark.

Each runs in an ffmpeg of its own, at the lowest priority, that reads fragmented MP4 and writes H.264 in the same form.
"""

import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from unicodedata import east_asian_width

import ffmpeg

from camera.command import FFMPEG, FRAGMENTED
from camera.process import ENVIRONMENT
from camera.segment import Segment
from camera.source import PROTOCOLS

BROWSER_LINES = 720  # what a browser without H.265 gets at most: 24 % of a core at 1080p25, measured
_CHUNK = 64 << 10
_KEEP_X264_QUIET = {"c:v": "libx264", "pix_fmt": "yuv420p", "x264-params": "log-level=none"}


class Unencodable(Exception):
    """The encoder failed or took too long."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is changed on the way out; nothing means that a copy will do."""

    hide: str = ""  # an ffmpeg filter chain that blackens the privacy masks
    watermark: str = ""

    def __bool__(self) -> bool:
        return bool(self.hide or self.watermark)


class Slots:
    """How many encoders may run at a time; who finds none free is told at once."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take a slot, if there is one."""
        with self._lock:
            self._free -= bool(taken := self._free > 0)
        return taken

    def give(self) -> None:
        """Give it back."""
        with self._lock:
            self._free += 1


def browser_command() -> list[str]:
    """H.264 for a browser, from fragmented MP4 on standard input."""
    return _for_browsers(ffmpeg.input("pipe:0", f="mp4", threads=2))


def browser_live_command() -> list[str]:
    """The same from a live address, which stands on standard input as ffmpeg's list; no frame is held back."""
    options = {"protocol_whitelist": PROTOCOLS, "flags": "low_delay", "threads": 1}
    return _for_browsers(ffmpeg.input("pipe:0", f="concat", safe=0, **options))


def _for_browsers(stream: Any) -> list[str]:
    picture = stream.video.filter("scale", -2, f"min({BROWSER_LINES},ih)")
    quick = {"preset": "ultrafast", "tune": "zerolatency", "crf": 24, "profile:v": "baseline", "g": 25, "threads": 2}
    return _niced(picture, {**quick, "movflags": f"+frag_every_frame{FRAGMENTED}", "flush_packets": 1})


def change_command(segment: Segment, change: Change) -> list[str]:
    """H.264 with the masks and the watermark burnt in, from fragmented MP4 on standard input.

    No B-frames: with them the first picture is not at 0, and the film is late against the wall time that is told of it.
    """
    chain = [change.hide, *(_watermark(change.watermark, segment) if change.watermark else ())]
    fine = {"preset": "veryfast", "crf": 21, "g": 50, "bf": 0, "threads": 2, "vf": ",".join(filter(None, chain))}
    return _niced(ffmpeg.input("pipe:0", f="mp4", threads=2), {**fine, "movflags": f"+frag_keyframe{FRAGMENTED}"})


def _watermark(text: str, segment: Segment) -> Iterator[str]:
    """Yield filters: the text boxed in a corner, and faint across the middle, where nobody can cut it off."""
    size = max(12, segment.height // 28)
    lines = "\n".join(_lines(text, 0.9 * segment.width / size))
    mark = f"drawtext=text={_escaped(lines)}:font=Noto Sans CJK SC:expansion=none:fontsize={size}"
    yield f"{mark}:x=w-tw-h/40:y=h/40:fontcolor=white@0.85:box=1:boxcolor=black@0.45:boxborderw={size // 3}"
    yield f"{mark}:x=(w-tw)/2:y=(h-th)/2:fontcolor=white@0.18"


def _lines(text: str, most: float) -> Iterator[str]:
    """Yield text in lines of at most so many heights of a letter; what cannot be shown is a space."""
    line, length = "", 0.0
    for char in (each if each.isprintable() else " " for each in text):
        width = 1.0 if east_asian_width(char) in "WF" else 0.7  # a Latin letter is narrower, most of the time
        if line and length + width > most:
            yield line
            line, length = "", 0.0
        line, length = line + char, length + width
    yield line


def _escaped(text: str) -> str:
    """Return a filter's option as it stands in a graph: escaped for the option, then for the graph (ffmpeg-filters)."""
    return re.sub(r"([\\'\[\],;])", r"\\\1", re.sub(r"([\\':])", r"\\\1", text))


def _niced(video: object, options: dict[str, object]) -> list[str]:
    all_options = {"f": "mp4", "fps_mode": "passthrough", **_KEEP_X264_QUIET, **options}
    command = ffmpeg.output(video, "pipe:1", **all_options).compile(cmd=["nice", "-n", "15", *FFMPEG, "error"])
    return [str(word) for word in command]


class Encoder:
    """A running encoder: bytes in by `write`, bytes out to `target`, in a thread of its own."""

    def __init__(self, command: Sequence[str], target: Callable[[bytes], object], limit_s: float) -> None:
        """Start; it is killed when it is not done within `limit_s`."""
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, env=ENVIRONMENT, start_new_session=True
        )
        self._late = threading.Timer(limit_s, self._process.kill)
        self._late.start()
        self._said = b""
        self._threads = [
            threading.Thread(target=self._copy, args=(target,), daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def write(self, data: bytes) -> None:
        """Hand over some of what is to be encoded; what a dead encoder does not take is told by `close`."""
        if self._process.stdin:
            with suppress(BrokenPipeError):
                self._process.stdin.write(data)

    def close(self) -> None:
        """Wait for the rest.

        Raises:
            Unencodable: Not all came out.
        """
        try:
            if self._process.stdin:
                with suppress(BrokenPipeError):
                    self._process.stdin.close()
            self._settle()
        finally:
            self._late.cancel()
        if code := self._process.returncode:
            raise Unencodable(self._said.decode("utf-8", "replace").strip()[-500:] or f"ffmpeg left with {code}")

    def kill(self) -> None:
        """End it; nothing of it is wanted."""
        self._late.cancel()
        self._process.kill()
        if self._process.stdin:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._settle()

    def _settle(self) -> None:
        for thread in self._threads:
            thread.join()
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()

    def _copy(self, target: Callable[[bytes], object]) -> None:
        while self._process.stdout and (chunk := os.read(self._process.stdout.fileno(), _CHUNK)):
            target(chunk)

    def _listen(self) -> None:
        while self._process.stderr and (chunk := os.read(self._process.stderr.fileno(), _CHUNK)):
            self._said = (self._said + chunk)[-4096:]


def encoded(command: Sequence[str], parts: Iterable[bytes], limit_s: float = 20) -> bytes:
    """Encode a little and return it.

    Raises:
        Unencodable: The encoder failed or took longer than `limit_s`.
    """
    out = bytearray()
    encoder = Encoder(command, out.extend, limit_s)
    try:
        for part in parts:
            encoder.write(part)
        encoder.close()
    except BaseException:
        encoder.kill()
        raise
    return bytes(out)

"""A decoder's pictures, as they come in a child process: an ffmpeg that writes grey PGM, and the newest of them."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import numpy
from numpy.typing import NDArray

Grey = NDArray[numpy.uint8]
CHUNK_BYTES = 1 << 16
PAUSE_S = 2.0


def grey(picture: object) -> Grey:
    """Return what a library gave as a grey picture, as one to the type checker too."""
    return numpy.asarray(picture, dtype=numpy.uint8)


class Pgm:
    """Cuts a stream of binary PGM pictures (Netpbm P5, 8 bit); each has its own size. Pure."""

    def __init__(self, limit_bytes: int = 16 << 20) -> None:
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Grey]:
        """Take bytes; yield the pictures that they complete. Raises `ValueError` for anything else."""
        self._buffer += data
        while head := self._head():
            start, width, height = head
            end = start + width * height
            if width * height > self._limit_bytes:
                raise ValueError(f"a picture of {width} x {height}")
            if len(self._buffer) < end:
                return
            yield numpy.frombuffer(bytes(self._buffer[start:end]), numpy.uint8).reshape(height, width)
            del self._buffer[:end]

    def _head(self) -> tuple[int, int, int] | None:
        """Start of the pixels, width, height; None until the head is whole."""
        words = self._buffer[:64].split(maxsplit=4)
        if len(words) < 5 and len(self._buffer) < 64:
            return None
        if len(words) < 4 or words[0] != b"P5" or words[3] != b"255":
            raise ValueError("no PGM picture")
        return sum(map(len, words[:4])) + 4, int(words[1]), int(words[2])


class Newest:
    """The newest picture, from the thread that receives to the one that decodes."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._picture: tuple[float, Grey] | None = None
        self._over = False

    def put(self, picture: Grey) -> None:
        """Replace whatever waits."""
        with self._change:
            self._picture = (time.time(), picture)
            self._change.notify()

    def end(self) -> None:
        """Say that no more pictures come."""
        with self._change:
            self._over = True
            self._change.notify()

    def take(self) -> tuple[float, Grey] | None:
        """Wait for a picture and the time of its arrival; None when there are no more."""
        with self._change:
            self._change.wait_for(lambda: self._picture or self._over)
            taken, self._picture = self._picture, None
            return taken


def pictures(argv: Sequence[str], script: str, pause_s: float = PAUSE_S) -> Iterator[tuple[float, Grey]]:
    """Run a decoder that writes PGM; yield the newest picture whenever asked, and when it came (Unix seconds).

    A slow caller skips pictures, it never lags behind. The end comes with the decoder's, and after a pause: whoever
    stood still meanwhile, camera or process, what waits behind it is old.

    Args:
        argv: The decoder, which dies with this process.
        script: Its standard input.
        pause_s: Without a byte for longer is a pause.
    """
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    newest = Newest()
    if process.stdin:
        process.stdin.write(script.encode())
        process.stdin.close()
    threading.Thread(target=_receive, args=(process, newest, pause_s), daemon=True).start()
    try:
        while taken := newest.take():
            yield taken
    finally:
        process.kill()
        process.wait()


def _receive(process: "subprocess.Popen[bytes]", newest: Newest, pause_s: float) -> None:
    """Cut the decoder's output into pictures until it ends or pauses."""
    try:
        _cut(process, newest, pause_s)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
    finally:
        newest.end()


def _cut(process: "subprocess.Popen[bytes]", newest: Newest, pause_s: float) -> None:
    pgm, last = Pgm(), 0.0
    while process.stdout and (data := process.stdout.read1(CHUNK_BYTES)):  # type: ignore[attr-defined] # it is buffered
        now = time.clock_gettime(time.CLOCK_BOOTTIME)  # goes on while the machine sleeps
        if last and now - last > pause_s:
            raise ValueError("pictures paused")
        last = now
        for picture in pgm.feed(data):
            newest.put(picture)

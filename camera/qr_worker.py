"""The child process that reads one camera's codes: `python -m camera.qr_worker`.

Standard input: one JSON object, `argv` of an ffmpeg that writes PGM pictures to its stdout, and `script`, the standard
input of that ffmpeg. Standard output: a JSON line a picture, `at` (Unix seconds of its arrival), `texts`, `took_ms`.
Only the newest picture is ever looked at: a slow decoder skips, it never lags behind. The process ends with its
ffmpeg, and after a pause: whoever stood still meanwhile, camera or process, what waits behind it is old.
"""

import json
import subprocess
import sys
import threading
import time

from camera.qr import Grey, Ladder, Pgm

CHUNK_BYTES = 1 << 16
PAUSE_S = 2.0


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


def receive(process: "subprocess.Popen[bytes]", newest: Newest) -> None:
    """Cut ffmpeg's output into pictures until it ends or pauses."""
    try:
        _receive(process, newest)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
    finally:
        newest.end()


def _receive(process: "subprocess.Popen[bytes]", newest: Newest) -> None:
    pictures, last = Pgm(), 0.0
    while process.stdout and (data := process.stdout.read1(CHUNK_BYTES)):  # type: ignore[attr-defined] # it is buffered
        now = time.clock_gettime(time.CLOCK_BOOTTIME)  # goes on while the machine sleeps
        if last and now - last > PAUSE_S:
            raise ValueError("pictures paused")
        last = now
        for picture in pictures.feed(data):
            newest.put(picture)


def main() -> int:
    """Decode until the pictures end."""
    order = json.loads(sys.stdin.readline())
    process = subprocess.Popen(order["argv"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if process.stdin:
        process.stdin.write(order["script"].encode())
        process.stdin.close()
    newest, ladder = Newest(), Ladder()
    threading.Thread(target=receive, args=(process, newest), daemon=True).start()
    while taken := newest.take():
        at, picture = taken
        began = time.perf_counter()
        texts = ladder.read(picture)
        took_ms = round((time.perf_counter() - began) * 1000, 2)
        sys.stdout.write(json.dumps({"at": at, "texts": texts, "took_ms": took_ms}) + "\n")
        sys.stdout.flush()
    process.kill()
    process.wait()
    return 1


if __name__ == "__main__":
    sys.exit(main())

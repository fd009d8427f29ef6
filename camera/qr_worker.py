"""The child process that reads one camera's codes: `python -m camera.qr_worker`.

Standard input: one JSON object, `argv` of an ffmpeg that writes PGM pictures to its stdout, and `script`, the standard
input of that ffmpeg. Standard output: a JSON line a picture, `at` (Unix seconds of its arrival), `texts`, `took_ms`.
Only the newest picture is ever looked at. The process ends with its ffmpeg, and after a pause (`camera/pictures.py`).
"""

import json
import sys
import time

from camera.pictures import pictures
from camera.qr import Ladder


def main() -> int:
    """Decode until the pictures end."""
    order, ladder = json.loads(sys.stdin.readline()), Ladder()
    for at, picture in pictures(order["argv"], order["script"]):
        began = time.perf_counter()
        texts = ladder.read(picture)
        took_ms = round((time.perf_counter() - began) * 1000, 2)
        sys.stdout.write(json.dumps({"at": at, "texts": texts, "took_ms": took_ms}) + "\n")
        sys.stdout.flush()
    return 1


if __name__ == "__main__":
    sys.exit(main())

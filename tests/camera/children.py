"""Children that do what they must not, for the tests of their supervisor: `python -m tests.camera.children` mute."""

import sys
import time


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


KINDS = {
    "mute": lambda: time.sleep(60),
    "nonsense": lambda: say("In the beginning"),
    "greedy": lambda: say(str(len(bytearray(8 << 30)))),
    "endless": lambda: [sys.stdout.write("x" * 4096) for _ in iter(int, 1)],
    "well": lambda: [say('{"n": 1}'), time.sleep(60)],
}

if __name__ == "__main__":
    KINDS[sys.stdin.readline().strip()]()

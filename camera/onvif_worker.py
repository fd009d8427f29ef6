"""The child process that asks a camera for the time: `python -m camera.onvif_worker`.

Standard input: one JSON object, `url`, `username`, `password`. Standard output: one JSON line, `error_s` (how far the
camera's clock is ahead, null when it does not tell) or `fault`. A device that answers without end, or with XML that
eats memory, takes only this process with it.
"""

import asyncio
import json
import sys

from camera.onvif import Login, OnvifFault, clock_error


def main() -> int:
    """Ask once."""
    order = json.loads(sys.stdin.readline())
    try:
        said: dict[str, object] = {"error_s": asyncio.run(clock_error(Login(**order)))}
    except OnvifFault as fault:
        said = {"fault": str(fault)}
    sys.stdout.write(json.dumps(said) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

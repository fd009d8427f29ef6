"""A process: serial QR scanners and plate cameras, each a pseudo-terminal that gets one text a line.

    python -m simulators.qr_scanner --scanner scanner-main=run/scan-main

Requests: show {scanner, text, coding?} (gb18030, as a plate camera says it),
raw {scanner, hex} (noise on the wire), diary.
"""

import argparse
import threading
from pathlib import Path
from typing import Any

from simulators.control import serve_device
from simulators.diary import Diary
from simulators.line import Line


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="serial QR scanners")
    parser.add_argument("--scanner", action="append", required=True, help="name=path that the gateway opens")
    diary = Diary()
    placed = [item.split("=", 1) for item in parser.parse_args().scanner]
    lines = {name: Line(Path(path)) for name, path in placed}

    def show(request: dict[str, Any]) -> None:
        lines[request["scanner"]].write(request["text"].encode(request.get("coding", "ascii")) + b"\r\n")
        diary.write("shown", device=request["scanner"], length=len(request["text"]))

    def raw(request: dict[str, Any]) -> None:
        lines[request["scanner"]].write(bytes.fromhex(request["hex"]))

    serve_device({"show": show, "raw": raw}, diary, threading.Event())
    for line in lines.values():
        line.close()


if __name__ == "__main__":
    main()

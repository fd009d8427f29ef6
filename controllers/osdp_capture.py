"""What was said on an OSDP line, in the field's OSDPCAP form: JSON lines that other tools read and draw.

Form: SIA libosdp-conformance, osdpcap-format.md, version 1. `io` is "output" for what the panel says, "input" for what
it hears, "trace" where a third party listens. Data is as on the wire: frames of a secure channel stay encrypted.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from controllers.errors import ProtocolViolation

VERSION, SOURCE = "1", "menjin"
# As the form says them, and as SIA's own tool writes them.
DIRECTIONS = {"input": "input", "output": "output", "trace": "trace", "in": "input", "out": "output"}
MAX_FILE_BYTES = 64 << 20
_NANO = 1_000_000_000

Tap = Callable[[str, bytes], None]  # direction, bytes


@dataclass(frozen=True, slots=True)
class Record:
    """One piece of a capture. `at_ns` is Unix time in nanoseconds."""

    at_ns: int
    direction: str
    data: bytes
    source: str = SOURCE


def write_record(record: Record) -> str:
    """A record as a line, without its end."""
    seconds, nano = divmod(record.at_ns, _NANO)
    fields = {
        "timeSec": str(seconds),
        "timeNano": f"{nano:09}",
        "io": record.direction,
        "data": record.data.hex(" "),
        "osdpTraceVersion": VERSION,
        "osdpSource": record.source,
    }
    return json.dumps(fields)


def read_record(line: str) -> Record:
    """Read a line of any tool (hex with spaces, dashes or nothing between). Raises `ProtocolViolation`."""
    try:
        fields = json.loads(line)
        at_ns = int(fields["timeSec"]) * _NANO + int(fields["timeNano"])
        data = bytes.fromhex(fields["data"].replace("-", " "))
        direction, version = DIRECTIONS[fields["io"]], fields["osdpTraceVersion"]
        source = str(fields.get("osdpSource", ""))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProtocolViolation("not a line of OSDPCAP") from error
    if str(version) != VERSION:
        raise ProtocolViolation("another version of OSDPCAP")
    return Record(at_ns, direction, data, source)


def read_capture(path: Path) -> Iterator[Record]:
    """All records of a file. Raises `ProtocolViolation` at the first line that is none."""
    with path.open(encoding="utf-8") as lines:
        yield from (read_record(line) for line in lines if line.strip())


class Capture:
    """A tap that writes a file, from any thread; it stops at a size, and when the disk refuses."""

    def __init__(
        self,
        path: Path,
        max_bytes: int = MAX_FILE_BYTES,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Begins a new file; refuses (`FileExistsError`) to write over one."""
        self.path = path
        self._file = path.open("x", encoding="ascii")
        self._left, self._now_ns = max_bytes, now_ns
        self._lock = threading.Lock()
        self.dropped = 0  # pieces that found no room

    def __call__(self, direction: str, data: bytes) -> None:
        """Write a piece."""
        line = write_record(Record(self._now_ns(), direction, data)) + "\n"
        with self._lock:
            if self._file.closed or len(line) > self._left:
                self.dropped += 1
                return
            try:
                self._file.write(line)
            except OSError:  # a full disk must not stop a door
                self._left, self.dropped = 0, self.dropped + 1
            else:
                self._left -= len(line)

    def close(self) -> None:
        """End the file."""
        with self._lock:
            try:
                self._file.close()
            except OSError:
                self.dropped += 1

"""`python -m gateway.builder STORE OUT VERSION`: build one generation file from the mirror.

It runs as a child of the door process at a low priority, so that no bulk work runs where doors are decided. The file
appears under its name only when it is whole and on the disk. Exit status 1: the mirror has not reached VERSION, or
holds rows that cannot stand in one table.
"""

import os
import sys
from pathlib import Path

from gateway.access.generation import BadRows, build
from gateway.store import Store
from gateway.wire import BadRow

STEP_BYTES = 1 << 20  # written at once: what doors write down at the same time waits for it


def build_file(store_path: Path, out: Path, version: int) -> int:
    """Build `out`, and return the version that it holds: at least `version`. Raises `BadRows`, `BadRow`."""
    store = Store(store_path)
    try:
        with store.reading() as stand:
            if stand.version is None or stand.version < version:
                raise BadRows(f"the mirror stands at {stand.version}, not at {version}")
            data = build(store.rows(), stand.version)
            reached = stand.version
    finally:
        store.close()
    _write_whole(out, data)
    return reached


def _write_whole(out: Path, data: bytes) -> None:
    fresh = out.with_suffix(".new")
    with fresh.open("wb") as file, memoryview(data) as whole:
        for start in range(0, len(data), STEP_BYTES):
            file.write(whole[start : start + STEP_BYTES])
            file.flush()
            os.fsync(file.fileno())
    fresh.replace(out)
    folder = os.open(out.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def main(arguments: list[str]) -> int:
    """Run as a child process."""
    store, out, version = arguments
    try:
        build_file(Path(store), Path(out), int(version))
    except (BadRows, BadRow) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

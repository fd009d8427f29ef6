"""A mark that the door process runs, for tools beside it: two programs cannot hold one serial port."""

import fcntl
from pathlib import Path
from typing import IO

NAME = "running"


def mark(folder: Path) -> IO[str] | None:
    """Hold the mark for as long as the answer is open; None when another process holds it. It dies with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / NAME).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def is_running(folder: Path) -> bool:
    """Whether a door process with this folder runs on this machine."""
    if not (folder / NAME).exists():
        return False
    with (folder / NAME).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False

"""A file is found wherever it is just now: being written, on its way, or in its place."""

import threading
import time
from pathlib import Path

import pytest

from camera import disk
from camera.database import Database
from camera.footage import MOVING_S, Footage
from camera.index import Index
from camera.segment import US, Segment
from camera.timeline import Timeline

ID = "20261123T080000Z-0000ab-000001"
FILE = Segment(ID, "gate", 0, 60 * US, 3, f"gate/{ID}.mp4", 1, "m", 1, 1, ())


class Opened:
    """Two disks, an index, and a file that is being written until `written` is empty."""

    def __init__(self, root: Path) -> None:
        self.root, self.second, self.written = root / "one", root / "two", [FILE]
        database = Database(self.root / "index.db")
        self.index = Index(database)
        newest = {"gate": lambda: list(self.written)}
        self.footage = Footage(self.root, Timeline(database), newest, lambda: (self.root, self.second))

    def write(self, folder: Path) -> Path:
        path = folder / disk.INCOMING / "gate" / f"{ID}.mp4"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"new")
        return path


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    return Opened(tmp_path)


@pytest.mark.parametrize("where", ["root", "second"])
def test_a_file_that_is_being_written_is_found_on_whichever_disk(opened: Opened, where: str) -> None:
    path = opened.write(getattr(opened, where))
    assert opened.footage.path(ID, "gate") == path


def test_a_file_on_its_way_is_waited_for(opened: Opened) -> None:
    path = opened.write(opened.root)

    def take_in() -> None:
        time.sleep(0.3)
        opened.index.add(FILE)
        opened.written.clear()

    disk.move(path, opened.root / FILE.path)
    thread = threading.Thread(target=take_in)
    thread.start()
    with opened.footage.open(ID, "gate") as file:
        assert file.read() == b"new"
    thread.join()


def test_a_file_that_nobody_knows_is_not_waited_for(opened: Opened) -> None:
    opened.written.clear()
    began_s = time.monotonic()
    for name in (ID, "../index.db"):
        with pytest.raises(FileNotFoundError):
            opened.footage.path(name, "gate")
    assert time.monotonic() - began_s < MOVING_S


def test_a_file_of_another_camera_is_not_found(opened: Opened) -> None:
    opened.index.add(FILE)
    with pytest.raises(FileNotFoundError):
        opened.footage.path(ID, "garage")

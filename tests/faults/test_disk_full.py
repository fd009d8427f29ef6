"""Campaign 6: no room is left for the journal, or none for its reserve either; then there is room again."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.crowd import Crowd, Visitor
from tests.faults.grounds import DOOR_OF, Grounds, eventually
from tests.faults.history import assert_whole, grants, unrecorded

READERS = ("reader-main", "reader-b1")
KB = 1 << 10
MB = 1 << 20


class Disk:
    """A small file system under the gateway's folder, and what fills it up."""

    def __init__(self, folder: Path, size_bytes: int) -> None:
        self.folder, self._filler = folder, folder / "filler"
        kept = folder.with_name("gateway-kept")
        folder.rename(kept)
        folder.mkdir()
        subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)], check=True)
        shutil.copytree(kept, folder, dirs_exist_ok=True)

    def fill(self, but_bytes: int = 0) -> None:
        """Leave only so much room."""
        with self._filler.open("ab", buffering=0) as file:
            while (free := self.free_bytes() - but_bytes) > 0:
                file.write(bytes(min(free, MB)))

    def free_bytes(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def empty(self) -> None:
        """There is room again."""
        self._filler.unlink()

    def unmount(self) -> None:
        subprocess.run(["/bin/umount", "-l", str(self.folder)], check=True)


@contextmanager
def small_disk(ground: Grounds, size_bytes: int) -> Iterator[Disk]:
    disk = Disk(ground.journal.parent, size_bytes)
    try:
        yield disk
    finally:
        ground.stop()
        disk.unmount()


@pytest.fixture
def site(fresh: Grounds) -> Grounds:
    fresh.field("readers", "scanners")
    return fresh


def assert_each_pulse_is_recorded(site: Grounds) -> None:
    records = site.records()
    for reader in READERS:
        assert unrecorded(site.released(reader, 0), grants(records, DOOR_OF[reader])) == []


def test_doors_go_on_by_the_reserve_and_the_journal_is_whole_once_there_is_room(site: Grounds) -> None:
    card, visitor = site.card("building-1"), Visitor(site)
    with small_disk(site, 40 * MB) as disk:
        site.start_menjin("gateway")
        site.secure(*READERS)
        site.opens("reader-b1", card)
        eventually(lambda: len(grants(site.records())) == 1)
        disk.fill()
        for reader in READERS:
            site.opens(reader, card, 2)
        since = site.readers.last()
        site.scanners.call("show", scanner="scanner-main", text=visitor.text)
        eventually(lambda: site.released("reader-main", since))
        assert "the reserve takes over" in site.said("gateway")
        assert len(grants(site.records())) == 1, "the journal had no room"
        site.kill("gateway")
        site.start_menjin("gateway")
        site.secure(*READERS)
        site.opens("reader-b1", card)
        since = site.readers.last()
        site.scanners.call("show", scanner="scanner-main", text=visitor.text)
        time.sleep(0.5)
        assert not site.released("reader-main", since), "a used pass was taken again"
        disk.empty()
        eventually(lambda: len(grants(site.records())) >= 5)
        assert_whole(site.journal)
        assert_each_pulse_is_recorded(site)
        site.opens("reader-main", card)
        assert_whole(site.journal)


def test_without_room_for_the_reserve_nothing_opens_unrecorded_until_there_is_room(site: Grounds) -> None:
    card = site.card("building-1")
    crowd = Crowd(site, READERS)
    with small_disk(site, 40 * MB) as disk:
        (disk.folder / "reserve.bin").unlink()
        disk.fill(but_bytes=128 * KB)
        site.start_menjin("gateway")
        site.secure(*READERS)
        assert "reserve journal is short" in site.said("gateway")
        site.opens("reader-b1", card)
        deadline = time.monotonic() + 60
        while "no door opens" not in site.said("gateway"):
            assert time.monotonic() < deadline, "the reserve never got full"
            crowd.come()
            time.sleep(0.05)
        time.sleep(0.5)
        since = site.readers.last()
        for _ in range(10):
            crowd.come()
            time.sleep(0.1)
        assert [site.released(reader, since) for reader in READERS] == [[], []]
        colours = {each["colour"] for each in site.readers.diary(since) if each["what"] == "led" and each["temporary"]}
        assert colours == {"red"}
        assert "not opened: it cannot be written down" in site.said("gateway")
        disk.empty()
        site.opens("reader-main", card)
        eventually(lambda: "journal takes events again" in site.said("gateway"))
        time.sleep(0.3)
        assert_whole(site.journal)
        assert_each_pulse_is_recorded(site)


@pytest.mark.parametrize("end", ["stop_menjin", "kill"])
def test_a_full_disk_does_not_keep_the_doors_from_starting(site: Grounds, end: str) -> None:
    with small_disk(site, 40 * MB) as disk:
        site.start_menjin("gateway")
        getattr(site, end)("gateway")
        disk.fill()
        site.start_menjin("gateway")
        site.secure(*READERS)
        for reader in READERS:
            site.opens(reader, site.card("building-1"))
        disk.empty()
        eventually(lambda: len(grants(site.records())) >= 2)
        assert_whole(site.journal)
        assert_each_pulse_is_recorded(site)

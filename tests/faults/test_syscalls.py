"""Campaign: SIGKILL at each system call of a grant (`strace` injects it)."""

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from gateway.access.mj1 import pass_signed
from gateway.verify import verify
from tests.gateway.world import SITE, Key

CALLS = ("pwrite64", "fdatasync", "write")  # what a grant does to the disk, the loop's pipe and the lock
MOST = 400
ISSUER = Key()


def show(folder: Path, text: str, *tracer: str) -> int:
    """Show the pass in a process of its own; its return code."""
    argv = [*tracer, sys.executable, "-m", "tests.faults.one_grant", str(folder), ISSUER.public.hex(), text]
    return subprocess.run(argv, cwd=Path(__file__).parents[2], capture_output=True, timeout=60, check=False).returncode


def pulses(folder: Path) -> list[str]:
    path = folder / "pulses"
    return path.read_text().split() if path.exists() else []


def granted(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "journal.db")) as db:
        records = [json.loads(text) for (text,) in db.execute("SELECT record FROM journal ORDER BY seq")]
    return [each["command_id"] for each in records if each["kind"] == "Granted"]


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A journal that had one life already: what a start of the very first kind writes is not the grant's."""
    folder = tmp_path / "begun"
    folder.mkdir()
    now = int(time.time())
    assert show(folder, ISSUER.text(pass_signed(1, b"visitor0", SITE, now - 10, now + 3600, 2, 1))) == 0
    assert len(pulses(folder)) == 1
    return folder


@pytest.mark.parametrize("call", CALLS)
def test_a_kill_at_any_call_opens_nothing_unrecorded_and_spends_a_pass_once(
    begun: Path, tmp_path: Path, long: bool, call: str
) -> None:
    now = int(time.time())
    text = ISSUER.text(pass_signed(1, b"visitor1", SITE, now - 10, now + 3600, 2, 1))
    killed, opened = 0, set[int]()
    for number in range(1, MOST, 1 if long else 7):
        folder = tmp_path / f"{call}-{number}"
        shutil.copytree(begun, folder)
        inject = f"inject={call}:signal=SIGKILL:when={number}"
        ended = show(folder, text, "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject)
        assert set(pulses(folder)) <= set(granted(folder)), f"{call} {number}: a pulse without its record"
        assert show(folder, text) == 0  # the next life, and the pass once more
        told, records = pulses(folder)[1:], granted(folder)
        assert set(told) <= set(records)
        assert len(told) <= 1, f"{call} {number}: a single-use pass opened twice"
        assert len(records) == 2, f"{call} {number}: {records}"
        assert verify(folder / "journal.db") == []
        opened.add(len(told))
        shutil.rmtree(folder)
        if ended == 0:
            break
        killed += 1
    assert ended == 0, "the campaign never came to the end of a grant"
    assert killed >= (3 if long else 1) or call == "fdatasync"
    assert 1 in opened

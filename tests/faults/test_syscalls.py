"""Campaign: SIGKILL at each system call of a grant, and errors of the disk at each that it does (`strace` injects)."""

import json
import multiprocessing
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.access.mj1 import pass_signed
from gateway.verify import verify
from tests.faults import one_grant
from tests.gateway.world import SITE, Key

ISSUER = Key()
DISK = ("pwrite64", "fdatasync", "fsync", "ftruncate", "openat", "unlink")
SHORT_STEP = 9  # the short form takes each so manieth call
ENTERED = re.compile(r"(\d+) +(\w+)\(")  # in strace's words; a call that another thread interrupts goes on with "<..."
STRACE = shutil.which("strace") or "strace"
FORK = multiprocessing.get_context("forkserver")  # a process that has all imported is forked, not started
FORK.set_forkserver_preload(["tests.faults.one_grant"])


class Call(NamedTuple):
    """A system call: of which thread, its name, and how many of this name it makes up to this one."""

    thread: str
    name: str
    number: int


PULSE = Call("MainThread", "write", 1)  # the only one that it makes: the record is on the disk, the door yet shut


@contextmanager
def traced(thread_id: int, *options: str) -> Iterator[None]:
    """A thread (with `-f` its process) under strace from now on, until it ends."""
    strace = subprocess.Popen([STRACE, *options, "-p", str(thread_id)], stderr=subprocess.PIPE, text=True)
    with strace:
        assert strace.stderr is not None
        assert "attached" in (said := strace.stderr.readline()), said
        yield


def show(folder: Path, text: str, thread: str = "MainThread", *options: str) -> tuple[int | None, dict[int, str]]:
    """Show the pass in a process of its own, traced if there are options; its exit code, and its threads by id."""
    ours, theirs = FORK.Pipe()
    process = FORK.Process(target=one_grant.show, args=(folder, ISSUER.public.hex(), text, theirs))
    process.start()
    threads: dict[str, int] = ours.recv()
    with traced(threads[thread], *options) if options else nullcontext():
        ours.send("go")
        process.join(30)
    return process.exitcode, {id_: name for name, id_ in threads.items()}


def pulses(folder: Path) -> list[str]:
    path = folder / "pulses"
    return path.read_text().split() if path.exists() else []


def granted(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "journal.db")) as db:
        records = [json.loads(text) for (text,) in db.execute("SELECT record FROM journal ORDER BY seq")]
    return [each["command_id"] for each in records if each["kind"] == "Granted"]


def visitor(name: bytes) -> str:
    now = int(time.time())
    return ISSUER.text(pass_signed(1, name, SITE, now - 10, now + 3600, 2, 1))


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal that had one life already: what a start of the very first kind writes is not the grant's."""
    folder = tmp_path_factory.mktemp("begun")
    assert show(folder, visitor(b"visitor0"))[0] == 0
    assert len(pulses(folder)) == 1
    return folder


@pytest.fixture(scope="module")
def calls(begun: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """Every call between the presentation and the end, as the threads make them."""
    folder = tmp_path_factory.mktemp("recorded") / "begun"
    shutil.copytree(begun, folder)
    log = folder / "calls"
    ended, threads = show(folder, visitor(b"visitor1"), "MainThread", "-f", "-o", str(log))
    assert ended == 0
    entered = [(threads[int(id_)], name) for id_, name in ENTERED.findall(log.read_text()) if int(id_) in threads]
    counts = Counter[tuple[str, str]]()
    found = []
    for each in entered:
        counts[each] += 1
        found.append(Call(*each, counts[each]))
    return found


def shown_with(fault: str, call: Call, begun: Path, folder: Path) -> tuple[int | None, int]:
    """Show a pass with a fault injected at a call, then once more without; how the first ended, and pulses in all."""
    shutil.copytree(begun, folder)
    text, inject = visitor(b"visitor1"), ("-e", f"trace={call.name}", "-e", f"inject={call.name}:{fault}")
    ended, _ = show(folder, text, call.thread, "-o", "/dev/null", *inject)
    assert show(folder, text)[0] == 0
    told, records = pulses(folder)[1:], granted(folder)
    assert set(told) <= set(records), f"{call}, {fault}: a pulse without its record"
    assert len(told) <= 1, f"{call}, {fault}: a single-use pass opened twice"
    assert len(records) == 2, f"{call}, {fault}: {records}"
    assert verify(folder / "journal.db") == []
    shutil.rmtree(folder)
    return ended, len(told)


def test_a_kill_at_any_call_opens_nothing_unrecorded_and_spends_a_pass_once(
    begun: Path, calls: list[Call], tmp_path: Path, long: bool
) -> None:
    assert PULSE in calls
    tried = calls if long else [*calls[::SHORT_STEP], PULSE]
    ends = [
        shown_with(f"signal=SIGKILL:when={each.number}", each, begun, tmp_path / f"{place}")
        for place, each in enumerate(tried)
    ]
    missed = {each for each, (ended, _) in zip(tried, ends, strict=True) if ended != -signal.SIGKILL}
    assert not {each.name for each in missed} & set(DISK)
    assert len(missed) <= len(tried) / 5, missed  # threads meet at locks as chance has it, and then call for it or not
    assert {told for _, told in ends} == {0, 1}


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_an_error_of_the_disk_at_any_call_opens_nothing_unrecorded(
    begun: Path, calls: list[Call], tmp_path: Path, long: bool, error: str
) -> None:
    at_disk = [each for each in calls if each.thread == "journal" and each.name in DISK]
    faults = [(f"error={error}:when={each.number}{more}", each) for each in at_disk for more in ("", "+")]
    for place, (fault, each) in enumerate(faults[:: 1 if long else SHORT_STEP]):
        ended, _ = shown_with(fault, each, begun, tmp_path / f"{place}")
        assert ended == 0

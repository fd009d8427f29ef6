"""A child of the door process."""

import multiprocessing
import os
import resource
from collections.abc import Iterator

import pytest

from gateway.child import NICER, child

PRIORITY = "import os; print(os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0), flush=True)"
NICER_THAN_THIS = min(os.nice(0) + NICER, 19)
MAY_SHARE = os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_NICE)[0] >= 20 - NICER_THAN_THIS


@pytest.fixture
def busy_core() -> Iterator[None]:
    """One core for this test and its children, on which somebody else always has something to do."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        other = multiprocessing.get_context("spawn").Process(target=_work, daemon=True)
        other.start()
        yield
        other.kill()
        other.join()
    finally:
        os.sched_setaffinity(0, cores)


def _work() -> None:
    while True:
        pass


async def test_a_child_takes_a_core_from_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.child.LOOK_S", 60.0)  # whatever else the machine has to do
    script = "import sys; sys.stdin.readline()\n" + PRIORITY
    async with child("timeit", "-n", "1", "-r", "1", "-s", script, stdin=-1, stdout=-1) as started:
        said, _ = await started.communicate(b"\n")
    assert tuple(map(int, said.split()[:2])) == (os.SCHED_IDLE, NICER_THAN_THIS)


@pytest.mark.skipif(not MAY_SHARE, reason="the limits of this user keep a child idle")
async def test_a_child_that_finds_no_core_gets_a_share_of_one(busy_core: None) -> None:
    until_it_shares = "import os, time\nwhile os.sched_getscheduler(0): time.sleep(0)\n" + PRIORITY
    async with child("timeit", "-n", "1", "-r", "1", "-s", until_it_shares, stdout=-1) as started:
        said, _ = await started.communicate()
    assert tuple(map(int, said.split()[:2])) == (os.SCHED_OTHER, NICER_THAN_THIS)

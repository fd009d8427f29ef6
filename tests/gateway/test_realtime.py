"""The door process and the machine's other work."""

import os
import resource
import subprocess
import sys

import pytest

ASK = """
import asyncio, os, threading
from gateway.child import child
from gateway.realtime import go_first

async def of_a_child():
    async with child("timeit", "-n", "1", "-r", "1", "-s", "import sys; sys.stdin.read()", stdin=-1) as started:
        return os.sched_getscheduler(started.pid)

policies = [go_first(), os.sched_getscheduler(0)]
threading.Thread(target=lambda: policies.append(os.sched_getscheduler(0))).start()
print(policies, asyncio.run(of_a_child()))
"""
ROOT = os.geteuid() == 0
MAY = (ROOT or resource.getrlimit(resource.RLIMIT_RTPRIO)[0] != 0) and len(os.sched_getaffinity(0)) > 1


def answer(*before: str) -> str:
    return subprocess.run([*before, sys.executable, "-c", ASK], capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(not MAY, reason="this user, or this machine's single core, allows no real-time priority")
def test_the_door_process_and_its_threads_go_first_but_no_child_of_it() -> None:
    assert answer() == f"[True, {os.SCHED_RR}, {os.SCHED_RR}] {os.SCHED_IDLE}\n"


def test_where_it_may_not_go_first_it_goes_as_others_do_and_says_so() -> None:
    unable = ("setpriv", "--bounding-set=-sys_nice") if ROOT else ("prlimit", "--rtprio=0")
    said = answer(*unable)
    assert "no real-time priority" in said
    assert said.splitlines()[-1] == f"[False, {os.SCHED_OTHER}, {os.SCHED_OTHER}] {os.SCHED_IDLE}"


def test_on_a_single_core_it_goes_as_others_do() -> None:
    core = str(min(os.sched_getaffinity(0)))
    assert answer("taskset", "--cpu-list", core) == f"[False, {os.SCHED_OTHER}, {os.SCHED_OTHER}] {os.SCHED_IDLE}\n"

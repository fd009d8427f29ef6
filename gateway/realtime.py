"""The door process goes before all else on its machine: no film or table of somebody else's holds a door up."""

import os
import sys

import structlog

SWITCH_S = 0.0005  # a busy thread of ours may hold a door up for this long at most
LEAST = 1  # of the real-time priorities: before every usual process, after the kernel's own

log = structlog.get_logger()


def go_first() -> bool:
    """Let our threads take turns often, and run this one and those that it will start as SCHED_RR (sched(7)).

    False where that cannot be.

    A usual process that wakes up may wait for the others' turns, some ms with Linux 6.6 and later. The limits of the
    user must allow it (LimitRTPRIO in config/systemd). Not on a single core: a child of ours begins with our policy,
    and there nobody could step in before its turn of 0.1 s is over (`gateway/child.py`).
    """
    sys.setswitchinterval(SWITCH_S)
    if len(os.sched_getaffinity(0)) < 2:
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(LEAST))
    except PermissionError:
        log.info("no real-time priority", needs="LimitRTPRIO=1")
        return False
    return True

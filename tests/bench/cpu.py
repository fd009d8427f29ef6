"""What processes have cost, to the nanosecond: a small share of a core in a short time is a few of psutil's ticks."""

import time
from collections.abc import Iterable

import psutil

_SCHED = 2  # CPUCLOCK_SCHED, as clock_getcpuclockid(3) makes a process's clock


def cpu_s(processes: Iterable[psutil.Process]) -> float:
    """The CPU seconds of all their threads so far, those that ended too."""
    return sum(time.clock_gettime(~process.pid << 3 | _SCHED) for process in processes)

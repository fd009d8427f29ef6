"""A child of the door process: bulk work runs in one, so that none of it runs where doors are decided.

Its priority is low while it still starts: an interpreter that loads its modules is a quarter of a second of work too.
It runs as SCHED_IDLE (sched(7)): whoever wakes up takes the core from it at once. A merely nicer process keeps the core
to the end of its turn, 3 to 4 ms with Linux 6.6 and later.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

NICER = 10  # than the door process
LOOK_S = 0.5
ROOT = Path(__file__).parent.parent  # where a child finds this package


@contextlib.asynccontextmanager
async def child(module: str, *arguments: str, **pipes: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m module` for as long as the block lasts, with `pipes` as for `asyncio.create_subprocess_exec`."""
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    command, environment = (sys.executable, "-m", module, *arguments), {**os.environ, "PYTHONPATH": paths}
    process = await asyncio.create_subprocess_exec(*command, env=environment, **pipes)
    _step_back(process.pid)
    sharing = asyncio.create_task(_share(process.pid))
    try:
        yield process
    finally:
        sharing.cancel()
        if process.returncode is None:
            process.kill()
        await process.communicate()  # to the ends of its pipes, so that they are closed too


def _step_back(pid: int) -> None:
    with contextlib.suppress(OSError):  # it has ended, or runs where nobody may be idle
        os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, 0) + NICER)
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))


async def _share(pid: int) -> None:
    """Where no core is ever free, the child gets its share of one after all, so that its work ends some day."""
    waited_ns = 0
    with contextlib.suppress(OSError):  # it has ended, or the limits (LimitNICE) forbid it
        while True:
            await asyncio.sleep(LOOK_S)
            before_ns, waited_ns = waited_ns, _waited_ns(pid)
            if waited_ns - before_ns > LOOK_S * 1e9 / 2:
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))  # nice as it is
                return


def _waited_ns(pid: int) -> int:
    """How long a process was ready to run, but did not (scheduler/sched-stats.rst)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1])

"""A child of the door process: bulk work runs in one, so that none of it runs where doors are decided.

Its priority is low from its first instruction: an interpreter that starts and loads its modules is a quarter of a
second of work too.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

NICE = ("nice", "-n", "10")
ROOT = Path(__file__).parent.parent  # where a child finds this package


@asynccontextmanager
async def child(module: str, *arguments: str, **pipes: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m module` for as long as the block lasts, with `pipes` as for `asyncio.create_subprocess_exec`."""
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    command, environment = (*NICE, sys.executable, "-m", module, *arguments), {**os.environ, "PYTHONPATH": paths}
    process = await asyncio.create_subprocess_exec(*command, env=environment, **pipes)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()  # to the ends of its pipes, so that they are closed too

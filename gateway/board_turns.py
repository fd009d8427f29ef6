"""When boards' own lists are brought in step: after each change of the table, each day, and when a board comes back.

The work is done by a child (board_lists.py); here it is only started and told to. Its last reports stand in a file that
`menjin boards` shows.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import structlog

from controllers.driver import LinkState
from gateway.board_lists import Round, Setup
from gateway.child import child
from gateway.clock import Clock
from gateway.keeper import Keeper

REPORT = "board-lists.json"  # in the gateway's folder
EVERY_S = 30.0  # two turns are at least so far apart
LOOK_S = 0.5
LINE_BYTES = 1 << 20

log = structlog.get_logger()
Due = tuple[int, int, dict[str, int]]  # the table's version, the day, the epochs of boards on line


class BoardTurns:
    """Keeps the lists of a site's boards in step.

    Args:
        setup: what the child needs.
        links: the state of devices' links, by name.
        version: the version of the table in force.
        clock: the gateway's clock.
        report: the file for the last reports.
        every_s: how far two turns are apart at least.
    """

    def __init__(
        self,
        setup: Setup,
        links: Mapping[str, LinkState],
        version: Callable[[], int],
        clock: Clock,
        report: Path,
        every_s: float = EVERY_S,
    ) -> None:
        self._setup, self._links, self._version, self._clock = setup, links, version, clock
        self._report, self._every_s, self._zone = report, every_s, ZoneInfo(setup.timezone)
        self._reports: dict[str, dict[str, Any]] = {}
        self._forget: tuple[str, ...] = ()

    async def run(self) -> None:
        """Until cancelled."""
        await Keeper("board lists", max_s=60.0).keep(self._with_child)

    async def _with_child(self) -> None:
        """Turns for as long as a child lives."""
        pipe = asyncio.subprocess.PIPE
        async with child("gateway.board_lists", stdin=pipe, stdout=pipe, limit=LINE_BYTES) as lister:
            self._tell(lister, self._setup)
            done: Due = (-1, 0, {})
            while True:
                done = await self._next(done)
                if not await self._turn(lister, done):
                    done = (-1, done[1], {})  # again, in a while
                await asyncio.sleep(self._every_s)

    async def _next(self, done: Due) -> Due:
        """Wait until something is to be done; what."""
        while True:
            day = datetime.fromtimestamp(self._clock.now(), self._zone).toordinal()
            up = {each.board.name: self._links.get(each.board.name) for each in self._setup.boards}
            due: Due = (
                self._version(), day, {name: link.seen.epoch for name, link in up.items() if link and link.up}
            )  # fmt: skip
            if due[2] and due != done:
                self._forget = tuple(
                    name for name, epoch in due[2].items() if day != done[1] or done[2].get(name) != epoch
                )
                return due
            await asyncio.sleep(LOOK_S)

    async def _turn(self, lister: asyncio.subprocess.Process, due: Due) -> bool:
        """One turn; whether nothing is left to do."""
        self._tell(lister, Round(tuple(due[2]), self._forget, self._clock.now()))
        if lister.stdout is None or not (line := await lister.stdout.readline()):
            raise RuntimeError("the process of the lists ended")
        reports = msgspec.json.decode(line, type=dict[str, dict[str, Any]])
        for name, report in reports.items():
            if any(report[what] for what in ("updated", "added", "deleted", "failed")):
                log.info("list of a board in step", board=name, **report)
            self._reports[name] = {"at": self._clock.now(), **report}
        self._report.write_text(json.dumps(self._reports))
        return bool(reports) and not any(report["failed"] or report["errors"] for report in reports.values())

    @staticmethod
    def _tell(lister: asyncio.subprocess.Process, what: Setup | Round) -> None:
        if lister.stdin is not None:
            lister.stdin.write(msgspec.json.encode(what) + b"\n")

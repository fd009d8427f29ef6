"""The whole way of a card onto a board's own list: central, plane, mirror, child process, board."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from datetime import time as dt_time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest

from controllers.driver import LinkState, Seen
from controllers.uhppote_link import BoardReader, UhppoteBoard
from gateway.access.model import AccessPoint
from gateway.board_lists import ListedBoard, Setup
from gateway.board_turns import BoardTurns
from gateway.clock import Clock
from gateway.pull import catch_up
from gateway.store import Store
from mgmt_api.plane import Estate, Plane
from simulators.diary import Diary
from simulators.uhppote_board import Board
from tests.mgmt_api.conftest import CENTRAL, SITE_KEY, V1, Served

pytestmark = pytest.mark.timeout(300)  # the child runs at low priority, and on a busy machine last of all
SERIAL = 405419896
TOKEN, ZONE = "gateway-token", ZoneInfo("Asia/Shanghai")
ALWAYS = [{"weekday": day, "start": "00:00", "end": "24:00"} for day in range(1, 8)]


class World:
    """A plane with a few residents, a mirror of its table, and a board."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.board, self.report = Board(SERIAL, "127.0.0.1", 0, Diary()), folder / "report.json"
        self.store, self._served = folder / "store.db", served
        self.central = httpx2.Client(base_url=f"{served.url}{V1}", headers=CENTRAL, trust_env=False)
        wired = UhppoteBoard("board", SERIAL, f"127.0.0.1:{self.board.port}", (BoardReader("in", 1),))
        self.setup = Setup(
            served.url, TOKEN, "gateway-1", str(self.store), SITE_KEY, 7, "Asia/Shanghai",
            (AccessPoint("gate-in", "gate", 1, "street", "yard"),), (ListedBoard(wired, (("gate-in",), (), (), ())),),
        )  # fmt: skip
        self.links = {"board": LinkState("board", True, False, "", Seen(0, 0, 1))}

    def says(self, path: str, body: dict[str, Any] | None) -> None:
        answer = self.central.put(path, json=body) if body else self.central.delete(path)
        assert answer.is_success, answer.text

    def card(self, number: int, **extra: Any) -> None:
        body = {"resident": "r", "type": "card", "format": "H10301", "facility": 100, "card": number}
        self.says(f"credentials/c{number}", body | {"profiles": ["all"]} | extra)

    def found(self) -> None:
        self.says("zones/street", {"public": True, "name": "street"})
        self.says("zones/yard", {"parent": "street", "name": "yard"})
        self.says("schedules/always", {"windows": ALWAYS})
        self.says("schedules/office", {"windows": [{"weekday": 1, "start": "08:00", "end": "18:00"}]})
        self.says("profiles/all", {"number": 1, "policies": [{"schedule": "always", "zone": "yard"}]})
        self.says("profiles/office", {"number": 2, "policies": [{"schedule": "office", "zone": "yard"}]})
        self.says("residents/r", {"name": "王小明"})

    def version(self) -> int:
        store = Store(self.store)
        try:
            return store.stand().version or 0
        finally:
            store.close()

    async def pulled(self) -> None:
        await catch_up(self._served.url, TOKEN, "gateway-1", self.store)

    def reported(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.report.read_text())["board"] if self.report.exists() else {}
        return {key: report.get(key) for key in ("unchanged", "updated", "added", "deleted", "failed", "missing")}


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return Estate(
        7, SITE_KEY, tmp_path / "api", gateway_tokens={"gateway-1": TOKEN}, central_tokens={"c": "central-token"}
    )


@contextmanager
def world(estate: Estate, folder: Path) -> Iterator[World]:
    with Served(Plane(estate)) as served:
        made = World(served, folder)
        made.found()
        yield made
        made.central.close()


async def until(true: Callable[[], bool], within_s: float = 40.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


def live(world: World, story: Callable[[], Any]) -> None:
    """Run the story beside the turns."""

    async def both() -> None:
        await world.pulled()
        turns = BoardTurns(world.setup, world.links, world.version, Clock(), world.report, every_s=0.2)
        task = asyncio.create_task(turns.run())
        try:
            await story()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    asyncio.run(both())


def test_a_boards_list_follows_the_table_and_decides_when_the_host_is_silent(estate: Estate, tmp_path: Path) -> None:
    with world(replace(estate, card_numbers=True), tmp_path) as made:
        ends = datetime.combine(datetime.now(ZONE) + timedelta(days=5), dt_time(), ZONE)
        for number in (58400, 58401, 58402):
            made.card(number)
        made.board.cards[999] = bytes(8) + b"\1\1\1\1"

        async def story() -> None:
            await until(lambda: sorted(made.board.cards) == [10058400, 10058401, 10058402])
            done = {"unchanged": 0, "updated": 0, "added": 3, "deleted": 1, "failed": 0, "missing": 0}
            await until(lambda: made.reported() == done)
            made.says("credentials/c58401", None)
            made.card(58402, valid_to=ends.isoformat())
            made.card(58403, profiles=["office"])
            made.card(58404, state="lost")
            await made.pulled()
            await until(lambda: sorted(made.board.cards) == [10058400, 10058402, 10058403])
            assert made.board.cards[10058402][4:8].hex() == (ends - timedelta(days=1)).strftime("%Y%m%d")
            assert made.board.cards[10058403][8] >= 2, "a time profile"
            made.board._silence_s = 0
            assert made.board.swipe(10058400)
            assert not made.board.swipe(10058401)

        live(made, story)


def test_a_board_that_comes_back_is_read_anew(estate: Estate, tmp_path: Path) -> None:
    with world(replace(estate, card_numbers=True), tmp_path) as made:
        made.card(58400)

        async def story() -> None:
            await until(lambda: sorted(made.board.cards) == [10058400])
            made.board.cards.clear()  # another program wiped it
            made.links["board"] = LinkState("board", False, False, "", Seen(0, 0, 1))
            await asyncio.sleep(1)
            assert not made.board.cards
            made.links["board"] = LinkState("board", True, False, "", Seen(0, 0, 2))
            await until(lambda: sorted(made.board.cards) == [10058400])

        live(made, story)


def test_cards_whose_numbers_nobody_kept_are_told_and_cards_on_the_board_stay(estate: Estate, tmp_path: Path) -> None:
    with world(estate, tmp_path) as made:
        made.card(58400)
        made.card(58401)
        made.board.cards[10058401] = bytes.fromhex("200001012099123101000000")

        async def story() -> None:
            await until(lambda: made.reported().get("missing") == 1)
            assert sorted(made.board.cards) == [10058401]
            assert made.reported()["failed"] == 0

        live(made, story)


def test_without_the_plane_who_lost_his_right_still_leaves_the_board(estate: Estate, tmp_path: Path) -> None:
    with world(replace(estate, card_numbers=True), tmp_path) as made:
        made.card(58400)
        made.card(58401)
        made.card(58402)
        made.board.cards[10058400] = made.board.cards[10058401] = bytes.fromhex("200001012099123101000000")
        asyncio.run(made.pulled())
        made.says("credentials/c58401", None)
        made.setup = replace(made.setup, url="http://127.0.0.1:9")

        async def story() -> None:
            await until(lambda: sorted(made.board.cards) == [10058400])
            await until(lambda: made.reported().get("missing") == 1)
            assert "no numbers" in made.report.read_text()

        live(made, story)

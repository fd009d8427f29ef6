"""The gateway against a management plane over real HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.access.event import AccessEvent, EventKind
from gateway.access.presence import Whereabouts
from gateway.access.table import PermissionTable
from gateway.elsewhere import Elsewhere
from gateway.generations import Generations
from gateway.journal import Journal
from gateway.place import wired
from gateway.remote import RemoteOrder
from gateway.store import Store
from gateway.sync import Sync
from tests.gateway.plane import TOKEN, Plane, Server
from tests.gateway.world import card_key, credential, rows, site


class Edge:
    """What of the gateway talks to the plane."""

    def __init__(self, folder: Path, url: str, token: str = TOKEN) -> None:
        self.unlocks: list[RemoteOrder] = []
        self.journal = Journal(folder / "journal.db", time.time, on_commit=self._committed, reserve_bytes=4096)
        self.generations = Generations(
            folder / "generations", folder / "store.db", site(), on_adopt=lambda _version: self.sync.wake_inventory()
        )
        self.store = Store(folder / "store.db")
        self.sync = Sync(
            url, token, "gateway-1", self.store, folder / "store.db", self.generations, self.journal,
            self.unlocks.append, lambda: {"table_version": self.table.version, "doors": []},
            wired(folder, site()),
            Elsewhere(Whereabouts()),
        )  # fmt: skip
        self._loop = asyncio.get_running_loop()
        self.journal.start()
        self._task = asyncio.create_task(self.sync.run())

    def _committed(self) -> None:
        self._loop.call_soon_threadsafe(self.sync.wake_events)

    @property
    def table(self) -> PermissionTable:
        return self.generations.table

    def knows(self, card: int) -> bool:
        return self.table.find(card_key(card)) is not None

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.generations.close()
        await asyncio.to_thread(self.journal.close)
        self.store.close()


async def until(true: Callable[[], Any], timeout_s: float = 30.0) -> float:
    """Wait, and say how long it took."""
    begin = time.monotonic()
    while not true():
        assert time.monotonic() - begin < timeout_s, "it did not come"
        await asyncio.sleep(0.005)
    return time.monotonic() - begin


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server(Plane())
    made.plane.reset(rows(credential(100), credential(101)))
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def edge(tmp_path: Path, server: Server) -> AsyncIterator[Edge]:
    made = Edge(tmp_path, server.url)
    yield made
    await made.stop()


async def test_the_whole_table_comes_in_pages(server: Server, edge: Edge) -> None:
    server.plane.page_rows = 3
    await until(lambda: edge.knows(100) and edge.knows(101))
    assert edge.table.version == server.plane.version
    assert list(edge.table.zones) == ["building-1", "club"]


async def test_a_single_change_is_in_force_within_a_second(server: Server, edge: Edge) -> None:
    await until(lambda: edge.knows(100) and server.plane.listeners)
    files = list((edge.generations._folder).iterdir())
    server.plane.put("credentials", credential(200))
    assert await until(lambda: edge.knows(200)) < 1
    server.plane.delete("credentials", "c-100")
    assert await until(lambda: not edge.knows(100)) < 1
    assert list(edge.generations._folder.iterdir()) == files  # no new generation for it


async def test_a_credential_with_a_new_number_loses_its_old_one(server: Server, edge: Edge) -> None:
    await until(lambda: edge.knows(100))
    server.plane.put("credentials", credential(100, key=card_key(300).hex()))
    await until(lambda: edge.knows(300))
    assert not edge.knows(100)


async def test_a_structural_change_builds_a_new_generation(server: Server, edge: Edge) -> None:
    await until(lambda: edge.knows(100))
    server.plane.put("zones", {"id": "garage", "parent": None, "public": False})
    server.plane.put("credentials", credential(200))
    took_s = await until(lambda: "garage" in edge.table.zones and edge.knows(200))
    assert took_s < 15


async def test_many_changes_come_by_a_child_and_a_new_generation(server: Server, edge: Edge) -> None:
    await until(lambda: edge.knows(100))
    for first in range(1000, 2200, 100):
        server.plane.put("credentials", *(credential(card) for card in range(first, first + 100)))
    await until(lambda: edge.table.version == server.plane.version)
    assert all(edge.knows(card) for card in range(1000, 2200))


async def test_a_gone_cursor_means_a_new_snapshot(server: Server, edge: Edge) -> None:
    await until(lambda: edge.knows(100))
    server.plane.reset(rows(credential(500)))
    await until(lambda: edge.knows(500))
    assert not edge.knows(100)


async def test_a_plane_that_lost_its_database_gives_its_new_table(server: Server, edge: Edge) -> None:
    for card in range(10):
        server.plane.put("credentials", credential(card))
    await until(lambda: edge.table.version == server.plane.version)
    server.plane.version, server.plane.log, server.plane.floor = 0, [], 0
    server.plane.reset(rows(credential(500)))
    await until(lambda: edge.knows(500))
    assert edge.table.version == 1
    assert not edge.knows(100)


async def test_a_page_with_a_wrong_digest_changes_nothing(tmp_path: Path, server: Server) -> None:
    server.plane.bad_digest = True
    edge = Edge(tmp_path, server.url)
    await until(lambda: server.plane.requests.count("table") >= 2)
    assert edge.store.stand().version is None
    server.plane.bad_digest = False
    await until(lambda: edge.knows(100))
    await edge.stop()


async def test_a_row_that_is_none_changes_nothing_and_does_not_stop_the_sync(server: Server, edge: Edge) -> None:
    await until(lambda: edge.knows(100))
    version = edge.table.version
    server.plane.put("credentials", credential(200), credential(201, key="not hex"))
    await until(lambda: server.plane.requests.count("changes") >= 4)
    assert edge.table.version == version
    assert not edge.knows(200)
    server.plane.put("credentials", credential(201))
    server.plane.log = [each for each in server.plane.log if each[2].get("key") != "not hex"]
    await until(lambda: edge.knows(200) and edge.knows(201))


async def test_the_table_serves_on_while_the_plane_is_down_and_after_a_restart(tmp_path: Path, server: Server) -> None:
    edge = Edge(tmp_path, server.url)
    await until(lambda: edge.knows(100) and server.plane.listeners)
    server.plane.put("credentials", credential(200))
    server.plane.delete("credentials", "c-101")
    await until(lambda: edge.knows(200) and not edge.knows(101))
    await server.stop()
    await asyncio.sleep(0.3)
    assert edge.knows(200)
    await edge.stop()
    again = Edge(tmp_path, server.url)
    await again.generations.refresh(again.store)
    assert again.knows(200)  # from the mirror, although the file is older
    assert not again.knows(101)
    server.plane.put("credentials", credential(201))
    await server.start()
    await until(lambda: again.knows(201))
    await again.stop()


async def test_events_go_up_in_order_and_are_acknowledged(server: Server, edge: Edge) -> None:
    for n in range(1200):
        edge.journal.append(AccessEvent(EventKind.GRANTED, time.time(), credential=f"c-{n}"))
    await until(lambda: server.plane.acked == 1200)
    await until(lambda: edge.journal.acked_seq == 1200)
    assert server.plane.events[7]["credential"] == "c-6"
    assert server.plane.events[7]["kind"] == "Granted"
    assert len(bytes.fromhex(server.plane.events[7]["hash"])) == 32


async def test_events_wait_for_the_plane_and_none_is_missing(tmp_path: Path, server: Server) -> None:
    await server.stop()
    edge = Edge(tmp_path, server.url)
    for n in range(50):
        edge.journal.append(AccessEvent(EventKind.GRANTED, time.time(), credential=f"c-{n}"))
    await asyncio.sleep(0.5)
    await server.start()
    await until(lambda: server.plane.acked == 50)
    server.plane.fail = 503
    edge.journal.append(AccessEvent(EventKind.DENIED, time.time())).result(5)
    await asyncio.sleep(0.5)
    server.plane.fail = 0
    await until(lambda: server.plane.acked == 51)
    await edge.stop()


async def test_a_plane_that_lost_events_gets_them_again(server: Server, edge: Edge) -> None:
    for _ in range(20):
        edge.journal.append(AccessEvent(EventKind.GRANTED, time.time()))
    await until(lambda: server.plane.acked == 20)
    server.plane.events.clear()
    edge.journal.append(AccessEvent(EventKind.DENIED, time.time()))
    await until(lambda: server.plane.acked == 21)


async def test_a_command_arrives_and_a_bad_one_is_not_taken(server: Server, edge: Edge) -> None:
    await until(lambda: server.plane.listeners)
    order = {"id": "1", "action": "unlock", "door": "lobby", "operator": "wang", "reason": "x", "expires_at": 5.0}
    server.plane.tell("command", {"id": "0"})
    server.plane.tell("command", order)
    took_s = await until(lambda: edge.unlocks)
    assert edge.unlocks == [RemoteOrder("1", "lobby", "wang", "x", 5.0)]
    assert took_s < 10


async def test_a_broken_watch_is_opened_again(server: Server, edge: Edge) -> None:
    await until(lambda: server.plane.listeners and edge.knows(100))
    server.plane.drop_watches()
    await until(lambda: server.plane.requests.count("watch") >= 2)
    server.plane.put("credentials", credential(200))
    await until(lambda: edge.knows(200))


async def test_the_inventory_is_sent_when_it_changes(server: Server, edge: Edge) -> None:
    await until(lambda: server.plane.inventories and server.plane.inventories[-1]["table_version"] > 0)
    count = len(server.plane.inventories)
    for _ in range(5):
        edge.sync.wake_inventory()
    await until(lambda: len(server.plane.inventories) > count)
    await asyncio.sleep(0.4)
    assert len(server.plane.inventories) == count + 1


async def test_a_wrong_token_gets_nothing_and_breaks_nothing(tmp_path: Path, server: Server) -> None:
    edge = Edge(tmp_path, server.url, token="wrong")
    await until(lambda: len(server.plane.requests) > 4)
    assert not edge.knows(100)
    assert edge.journal.append(AccessEvent(EventKind.GRANTED, time.time())).result(5) == 1
    await edge.stop()

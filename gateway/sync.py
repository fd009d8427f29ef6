"""The link to the management plane: table down, events and inventory up. Doors need none of it."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import structlog

from gateway import pull
from gateway.chain import Sealed
from gateway.child import child
from gateway.elsewhere import Elsewhere
from gateway.generations import Generations
from gateway.journal import Journal
from gateway.keeper import Keeper
from gateway.questions import Questions
from gateway.remote import RemoteOrder
from gateway.store import Store

POLL_S = 30.0  # the table is asked for this often even without a word from the watch
SILENCE_S = 25.0  # the watch says something every 10 s
BATCH_EVENTS = 500
GATHER_S = 0.02  # a grant, its outcome and the door's word travel together
RESERVE_S = 1.0
INVENTORY_S = 30.0
DEBOUNCE_S = 0.15
JSON = {"Content-Type": "application/json"}

log = structlog.get_logger()


class Sync:
    """Its duties, each kept up on its own.

    Args:
        url: the plane.
        token: the gateway's bearer token.
        gateway: its id.
        store: the mirror.
        store_path: the mirror's file, for the child that does bulk work.
        generations: the table in force.
        journal: the events.
        order: takes an operator's order.
        inventory: gives the doors and devices as they are now.
        here: this gateway as questions about rights need it (`place.wired`).
        elsewhere: hears who passed at other gateways.
    """

    def __init__(
        self,
        url: str,
        token: str,
        gateway: str,
        store: Store,
        store_path: Path,
        generations: Generations,
        journal: Journal,
        order: Callable[[RemoteOrder], None],
        inventory: Callable[[], dict[str, Any]],
        here: dict[str, Any],
        elsewhere: Elsewhere,
    ) -> None:
        self._url, self._token, self._gateway = url, token, gateway
        self._store, self._store_path, self._generations, self._journal = store, store_path, generations, journal
        self._order, self._inventory, self._elsewhere = order, inventory, elsewhere
        self._somebody_moved = asyncio.Event()
        self._heard: dict[str, int] = {}  # how far each list of what happened elsewhere is known
        self._client = pull.open_client(url, token)
        self._questions = Questions(self._client, gateway, here)
        self._table_moved, self._events_wait, self._changed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._sent = 0  # the highest event that the plane holds, as it says
        self._watch_keeper = Keeper("watch")

    async def run(self) -> None:
        """Keep all duties up until cancelled."""
        self._table_moved.set()
        self._events_wait.set()
        self._changed.set()
        self._sent = self._journal.acked_seq
        duties = {"table": self._table, "events": self._events, "inventory": self._inventory_turn}
        duties["questions"] = self._questions.turn
        duties["whereabouts"] = self._whereabouts
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch_keeper.keep(self._watch), name="watch")
                for name, duty in duties.items():
                    group.create_task(Keeper(name).keep(duty), name=name)
        finally:
            await self._client.aclose()

    def wake_events(self) -> None:
        """Events wait for the plane. In the loop's thread."""
        self._events_wait.set()

    def wake_inventory(self) -> None:
        """The inventory changed. In the loop's thread."""
        self._changed.set()

    # --- down ---------------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Hear the plane until it ends the stream."""
        timeout = httpx2.Timeout(pull.TIMEOUT.connect, read=SILENCE_S)
        async with self._client.stream("GET", f"/gateways/{self._gateway}/watch", timeout=timeout) as response:
            response.raise_for_status()
            async for message in httpx2.EventSource(response):
                self._watch_keeper.well()
                if not self._elsewhere.well(time.monotonic()):
                    self._somebody_moved.set()
                if message.event == "table":
                    self._table_moved.set()
                    self._somebody_moved.set()
                elif message.event == "whereabouts":
                    self._somebody_moved.set()
                elif message.event == "command":
                    self._command(message.data)
                elif message.event == "question":
                    self._questions.take(message.data)
        raise httpx2.ReadError("the plane ended the watch")

    def _command(self, data: str) -> None:
        try:
            body = json.loads(data)
            for_s = body.get("for_s")
            order = RemoteOrder(
                str(body["id"]),
                str(body["door"]),
                str(body["operator"]),
                str(body["reason"]),
                float(body["expires_at"]),
                str(body["action"]),
                for_s=None if for_s is None else float(for_s),
                **{name: str(body.get(name) or "") for name in ("mode", "zone", "person")},
            )
        except (ValueError, KeyError, TypeError) as error:
            log.error("the plane sent no command", error=str(error))
        else:
            self._order(order)

    async def _whereabouts(self) -> None:
        """One round: hear who passed elsewhere. A plane that does not know of it says nothing."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._somebody_moved.wait()
        self._somebody_moved.clear()
        async for body in self._told("whereabouts"):
            self._elsewhere.heard(body["rows"], body["shared"], time.monotonic())
            await asyncio.to_thread(self._store.keep_shared, body["shared"])
        async for body in self._told("spent"):
            self._elsewhere.spent(body["rows"])

    async def _told(self, what: str) -> AsyncIterator[dict[str, Any]]:
        """Pages of what is new since the last one, up to an empty one."""
        more = True
        while more:
            parameters = {"after": self._heard.get(what, 0)}
            answer = await self._client.get(f"/gateways/{self._gateway}/{what}", params=parameters)
            if answer.status_code == httpx2.codes.NOT_FOUND:
                return
            body = answer.raise_for_status().json()
            yield body
            self._heard[what], more = int(body["version"]), bool(body["rows"])

    async def _table(self) -> None:
        """One round: fetch what changed, and put it in force."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._table_moved.wait()
        self._table_moved.clear()
        try:
            await self._fetch()
        except BaseException:
            self._table_moved.set()  # the next try must not wait for a word
            raise
        self._changed.set()

    async def _fetch(self) -> None:
        try:
            more = await pull.changes(self._client, self._gateway, self._store)
        except pull.CursorGone:
            more = True
        if more:
            await self._catch_up()
        await self._generations.refresh(self._store)

    async def _catch_up(self) -> None:
        """Bulk work, in a child at low priority."""
        arguments, pipe = (self._url, self._gateway, str(self._store_path)), asyncio.subprocess.PIPE
        async with child("gateway.pull", *arguments, stdin=pipe, stderr=pipe) as puller:
            _, said = await puller.communicate(self._token.encode() + b"\n")
        if puller.returncode:
            raise pull.PullFailed(said.decode(errors="replace").strip()[-300:])

    # --- up -----------------------------------------------------------------------------------------------------------

    async def _events(self) -> None:
        """Send one batch, if there is one. What the plane holds is what the plane says: it may have lost some."""
        if self._journal.head.seq <= self._sent:
            await self._events_wait.wait()
        await asyncio.sleep(GATHER_S)
        self._events_wait.clear()
        batch, first = await asyncio.to_thread(self._batch)
        if not batch:  # they stand in the reserve still
            await asyncio.sleep(RESERVE_S)
            return
        answer = await self._client.post(f"/gateways/{self._gateway}/events", content=_body(batch, first), headers=JSON)
        answer.raise_for_status()
        acked = int(answer.json()["acked"])
        if acked < batch[0].seq and acked == self._sent:
            raise pull.PullFailed(f"the plane does not take event {batch[0].seq}, it holds {acked}")
        self._sent = acked
        self._journal.acked(acked)

    def _batch(self) -> tuple[list[Sealed], int]:
        """The next events, and the number of the oldest that there still is."""
        return self._journal.after(self._sent, BATCH_EVENTS), self._journal.first_seq()

    async def _inventory_turn(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(INVENTORY_S):
                await self._changed.wait()
        await asyncio.sleep(DEBOUNCE_S)
        self._changed.clear()
        try:
            answer = await self._client.put(f"/gateways/{self._gateway}/inventory", json=self._inventory())
            answer.raise_for_status()
        except BaseException:
            self._changed.set()
            raise


def _body(batch: list[Sealed], first_seq: int) -> bytes:
    """The batch as JSON; the records are canonical JSON already."""
    records = b",".join(b'%s,"hash":"%s"}' % (each.text[:-1], each.hash.hex().encode()) for each in batch)
    older = b',"first_seq":%d' % first_seq if first_seq > 1 else b""
    return b'{"events":[%s]%s}' % (records, older)

"""Two door processes of one site, and a real management plane between them: a person is inside for both."""

import asyncio
import re
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mgmt_api.doors import inventories
from mgmt_api.office.store import table_version
from mgmt_api.plane import Estate, Plane
from tests.gateway.test_process import RUN, Device, Gateway, broker
from tests.gateway.test_sync import until
from tests.gateway.world import HANDLE, SITE, Key
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, SITE_KEY, V1, Served

__all__ = ["broker"]
DOWN_S = 1.5  # in place of 15 s: the plane says something each 0.3 s here
HURRIED = f"import gateway.elsewhere; gateway.elsewhere.DOWN_S = {DOWN_S}\n{RUN}"
OFFICE: dict[str, dict[str, Any]] = {
    "zones/estate": {},
    "zones/building-1": {"parent": "estate", "public": True, "rules": {"passback": "hard"}},
    "schedules/always": {"windows": [{"weekday": n, "start": "00:00", "end": "24:00"} for n in range(1, 8)]},
    "profiles/all": {"number": 1, "policies": [{"schedule": "always", "zone": "building-1"}]},
    "residents/wang": {"name": "王芳"},
    "residents/li": {"name": "李雷"},
    "residents/zhao": {"name": "赵军"},
    "residents/qian": {"name": "钱进"},
}
WANG, LI, QIAN = 100, 101, 102
PHONE, ISSUER = Key(), Key()


class Link:
    """The wire between one gateway and the plane; it can be cut."""

    def __init__(self, plane_port: int) -> None:
        self.port = 0
        self.heard: dict[str, int] = {}  # how far the gateway knows who is where, and what is spent
        self._plane_port = plane_port
        self._calls: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def join(self) -> None:
        self.heard = {}
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    def _answer(self, up: asyncio.StreamReader, down: asyncio.StreamWriter) -> None:
        call = asyncio.create_task(self._carry(up, down))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _carry(self, up: asyncio.StreamReader, down: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", self._plane_port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pour(up, there[1]))
                group.create_task(self._pour(there[0], down))
        except* OSError:
            pass
        finally:
            for end in (down, there[1]):
                end.transport.abort()

    async def _pour(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            for what, after in re.findall(rb"/(whereabouts|spent)\?after=(\d+)", data):
                self.heard[what.decode()] = int(after)
            sink.write(data)
            await sink.drain()
        sink.transport.abort()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr("mgmt_api.routes.gateway.KEEPALIVE_S", 0.3)
    tokens = {"gateway-1": "gateway-token", "gateway-2": "token-of-2"}
    estate = Estate(7, SITE_KEY, tmp_path / "api", gateway_tokens=tokens, central_tokens={"central": "central-token"})
    with Served(Plane(replace(estate, site_id=SITE, issuer_key=ISSUER.private))) as running:
        with httpx2.Client(base_url=f"{running.url}{V1}", headers=CENTRAL, trust_env=False) as central:
            for path, body in OFFICE.items():
                central.put(f"/{path}", json=body).raise_for_status()
            cards = {"wang": {"card": WANG}, "li": {"card": LI, "marks": ["lead"]}}
            cards |= {"qian": {"card": QIAN, "marks": ["exempt"], "max_uses": 1}}
            for who, more in cards.items():
                card = {"resident": who, "type": "card", "format": "H10301", "facility": 7, "profiles": ["all"]}
                central.put(f"/credentials/{who}", json=card | more).raise_for_status()
            phone = {"resident": "zhao", "type": "live", "handle": HANDLE.hex(), "public_key": PHONE.public.hex()}
            body = phone | {"profiles": ["all"], "marks": ["exempt"]}
            central.put("/credentials/zhao", json=body).raise_for_status()
        yield running


@pytest.fixture
async def links(served: Served) -> AsyncIterator[tuple[Link, Link]]:
    made = Link(served.port), Link(served.port)
    for link in made:
        await link.join()
    yield made
    for link in made:
        await link.cut()


@pytest.fixture
async def gateways(tmp_path: Path, broker: int, links: tuple[Link, Link]) -> AsyncIterator[list[Gateway]]:
    made = [Gateway(tmp_path / f"g{n}", f"http://127.0.0.1:{link.port}", broker, n) for n, link in enumerate(links, 1)]
    for gateway in made:
        gateway.run = HURRIED
    await asyncio.gather(*(gateway.start() for gateway in made))
    yield made
    for gateway in made:
        gateway.end(signal.SIGKILL)


@pytest.fixture
def doors(broker: int) -> Iterator[tuple[Device, Device]]:
    devices = Device(broker, "club-1"), Device(broker, "club-2")
    yield devices
    for device in devices:
        device.close()


class Office:
    """What the plane knows."""

    def __init__(self, served: Served, http: httpx2.Client) -> None:
        self._served, self._http = served, http

    def events(self, kind: str) -> list[dict[str, Any]]:
        found = (
            self._http.get(f"{V1}/events", params={"limit": 500}, headers=CENTRAL).raise_for_status().json()["events"]
        )
        return [each for each in found if each["kind"] == kind]

    def refused(self) -> list[tuple[str, str, str]]:
        return [(each["credential"], each["door"], each["reason"]) for each in self.events("Denied")]

    def explained(self, cursor: int) -> bool:
        """Whether the gateway's explanation of its event agrees with what it did."""
        [told] = self._http.get(f"{V1}/events/{cursor}/explanation").raise_for_status().json()["answers"]
        return bool(told["agrees"])

    def whereabouts(self) -> tuple[int, set[tuple[str, bool]], list[str]]:
        told = self._http.get(f"{V1}/gateways/gateway-1/whereabouts", headers=GATEWAY).raise_for_status().json()
        return told["version"], {(row["person"], row["inside"]) for row in told["rows"]}, told["shared"]

    def spent(self) -> tuple[int, int]:
        told = self._http.get(f"{V1}/gateways/gateway-1/spent", headers=GATEWAY).raise_for_status().json()
        return told["version"], len(told["rows"])

    def visitor_pass(self) -> str:
        """For one passage into the building, which is public."""
        now = datetime.now(UTC)
        span = {"valid_from": now.isoformat(), "valid_to": (now + timedelta(hours=1)).isoformat()}
        asked = span | {"profile": "all", "host": "wang", "max_uses": 1}
        return str(self._http.post(f"{V1}/passes", json=asked, headers=CENTRAL).raise_for_status().json()["text"])

    def ready(self) -> bool:
        """Both gateways' doors are there, and decide by the whole table."""
        with self._served.plane.database.read() as session:
            online = [door["online"] for _, each in inventories(session) for door in each.get("doors", ())]
            version = table_version(session)
        adopted = {each["gateway"] for each in self.events("TableAdopted") if each["table_version"] == version}
        return online == [True, True] and len(adopted) == 2


@pytest.fixture
def office(served: Served) -> Iterator[Office]:
    with served.sign_in() as http:
        yield Office(served, http)


async def test_what_one_gateway_took_is_spent_at_the_other(
    office: Office, links: tuple[Link, Link], doors: tuple[Device, Device], gateways: list[Gateway]
) -> None:
    here, there = doors
    await until(office.ready, 30)
    code, visit = PHONE.live(time.time()), office.visitor_pass()
    shown: list[tuple[Callable[[Device], None], str]] = [
        (lambda door: door.show(code), "Replayed"),
        (lambda door: door.show(visit), "UsedUp"),
        (lambda door: door.present(QIAN), "UsedUp"),
    ]
    for n, (show, reason) in enumerate(shown, 1):
        show(here)
        await until(lambda n=n: len(here.pulses) == n)
        await until(lambda n=n: office.spent()[1] == n)
        await until(lambda: links[1].heard.get("spent", -1) >= office.spent()[0])
        show(there)
        await until(lambda n=n: len(office.events("Denied")) == n)
        refused = office.events("Denied")[-1]
        assert (refused["door"], refused["reason"]) == ("club-2", reason)
        assert await asyncio.to_thread(office.explained, refused["cursor"])
    assert not there.pulses


async def test_the_first_person_in_at_one_gateway_lets_people_in_at_the_other(
    office: Office, served: Served, links: tuple[Link, Link], doors: tuple[Device, Device], gateways: list[Gateway]
) -> None:
    here, there = doors
    with httpx2.Client(base_url=f"{served.url}{V1}", headers=CENTRAL, trust_env=False) as central:
        zone = OFFICE["zones/building-1"] | {"rules": {"first_in_s": 600}}
        central.put("/zones/building-1", json=zone).raise_for_status()
    await until(lambda: office.ready() and office.whereabouts()[2] == ["building-1"], 30)
    there.present(WANG)
    await until(lambda: office.refused() == [("wang", "club-2", "FirstPersonMissing")])
    here.present(LI)
    await until(lambda: ("li", True) in office.whereabouts()[1], 20)
    version = office.whereabouts()[0]
    await until(lambda: links[1].heard.get("whereabouts", -1) >= version, 20)
    await asyncio.sleep(1.1)  # the same card sooner is the same presentation
    there.present(WANG)
    await until(lambda: len(there.pulses) == 1)
    for event in (*office.events("Granted"), *office.events("Denied")):
        assert await asyncio.to_thread(office.explained, event["cursor"]), event


async def test_who_is_inside_for_one_gateway_is_inside_for_all_but_while_a_link_is_cut(
    office: Office, links: tuple[Link, Link], doors: tuple[Device, Device], gateways: list[Gateway]
) -> None:
    here, there = doors

    async def all_hear_of(person: str) -> None:
        await until(lambda: (person, True) in office.whereabouts()[1], 20)
        version = office.whereabouts()[0]
        await until(lambda: all(link.heard.get("whereabouts", -1) >= version for link in links), 20)

    await until(lambda: office.ready() and office.whereabouts()[2] == ["building-1"], 30)
    here.present(WANG)
    await until(lambda: len(here.pulses) == 1)
    await all_hear_of("wang")
    there.present(WANG)
    await until(lambda: office.refused() == [("wang", "club-2", "PassbackViolation")])

    await links[1].cut()
    await asyncio.sleep(DOWN_S + 0.3)
    there.present(WANG)  # nobody is refused because the network is down
    await until(lambda: len(there.pulses) == 1)
    there.present(LI)
    await until(lambda: len(there.pulses) == 2)
    gateways[1].end(signal.SIGKILL)
    await gateways[1].start()  # without the plane it still knows which zones others share
    while len(there.pulses) < 3:  # until the broker has told that the reader is there
        there.present(LI)
        await asyncio.sleep(1.1)
    here.present(WANG)  # here the link is up, and he is inside
    await until(lambda: len(office.refused()) == 2)

    await links[1].join()
    await all_hear_of("li")
    here.present(LI)
    await until(lambda: ("li", "club-1", "PassbackViolation") in office.refused())
    there.present(WANG)
    await until(lambda: office.refused().count(("wang", "club-2", "PassbackViolation")) == 2)
    assert (len(here.pulses), len(there.pulses)) == (1, 3)
    for event in (*office.events("Granted"), *office.events("Denied")):
        if (event["credential"], event["door"]) == ("wang", "club-2"):  # by what that gateway knew at each moment
            assert await asyncio.to_thread(office.explained, event["cursor"]), event

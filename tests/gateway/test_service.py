"""A read becomes an open door, with the real journal on disk."""

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from controllers.driver import CardRead, DeviceAlarm, KeyChanged, LinkState, LocalState, LockCommand, Result, TextRead
from gateway.access.generation import build
from gateway.access.mj1 import pass_signed
from gateway.access.model import AccessProfile, Credential, Row, Zone
from gateway.access.table import PermissionTable
from gateway.clock import Clock
from gateway.commands import Commands
from gateway.journal import Journal
from gateway.pen import Pen
from gateway.readers import ReaderLimits, ReaderWatch
from gateway.remote import RemoteOrder
from gateway.service import Service
from gateway.site import Site
from gateway.wire import row, rows_of
from tests.gateway.world import (
    SITE,
    Key,
    RecordingDriver,
    card_read,
    contact,
    credential,
    live_credential,
    rows,
    seen,
    site,
    text_read,
)

PHONE, ISSUER = Key(), Key()
LIMITS = ReaderLimits(repeat_text_s=0.5, repeat_card_s=0.2, slow_s=0.3)


class World:
    """The service with a journal on disk and a recording driver."""

    def __init__(
        self,
        folder: Path,
        limits: ReaderLimits = LIMITS,
        here: Site | None = None,
        more: Sequence[Row] = (),
        **journal_limits: Any,
    ) -> None:
        self.path = folder / "journal.db"
        self.clock = Clock()
        self.journal = Journal(self.path, self.clock.now, reserve_bytes=1 << 16, **journal_limits)
        self.clock.floor(self.journal.high_water)
        issuers = ({"kid": 1, "public_key": ISSUER.public.hex()},)
        office = rows(credential(100), credential(101, state="lost"), live_credential(PHONE), issuers=issuers)
        here = here or site()
        named = {(type(each), each.id) for each in more if isinstance(each, Zone | Credential | AccessProfile)}
        plain = [row(kind, body) for kind, body in rows_of(office)]
        data = build([each for each in plain if (type(each), getattr(each, "id", "")) not in named] + [*more], 5)
        self.table = PermissionTable.load(data, here.access_points, here.tz, site=SITE)
        loop = asyncio.get_running_loop()
        self.driver = RecordingDriver(lambda event: loop.call_soon_threadsafe(self.service.on_event, event) and None)
        pen = Pen(self.journal, self.clock, lambda: self.table)
        self.service = Service(here, pen, Commands([self.driver]), loop, limits=limits)
        self.journal.start()

    def read(self, event: Any) -> None:
        self.service.on_event(event)

    async def settle(self, until: Callable[[], object] | None = None) -> None:
        end = time.monotonic() + 5
        while until is not None and not until() and time.monotonic() < end:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.03)

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.path)) as db:
            found = [json.loads(text) for (text,) in db.execute("SELECT record FROM journal ORDER BY seq")]
        return [each for each in found if not kinds or each["kind"] in kinds]

    def kinds(self) -> list[str]:
        return [each["kind"] for each in self.events()]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    await asyncio.to_thread(made.journal.close)


async def test_a_known_card_opens_the_door_and_its_passage_is_written_down(world: World) -> None:
    world.read(contact(is_open=False))
    world.read(card_read(100))
    await world.settle(lambda: world.driver.signals)
    world.read(contact(is_open=True))
    world.read(contact(is_open=False))
    await world.settle()
    assert world.kinds() == ["Granted", "CommandOutcome", "Taken", "DoorClosed"]
    granted = world.events("Granted")[0]
    assert granted["door"] == "lobby"
    assert granted["access_point"] == "lobby-in"
    assert granted["credential"] == "c-100"
    assert granted["holder"] == "r-100"
    assert granted["policy"] == "residents/always"
    assert granted["freshness"] == "fresh"
    assert granted["table_version"] == 5
    assert "raw" not in granted, "whoever reads its bits can copy the card"
    lock = world.driver.locks[0]
    assert (lock.command_id, lock.device, lock.pulse_ms) == (granted["command_id"], "lobby-1", 300)
    assert world.events("CommandOutcome")[0]["reason"] == "Done"
    assert world.driver.signals == [("lobby-1", "granted")]


async def test_a_grant_is_on_the_disk_before_its_command_leaves(world: World) -> None:
    found: list[bool] = []

    def look(command: LockCommand) -> None:
        with closing(sqlite3.connect(world.path)) as db:
            texts = [text for (text,) in db.execute("SELECT record FROM journal")]
        found.append(any(command.command_id.encode() in text for text in texts))

    world.driver.on_lock = look
    for card in range(5):
        world.read(card_read(100))
        await asyncio.sleep(0.21 + card * 0.001)
    await world.settle(lambda: len(found) == 5)
    assert found == [True] * 5


async def test_an_unknown_card_is_refused_at_once_and_written_down(world: World) -> None:
    world.read(card_read(999))
    assert world.driver.signals == [("lobby-1", "denied")]
    await world.settle(world.kinds)
    assert world.events()[0]["reason"] == "CredentialNotFound"
    assert world.events()[0]["raw"].startswith("26:"), "somebody may have to register it"
    assert not world.driver.locks


async def test_a_lost_card_names_its_holder_and_stays_outside(world: World) -> None:
    world.read(card_read(101))
    await world.settle(world.kinds)
    assert (world.events()[0]["reason"], world.events()[0]["holder"]) == ("CredentialNotEnabled", "r-101")
    assert "raw" not in world.events()[0]
    assert not world.driver.locks


@pytest.mark.parametrize(
    ("bits", "count", "reason"), [(0, 34, "UnknownFormat"), (0, 26, "Malformed"), (0, 0, "UnknownFormat")]
)
async def test_bits_of_no_card_are_refused(world: World, bits: int, count: int, reason: str) -> None:
    world.read(CardRead("lobby-1", bits, count, seen()))
    await world.settle(world.kinds)
    assert world.events()[0]["reason"] == reason


async def test_a_live_code_opens_once(world: World) -> None:
    text = PHONE.live(time.time())
    world.read(text_read(text))
    await world.settle(lambda: world.driver.locks)
    world.read(text_read(text))  # the scanner sees it still
    await asyncio.sleep(0.55)
    world.read(text_read(text))  # somebody shows a picture of it
    await world.settle(lambda: len(world.events("Denied")) == 1)
    assert len(world.driver.locks) == 1
    assert len(world.events("Granted")) == 1
    assert world.events("Granted")[0]["raw"] == "0102030405060708"
    assert world.events("Denied")[0]["reason"] == "Replayed"


async def test_a_card_for_one_passage_is_used_up_across_a_restart_and_its_age_is_written_down(tmp_path: Path) -> None:
    confirmed = int(time.time()) - 20 * 86_400
    once = [row("credential", credential(7, max_uses=1, refreshed_at=confirmed))]
    first = World(tmp_path, more=once)
    first.read(card_read(7))
    await first.settle(lambda: first.driver.locks)
    await asyncio.to_thread(first.journal.close)
    again = World(tmp_path, more=once)
    again.read(card_read(7))
    await again.settle(lambda: again.events("Denied"))
    granted, denied = again.events("Granted", "Denied")
    assert denied["reason"] == "UsedUp"
    assert not again.driver.locks
    assert (granted["freshness"], granted["age_s"]) == ("stale", pytest.approx(20 * 86_400, abs=60))
    await asyncio.to_thread(again.journal.close)


async def test_a_live_code_is_not_accepted_again_after_a_restart(world: World, tmp_path: Path) -> None:
    text = PHONE.live(time.time())
    world.read(text_read(text))
    await world.settle(lambda: world.driver.locks)
    await asyncio.to_thread(world.journal.close)
    again = World(tmp_path)
    again.read(text_read(text))
    await again.settle(lambda: again.events("Denied"))
    assert again.events("Denied")[0]["reason"] == "Replayed"
    await asyncio.to_thread(again.journal.close)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (lambda: Key().live(time.time()), "BadSignature"),
        (lambda: PHONE.live(time.time(), site=1), "WrongSite"),
        (lambda: PHONE.live(time.time() - 40), "CodeExpired"),
        (lambda: PHONE.live(time.time() + 40), "CodeFromFuture"),
        (lambda: PHONE.live(time.time(), door=2), "WrongDoor"),
        (lambda: "13800138000", "Malformed"),
        (lambda: "MJ1:' OR 1=1 --", "Malformed"),
        (lambda: "", "Malformed"),
    ],
)
async def test_a_bad_code_is_refused_with_its_reason(world: World, text: Callable[[], str], reason: str) -> None:
    world.read(text_read(text()))
    await world.settle(world.kinds)
    assert world.events()[0]["reason"] == reason
    assert not world.driver.locks


async def test_a_visitor_pass_opens_public_doors_as_often_as_it_says(world: World) -> None:
    now = int(time.time())
    text = ISSUER.text(pass_signed(1, b"visitor1", SITE, now - 10, now + 600, 2, 1))
    world.read(TextRead("club-1", text, seen()))
    await world.settle(lambda: world.driver.locks)
    await asyncio.sleep(0.5)
    world.read(TextRead("club-1", text, seen()))
    world.read(TextRead("scan-1", text, seen()))
    await world.settle(lambda: len(world.events("Denied")) == 2)
    assert world.events("Denied")[0]["reason"] == "UsedUp"
    assert len(world.driver.locks) == 1


async def test_the_text_of_a_code_is_written_nowhere(world: World) -> None:
    text = PHONE.live(time.time())
    world.read(text_read(text))
    world.read(text_read("13800138000"))
    await world.settle(lambda: len(world.kinds()) >= 3)
    stored = b"".join(each.read_bytes() for each in world.path.parent.iterdir() if each.is_file())
    assert text[10:60].encode() not in stored
    assert b"13800138000" not in stored


async def test_one_presentation_is_one_event_and_one_unlock(world: World) -> None:
    for _ in range(6):
        world.read(card_read(100))
    text = PHONE.live(time.time())
    for _ in range(6):
        world.read(text_read(text))
    await world.settle(lambda: len(world.driver.locks) == 2)
    assert len(world.driver.locks) == 2
    assert len(world.events("Granted")) == 2


async def test_a_read_that_waited_in_the_device_opens_nothing(world: World) -> None:
    world.read(card_read(100, stale=True))
    world.read(card_read(100, ago_s=3.0))
    await world.settle(lambda: len(world.kinds()) == 2)
    assert world.kinds() == ["StaleRead", "StaleRead"]
    assert not world.driver.commands


async def test_five_refusals_in_a_row_raise_an_alarm_and_slow_that_reader_alone(world: World) -> None:
    for card in range(200, 205):
        world.read(card_read(card))
    world.read(card_read(100))  # too soon now
    world.read(card_read(100, reader="club-1"))  # another reader goes on: no right there, but decided
    await world.settle(lambda: len(world.events("Denied")) == 7)
    alarm = world.events("ReaderAlarm")
    assert [(each["reader"], each["detail"]) for each in alarm] == [("lobby-1", {"refused": 5})]
    reasons = [(each["reader"], each["reason"]) for each in world.events("Denied")]
    assert reasons[5:] == [("lobby-1", "ReaderThrottled"), ("club-1", "Unauthorized")]
    await asyncio.sleep(0.3)
    world.read(card_read(100))
    await world.settle(lambda: world.driver.locks)
    assert len(world.driver.locks) == 1


async def test_a_grant_ends_the_row_of_refusals(world: World) -> None:
    for card in (200, 201, 202, 203, 100, 204, 205, 206, 207):
        world.read(card_read(card))
    await world.settle(lambda: len(world.events("Denied")) == 8)
    assert not world.events("ReaderAlarm")


async def test_a_flood_of_reads_is_a_few_events(tmp_path: Path) -> None:
    world = World(tmp_path, ReaderLimits(per_s=20))
    for card in range(1000):
        world.read(card_read(1000 + card))
    await world.settle(lambda: world.kinds())
    assert len(world.events()) <= 30
    await asyncio.to_thread(world.journal.close)


async def test_a_door_that_cannot_be_written_down_stays_shut(tmp_path: Path) -> None:
    (tmp_path / "journal.db").mkdir()
    journal = World(tmp_path, retry_s=60)
    for number in range(700):  # the reserve of 64 KiB fills up
        journal.read(card_read(1000 + number))
        journal.service._reads._watches["lobby-1"] = ReaderWatch(LIMITS)
    await journal.settle()
    journal.read(card_read(100))
    await journal.settle(lambda: ("lobby-1", "denied") in journal.driver.signals)
    assert not journal.driver.locks
    assert journal.driver.signals[-1] == ("lobby-1", "denied")
    await asyncio.to_thread(journal.journal.close)


@pytest.mark.parametrize("result", [Result.REFUSED, Result.EXPIRED, Result.UNKNOWN])
async def test_the_outcome_of_a_command_is_written_down(world: World, result: Result) -> None:
    world.driver.answer = result
    world.read(contact(is_open=False))
    world.read(card_read(100))
    await world.settle(lambda: world.events("CommandOutcome"))
    outcome = world.events("CommandOutcome")[0]
    assert (outcome["reason"], outcome["command_id"]) == (result, world.events("Granted")[0]["command_id"])
    expected = [("lobby-1", "granted")] if result is Result.UNKNOWN else [("lobby-1", "granted"), ("lobby-1", "denied")]
    assert world.driver.signals == expected


def order(**changes: Any) -> RemoteOrder:
    fields = {"command_id": "order-1", "door": "lobby", "operator": "wang", "reason": "courier"}
    return RemoteOrder(**(fields | {"expires_at": time.time() + 5} | changes))


async def test_a_remote_unlock_is_written_down_with_its_operator_and_then_done(world: World) -> None:
    world.service.order(order())
    await world.settle(lambda: world.events("CommandOutcome"))
    assert world.kinds() == ["RemoteUnlock", "CommandOutcome"]
    remote, outcome = world.events()
    assert (remote["operator"], remote["reason"], remote["command_id"]) == ("wang", "courier", "order-1")
    assert (outcome["reason"], outcome["operator"], outcome["command_id"]) == ("Done", "wang", "order-1")
    assert world.driver.locks[0].command_id == "order-1"


async def test_an_expired_remote_unlock_is_dropped_and_says_so(world: World) -> None:
    world.service.order(order(expires_at=time.time() - 0.1))
    await world.settle(world.kinds)
    assert [(each["kind"], each["reason"]) for each in world.events()] == [("CommandOutcome", "Expired")]
    assert not world.driver.locks


async def test_a_remote_unlock_of_no_door_is_refused(world: World) -> None:
    world.service.order(order(door="nowhere"))
    await world.settle(world.kinds)
    assert [(each["kind"], each["reason"]) for each in world.events()] == [("CommandOutcome", "Refused")]


async def test_a_remote_unlock_is_done_once_even_across_a_restart(world: World, tmp_path: Path) -> None:
    world.service.order(order())
    world.service.order(order())
    await world.settle(lambda: world.driver.locks)
    await asyncio.to_thread(world.journal.close)
    again = World(tmp_path)
    again.service.order(order())
    await again.settle()
    assert len(world.driver.locks) == 1
    assert not again.driver.locks
    assert len(again.events("RemoteUnlock")) == 1
    await asyncio.to_thread(again.journal.close)


async def test_a_forced_door_and_a_held_door_are_events(world: World) -> None:
    world.read(contact(is_open=False))
    world.read(contact(is_open=True))
    await world.settle(world.kinds)
    world.read(contact(is_open=False))
    world.read(card_read(100))
    await world.settle(lambda: world.driver.locks)
    world.read(contact(is_open=True))
    for _ in range(9):
        await asyncio.sleep(0.1)
        world.service.tick()
    await world.settle(lambda: world.events("DoorOpenTooLong"))
    assert world.kinds() == [
        "DoorForcedOpen", "DoorClosed", "Granted", "CommandOutcome", "Taken", "DoorOpenTooLong"
    ]  # fmt: skip
    assert ("lobby-1", "held") in world.driver.signals
    assert world.events("DoorClosed")[0]["reason"] == "DoorForcedOpen"


async def test_a_door_not_taken_is_an_event(world: World) -> None:
    world.read(contact(is_open=False))
    world.read(card_read(100))
    for _ in range(6):
        await asyncio.sleep(0.1)
        world.service.tick()
    await world.settle(lambda: world.events("NotTaken"))
    assert world.kinds() == ["Granted", "CommandOutcome", "NotTaken"]


async def test_links_and_devices_are_written_down_when_they_change(world: World) -> None:
    for up in (True, True, False, False, True):
        world.read(LinkState("lobby-1", up, up, "why", seen()))
    world.read(LocalState("lobby-1", tamper=True, power_fault=False, seen=seen()))
    world.read(LocalState("lobby-1", tamper=True, power_fault=True, seen=seen()))
    world.read(LocalState("lobby-1", tamper=False, power_fault=True, seen=seen()))
    await world.settle(lambda: len(world.kinds()) == 6)
    assert world.kinds() == ["LinkUp", "LinkDown", "LinkUp", "Tamper", "PowerFault", "Tamper"]
    assert not world.driver.commands


async def test_alarms_and_new_keys_of_devices_are_written_down(world: World) -> None:
    world.read(DeviceAlarm("lobby-1", "answers with the public default key", seen()))
    world.read(KeyChanged("lobby-1", seen()))
    await world.settle(lambda: len(world.kinds()) == 2)
    assert world.kinds() == ["DeviceAlarm", "KeyChanged"]
    assert not world.driver.commands


async def test_a_lost_link_is_no_forced_door(world: World) -> None:
    world.read(contact(is_open=False))
    world.read(LinkState("lobby-1", True, True, "", seen()))
    world.read(LinkState("lobby-1", False, False, "silent", seen()))
    assert world.service.doors.state("lobby").open is None
    world.read(contact(is_open=True))
    await world.settle(lambda: len(world.kinds()) == 2)
    assert "DoorForcedOpen" not in world.kinds()

"""ID cards, PINs, unsupported reads and the devices' own records, with the real journal on disk."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controllers.driver import CardRead, DeviceRecord, IdCardRead, KeyRead, Result, UnsupportedRead
from gateway.access.generation import build
from gateway.access.identifier import identifier_key
from gateway.access.model import Row
from gateway.access.table import PermissionTable
from gateway.home_assistant import unlocker, views
from gateway.keypad import LONGEST, Keypads
from gateway.wire import row, rows_of
from tests.gateway.test_service import World
from tests.gateway.world import SITE, SITE_KEY, card_read, credential, rows, seen, site
from tests.telling import told

ID_KEY = identifier_key(SITE_KEY, "idcard", "GB11643", "11010519491231002X")
PIN_KEY = identifier_key(SITE_KEY, "pin", "PIN", "2468")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    office: list[Row] = [row(kind, body) for kind, body in rows_of(rows(
        credential(100),
        credential(1, id="id-1", key=ID_KEY.hex(), type="idcard"),
        credential(2, id="pin-1", key=PIN_KEY.hex(), type="pin"),
    ))]  # fmt: skip
    here = site()
    made.table = PermissionTable.load(build(office, 6), here.access_points, here.tz, site=SITE)
    yield made
    made.journal.close()


async def opened(world: World, count: int = 1) -> None:
    await world.settle(lambda: len(world.events("CommandOutcome")) == count)


async def test_an_id_card_opens_by_its_key_and_leaves_no_number(world: World) -> None:
    world.read(IdCardRead("lobby-1", ID_KEY, seen()))
    await opened(world)
    granted = world.events("Granted")[0]
    assert (granted["credential"], granted["credential_type"]) == ("id-1", "idcard")
    assert "raw" not in granted
    assert len(world.driver.locks) == 1


async def test_an_unknown_id_card_and_a_stale_one_open_nothing(world: World) -> None:
    world.read(IdCardRead("lobby-1", b"\x01" * 16, seen()))
    world.read(IdCardRead("lobby-1", ID_KEY, seen(stale=True)))
    await world.settle(lambda: len(world.kinds()) == 2)
    assert world.kinds() == ["Denied", "StaleRead"]
    assert not world.driver.locks


async def test_a_pin_opens_when_it_is_typed_to_its_end(world: World) -> None:
    for key in "2468":
        world.read(KeyRead("lobby-1", key, seen()))
    await world.settle()
    assert not world.kinds()
    world.read(KeyRead("lobby-1", "#", seen()))
    await opened(world)
    assert world.events("Granted")[0]["credential"] == "pin-1"
    assert not told("2468", str(world.events("Granted")[0]))


async def test_a_wrong_pin_says_so_and_five_of_them_raise_an_alarm(world: World) -> None:
    for number in range(5):
        world.read(KeyRead("lobby-1", f"135{number}#", seen()))
    await world.settle(lambda: "ReaderAlarm" in world.kinds())
    assert {each["reason"] for each in world.events("Denied")} == {"InvalidPIN"}
    assert "135" not in str(world.events("Denied"))


async def test_a_pin_that_waited_in_its_device_opens_nothing(world: World) -> None:
    world.read(KeyRead("lobby-1", "24", seen(stale=True)))
    world.read(KeyRead("lobby-1", "68#", seen()))
    world.read(KeyRead("lobby-1", "2468#", seen(stale=True)))
    await world.settle(lambda: len(world.kinds()) == 2)
    assert sorted(world.kinds()) == ["Denied", "StaleRead"]


def test_a_star_or_a_pause_begins_an_entry_anew_and_none_grows_for_ever() -> None:
    keypads = Keypads(pause_s=1.0)
    typed = [KeyRead("k", "12*34#", seen()), KeyRead("k", "9", seen(ago_s=5)), KeyRead("k", "8#", seen())]
    assert [entry.digits for read in typed for entry in keypads.entries(read)] == ["34", "8"]
    assert [len(entry.digits) for entry in keypads.entries(KeyRead("k", "7" * 999 + "#", seen()))] == [LONGEST]
    assert not list(keypads.entries(KeyRead("k", "##", seen())))
    typed_now = next(keypads.entries(KeyRead("k", "86420975#", seen())))
    assert "86420975" not in repr(typed_now)


async def test_what_no_decision_can_use_is_told(world: World) -> None:
    world.read(UnsupportedRead("lobby-1", "fingerprint", seen()))
    await world.settle(lambda: world.kinds())
    assert world.events("Denied")[0]["reason"] == "UnknownFormat"
    assert world.events("Denied")[0]["raw"] == "fingerprint"


async def test_an_unchecked_frame_is_a_plain_number_even_at_a_secure_reader(world: World) -> None:
    sound = card_read(100)
    shown = world.service._records._identifier.card(
        CardRead("lobby-1", sound.bits, sound.bit_count, seen(), checked=False), world.service._pen.table()
    )
    assert getattr(shown.presented, "assurance", None) == 0


def record(number: str, told: list[str], **fields: object) -> DeviceRecord:
    read = card_read(100)
    return DeviceRecord(
        "club-1", "club-1", number, True, "by its own list", seen(), time.time() - 60, read.bits, read.bit_count,
        stored=lambda: told.append(number),
    )  # fmt: skip


async def test_a_devices_own_record_is_written_once_named_and_then_acknowledged(world: World) -> None:
    told: list[str] = []
    for _ in range(2):
        world.read(record("r1", told))
    await world.settle(lambda: told)
    world.read(record("r1", told))
    assert told == ["r1", "r1"]  # it came again since our receipt got lost: it is told again that it is durable
    await world.settle()
    events = world.events("DeviceRecord")
    assert len(events) == 1
    assert (events[0]["credential"], events[0]["door"], events[0]["detail"]["granted"]) == ("c-100", "club", True)
    assert "raw" not in events[0]
    assert events[0]["occurred_at"] < time.time() - 30
    assert not world.driver.locks


async def test_a_record_is_remembered_over_a_restart(world: World) -> None:
    told: list[str] = []
    world.read(record("r1", told))
    await world.settle(lambda: told)
    world.journal.close()
    again = World(world.path.parent)
    again.read(record("r1", told))
    await again.settle(lambda: len(told) == 2)
    assert not again.events("DeviceRecord")[1:]
    again.journal.close()


async def test_a_record_that_cannot_be_written_is_not_acknowledged(tmp_path: Path) -> None:
    world, told = World(tmp_path, queue_limit=0), list[str]()
    world.read(record("r1", told))
    await world.settle()
    assert not told
    world.journal.close()


async def test_home_assistant_sees_doors_and_asks_as_an_operator(world: World) -> None:
    assert {view.name: view.locked for view in views(world.service)} == {"lobby": None, "club": None}
    await asyncio.to_thread(unlocker(asyncio.get_running_loop(), world.clock, world.service.order), "club")
    await opened(world)
    assert world.events("RemoteUnlock")[0]["operator"] == "home-assistant"
    assert world.events("CommandOutcome")[0]["reason"] == Result.DONE

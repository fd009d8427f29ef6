"""Keys that change and blank readers, in virtual time, against libosdp's peripheral, and in the vault."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import pytest

from controllers import vault
from controllers.driver import CardRead, DeviceAlarm, DeviceEvent, KeyChanged, LinkState, Outcome, Result
from controllers.errors import BadSetup
from controllers.osdp_bus import OsdpBus, OsdpReader
from controllers.osdp_command import KeyCommand
from controllers.osdp_driver import OsdpBusDriver
from controllers.osdp_message import Code, Nak, Reply
from controllers.osdp_secure import COMMAND_DATA
from tests.controllers.line import KEY, Ear, peripherals, running
from tests.controllers.virtual import DEFAULT_KEY, VirtualLine, VirtualReader

NEW = bytes.fromhex("a1b2c3d4e5f60718293a4b5c6d7e8f90")
CARD = (Reply.RAW, bytes.fromhex("00011a00bd88eb80"))
Event = TypeVar("Event", bound=DeviceEvent)


def events(line: VirtualLine, kind: type[Event]) -> list[Event]:
    return cast("list[Event]", line.all(kind))


def rebuilt(line: VirtualLine, *keys: bytes) -> None:
    """The panel was killed and starts again with what its vault holds."""
    reader = OsdpReader("r1", 1, keys[0], keys[1] if len(keys) > 1 else None)
    line.bus = OsdpBus(115200, [reader], line.events.append, wall=lambda: 0.0)


def up(line: VirtualLine, wait_s: float = 2.0) -> bool:
    line.run(wait_s)
    return line.bus.device("r1").online


def test_a_key_changes_inside_the_channel_and_the_session_starts_anew() -> None:
    line = VirtualLine([VirtualReader(1)])
    assert up(line)
    line.bus.submit(KeyCommand("k", "r1", NEW, line.now + 5), line.now)
    assert up(line)
    assert line.readers[0].key == NEW
    assert [(outcome.command_id, outcome.result) for outcome in events(line, Outcome)] == [("k", Result.DONE)]
    assert len(events(line, KeyChanged)) == 1
    assert NEW not in b"".join(frame.data for _, frame in line.sent)
    rebuilt(line, NEW)
    assert up(line)


@pytest.mark.parametrize("has", [KEY, NEW])
def test_after_a_crash_between_both_keys_are_good_and_the_change_is_finished(has: bytes) -> None:
    line = VirtualLine([VirtualReader(1, key=has)])
    rebuilt(line, KEY, NEW)
    assert up(line, 4)
    assert line.readers[0].key == NEW
    assert len(events(line, KeyChanged)) == 1


@pytest.mark.parametrize("lost", range(6))
def test_whatever_answer_is_lost_the_reader_keeps_a_key_that_we_have(lost: int) -> None:
    line = VirtualLine([VirtualReader(1)])
    assert up(line)
    line.bus.submit(KeyCommand("k", "r1", NEW, line.now + 5), line.now)
    count = iter(range(10**6))
    line.hurt = lambda answer: [] if next(count) in (lost, lost + 1, lost + 2) else [answer]
    assert up(line, 6)
    assert line.readers[0].key == NEW
    assert len(events(line, KeyChanged)) == 1


def test_a_reader_that_refuses_a_key_keeps_the_old_one() -> None:
    line = VirtualLine([VirtualReader(1, naks={Code.KEYSET: Nak.RECORD})])
    assert up(line)
    line.bus.submit(KeyCommand("k", "r1", NEW, line.now + 5), line.now)
    assert up(line)
    assert events(line, Outcome)[0].result is Result.REFUSED
    assert not events(line, KeyChanged)


def test_a_blank_reader_gets_our_key_only_inside_the_window() -> None:
    reader = VirtualReader(1, blank=True)
    reader.events.append(CARD)
    line = VirtualLine([reader])
    assert not up(line, 5)
    assert len(events(line, DeviceAlarm)) == 1
    assert not any(frame.code == Code.KEYSET for _, frame in line.sent)
    line.bus.open_installation("r1", line.now + 60)
    assert up(line, 4)
    assert (reader.key, reader.blank) == (KEY, False)
    assert len(events(line, DeviceAlarm)) == 1
    assert [frame.security[0] for _, frame in line.sent if frame.code == Code.KEYSET] == [COMMAND_DATA]
    assert len(events(line, CardRead)) == 1
    reader.blank = True
    reader.forget()
    assert not up(line, 5)  # the window closed behind it
    assert reader.blank
    line.run(60)
    assert len(events(line, DeviceAlarm)) > 1  # it is told again, once a minute


def test_nothing_but_our_key_is_said_under_the_default_key() -> None:
    reader = VirtualReader(1, blank=True, naks={Code.KEYSET: Nak.RECORD})
    reader.events.append(CARD)
    line = VirtualLine([reader])
    line.bus.open_installation("r1", line.now + 3)
    line.run(10)
    assert not events(line, CardRead)
    assert not any(event.up for event in events(line, LinkState))
    assert {code for _, code, _ in reader.heard} <= {Code.KEYSET}


def test_a_window_that_closed_is_closed() -> None:
    reader = VirtualReader(1, blank=True)
    line = VirtualLine([reader])
    reader.cut = True
    line.bus.open_installation("r1", line.now + 1)
    line.run(2)
    reader.cut = False
    assert not up(line, 5)
    assert reader.blank


def test_a_reader_with_a_key_is_not_given_another_in_an_open_window() -> None:
    reader = VirtualReader(1, key=NEW)
    line = VirtualLine([reader])
    line.bus.open_installation("r1", line.now + 60)
    assert not up(line, 5)
    assert reader.key == NEW


# --- against libosdp ------------------------------------------------------------------------------------------------


def bus(port: str, ear: Ear, path: Path) -> OsdpBusDriver:
    keys = vault.load_keys(path)
    return OsdpBusDriver("bus", port, 115200, [OsdpReader("r1", 1, keys["r1"])], ear, vault=path)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    path.touch(0o600)
    path.write_text(json.dumps({"r1": KEY.hex()}), encoding="utf-8")
    return path


def test_libosdps_reader_changes_its_key(keys: Path) -> None:
    ear = Ear()
    with peripherals({"address": 1, "scbk": KEY.hex()}) as (peer, port), running(driver := bus(port, ear, keys)):
        ear.wait(LinkState, lambda event: event.up)
        driver.rotate_key("r1", "k1")
        assert ear.wait(Outcome).result is Result.DONE
        peer.expect("command", "keyset")
        ear.wait(KeyChanged)
        ear.wait(LinkState, lambda event: event.up)
        time.sleep(0.2)
        peer.tell(do="card", pd=0, bits=5, count=26)
        assert ear.wait(CardRead).bits == 5
    assert vault.load_next_keys(keys) == {}
    assert vault.load_keys(keys)["r1"] != KEY


def test_libosdps_blank_reader_is_installed_inside_the_window_alone(keys: Path) -> None:
    ear = Ear()
    blank = {"address": 1, "scbk": None, "install": True, "plain": True}
    with peripherals(blank) as (peer, port), running(driver := bus(port, ear, keys)):
        time.sleep(1.5)
        assert not any(event.up for event in ear.all(LinkState))
        assert not [line for line in peer.rest() if line.get("command") == "keyset"]
        driver.open_installation("r1", 30)
        assert ear.wait(LinkState, lambda event: event.up, 8).secure
        assert [line for line in peer.rest() if line.get("command") == "keyset"]
        time.sleep(0.2)
        peer.tell(do="card", pd=0, bits=5, count=26)
        assert not ear.wait(CardRead).seen.stale


@pytest.mark.parametrize(
    "order",
    [
        lambda driver: driver.open_installation("nobody", 60),
        lambda driver: driver.open_installation("r1", 86400),
        lambda driver: driver.rotate_key("nobody", "k"),
        lambda driver: driver.rotate_key("r1", "k"),
    ],
)
def test_an_order_that_cannot_be_is_refused(order: Callable[[OsdpBusDriver], None]) -> None:
    driver = OsdpBusDriver("bus", "/nowhere", 115200, [OsdpReader("r1", 1, KEY)], lambda _: None)
    with pytest.raises(BadSetup):
        order(driver)


# --- the vault ------------------------------------------------------------------------------------------------------


def test_the_vault_keeps_both_keys_until_the_new_one_is_proved(keys: Path) -> None:
    new = vault.prepare_key(keys, "r1")
    assert vault.load_keys(keys) == {"r1": KEY}
    assert vault.load_next_keys(keys) == {"r1": new}
    assert vault.prepare_key(keys, "r1") == new  # a second attempt is of the same key
    assert vault.create_keys(keys, ["r1", "r2"])["r1"] == KEY
    assert vault.load_next_keys(keys) == {"r1": new}
    vault.confirm_key(keys, "r1")
    vault.confirm_key(keys, "r1")
    assert vault.load_keys(keys)["r1"] == new
    assert vault.load_next_keys(keys) == {}
    assert keys.stat().st_mode & 0o777 == 0o600
    with pytest.raises(BadSetup):
        vault.prepare_key(keys, "nobody")


@pytest.mark.parametrize(
    "entry", [{"key": KEY.hex()}, {"next": KEY.hex()}, {"key": KEY.hex(), "next": DEFAULT_KEY.hex()}]
)
def test_half_an_entry_or_a_weak_next_key_is_refused(keys: Path, entry: dict[str, str]) -> None:
    keys.write_text(json.dumps({"r1": entry}), encoding="utf-8")
    with pytest.raises(BadSetup):
        vault.load_keys(keys)

"""The OSDP panel against libosdp's C peripherals (an independent implementation) over a pseudo-terminal."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from controllers.driver import (
    CardRead,
    FeedbackCommand,
    InputState,
    KeyRead,
    LinkState,
    LocalState,
    LockAction,
    LockCommand,
    Outcome,
    Result,
    Signal,
)
from controllers.osdp_driver import OsdpBusDriver, OsdpReader
from tests.controllers.line import KEY, Ear, outcome, peripherals, pulse, running
from tests.controllers.osdp_site import BAUD, Site

OTHER_KEY = bytes.fromhex("00112233445566778899aabbccddeef0")


@pytest.mark.parametrize(
    ("action", "code", "tenths", "ms"),
    [
        (LockAction.RELEASE, 2, 0, 0),
        (LockAction.SECURE, 1, 0, 0),
        (LockAction.PULSE, 5, 1, 1),
        (LockAction.PULSE, 5, 300, 30000),  # over 25.5 s: both bytes of the timer are used
    ],
)
def test_a_lock_gets_the_control_code_of_its_action(
    site: Site, action: LockAction, code: int, tenths: int, ms: int
) -> None:
    command = LockCommand("c", "r1", 1, action, time.monotonic() + 2, ms)
    site.driver.submit(command)
    assert outcome(site.ear, command).result is Result.DONE
    (line,) = site.commands("output")
    assert (line["output_no"], line["control_code"], line["timer_count"]) == (1, code, tenths)


def test_an_output_that_the_reader_has_not_is_refused_without_asking_it(site: Site) -> None:
    command = LockCommand("c", "r1", 7, LockAction.RELEASE, time.monotonic() + 2)
    site.driver.submit(command)
    assert outcome(site.ear, command).result is Result.REFUSED
    assert not site.commands("output")


@pytest.mark.parametrize(("signal", "color", "beeps"), [(Signal.GRANTED, 2, 1), (Signal.DENIED, 1, 2)])
def test_a_person_sees_and_hears_the_answer(site: Site, signal: Signal, color: int, beeps: int) -> None:
    command = FeedbackCommand("f", "r1", signal, time.monotonic() + 2)
    site.driver.submit(command)
    assert outcome(site.ear, command).result is Result.DONE
    lines = site.peer.rest()
    assert [line["on_color"] for line in lines if line.get("command") == "led"] == [color]
    assert [line["rep_count"] for line in lines if line.get("command") == "buzzer"] == [beeps]


def test_inputs_keys_and_tamper_are_told(site: Site, ear: Ear) -> None:
    site.peer.tell(do="inputs", pd=0, levels=[1, 0])
    assert ear.wait(InputState).active == (True, False)
    site.peer.tell(do="keys", pd=0, text="12#")
    assert ear.wait(KeyRead).keys == "12#"
    site.peer.tell(do="tamper", pd=0, levels=[1, 0])
    assert ear.wait(LocalState, lambda event: event.tamper).device == "r1"


def test_what_the_reader_can_do_is_known_once_it_is_on_line(site: Site) -> None:
    has = site.driver.devices()["r1"]
    assert (has.cards, has.inputs, has.outputs, has.feedback, has.secure) == (True, 2, 2, True, True)


def test_a_refused_command_is_refused_and_the_reader_stays_on_line(site: Site, ear: Ear) -> None:
    site.peer.tell(do="refuse", pd=0, on=True)
    command = pulse("r1")
    site.driver.submit(command)
    assert outcome(ear, command).result is Result.REFUSED
    site.card()
    assert not ear.wait(CardRead).seen.stale
    assert not ear.all(LinkState)


def test_a_cut_cable_is_noticed_and_its_return_within_seconds(site: Site, ear: Ear) -> None:
    for life in (2, 3):
        site.peer.tell(do="cut")
        cut_at = time.monotonic()
        lost = ear.wait(LinkState, lambda event: not event.up)
        assert lost.seen.mono_s - cut_at < 10
        time.sleep(1.5)
        site.peer.tell(do="join")
        joined_at = time.monotonic()
        back = site.up()
        assert back.seen.mono_s - joined_at < 10
        assert back.seen.epoch == life


def test_a_card_shown_while_the_cable_was_cut_is_stale(site: Site, ear: Ear) -> None:
    site.peer.tell(do="cut")
    ear.wait(LinkState, lambda event: not event.up)
    site.card(1)
    site.card(2)
    site.peer.tell(do="join")
    site.up()
    assert [ear.wait(CardRead).seen.stale for _ in range(2)] == [True, True]
    time.sleep(0.1)
    site.card(3)
    assert not ear.wait(CardRead).seen.stale


def test_no_command_is_executed_late(site: Site, ear: Ear) -> None:
    site.peer.tell(do="cut")
    site.peer.rest()
    first = pulse("r1", "first", within_s=1)
    site.driver.submit(first)
    assert outcome(ear, first).result in (Result.UNKNOWN, Result.EXPIRED)  # in flight, or behind a poll in flight
    waiting = pulse("r1", "waiting", within_s=0.3)
    site.driver.submit(waiting)
    assert outcome(ear, waiting).result is Result.EXPIRED
    late = pulse("r1", "late", within_s=-1)
    site.driver.submit(late)
    assert outcome(ear, late).result is Result.EXPIRED
    site.peer.tell(do="join")
    site.up()
    time.sleep(0.5)
    assert not site.commands("output")


def test_a_command_that_still_has_time_goes_out_on_return(site: Site, ear: Ear) -> None:
    site.peer.tell(do="cut")
    ear.wait(LinkState, lambda event: not event.up)
    command = pulse("r1", within_s=4)
    site.driver.submit(command)
    site.peer.tell(do="join")
    assert outcome(ear, command).result is Result.DONE
    assert len(site.commands("output")) == 1


@pytest.mark.parametrize(
    ("key", "pd"),
    [
        (OTHER_KEY, {}),
        (KEY, {"scbk": None, "install": True, "plain": True}),
        (KEY, {"scbk": None, "plain": True}),
    ],
    ids=["wrong key", "blank reader", "plaintext reader"],
)
def test_a_reader_without_our_key_stays_off_line_and_its_cards_unread(
    make: Callable[..., Site], ear: Ear, key: bytes, pd: dict[str, Any]
) -> None:
    site = make(key, **pd)
    assert not ear.wait(LinkState, lambda event: event.reason == "reader holds another key").up
    command = pulse("r1", within_s=1)
    site.driver.submit(command)
    site.card()
    assert outcome(ear, command).result is Result.EXPIRED
    time.sleep(0.5)
    assert not ear.all(CardRead)
    assert not any(event.up for event in ear.all(LinkState))
    assert not {"output", "keyset"} & {line.get("command") for line in site.peer.rest()}


def test_a_vanished_port_is_a_lost_link(site: Site, ear: Ear) -> None:
    site.peer.process.kill()
    assert not ear.wait(LinkState, lambda event: not event.up).up
    command = pulse("r1")
    site.driver.submit(command)
    assert outcome(ear, command).result is Result.EXPIRED


def test_four_readers_share_a_line_and_a_dead_one_hardly_slows_them(ear: Ear) -> None:
    pds = [{"address": address, "scbk": KEY.hex()} for address in (1, 2, 3)]
    with peripherals(*pds, baud=BAUD) as (peer, port):
        readers = [OsdpReader(f"r{address}", address, KEY) for address in (1, 2, 3, 9)]
        driver = OsdpBusDriver("bus", port, BAUD, readers, ear)
        with running(driver):
            for address in (1, 2, 3):
                ear.wait(LinkState, lambda event, name=f"r{address}": event.device == name and event.up)  # type: ignore[misc] # bound at once
            earlier, began = driver.counters(), time.monotonic()
            for number in range(40):
                command = pulse(f"r{number % 3 + 1}", f"c{number}")
                driver.submit(command)
                assert outcome(ear, command).result is Result.DONE
                time.sleep(0.02)
            counted = driver.counters()["r9"].since(earlier["r9"])
            assert counted.answered == 0
            assert counted.sent <= (time.monotonic() - began) / 0.1 + 2  # 10 ms of listening in each tenth of a second
            assert not any(event.up for event in ear.all(LinkState) if event.device == "r9")
            assert len([line for line in peer.rest() if line.get("command") == "output"]) == 40


def test_two_drivers_cannot_have_one_port(site: Site) -> None:
    second = Ear()
    driver = OsdpBusDriver("second", site.driver._port, BAUD, [OsdpReader("r1", 1, KEY)], second)
    with running(driver):
        refused = second.wait(LinkState)
        assert not refused.up
        assert "cannot open" in refused.reason


def test_a_line_that_is_not_paced_is_not_driven_faster_than_its_baud(make: Callable[..., Site], ear: Ear) -> None:
    site = make(paced=False, baud=9600)
    site.fresh()
    site.peer.tell(do="record")
    time.sleep(1)
    site.peer.tell(do="recorded")
    answers = len(site.peer.expect("recorded")["recorded"])
    assert 15 < answers < 40  # a poll and its answer are 15 characters each: 31 ms and the idle time between
    assert not ear.all(Outcome)

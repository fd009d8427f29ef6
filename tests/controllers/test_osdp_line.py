"""The OSDP panel against libosdp's C peripherals (an independent implementation) over a pseudo-terminal."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
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
from tests.controllers.line import KEY, Ear, Peer, outcome, peripherals, pulse, running
from tests.faults import wire as wires
from tests.faults.wire import Wire

OTHER_KEY = bytes.fromhex("00112233445566778899aabbccddeef0")
BAUD = 115200
CARDS = [(0xCA0A73, 26), (0x217766073, 34), (0x5A, 8), ((1 << 64) - 3, 64)]
Hurts = Callable[[Wire], None]
WORKS_ON: dict[str, Hurts] = {
    "whole": lambda wire: None,
    "byte by byte": lambda wire: wire.hurt(wires.slowly, wires.whole),
    "torn": lambda wire: wire.hurt(wires.torn, wires.whole),
    "lossy": lambda wire: wire.hurt(wires.rarely(wires.lossy), wires.whole),
    "corrupt": lambda wire: wire.hurt(wires.rarely(wires.corrupt), wires.whole),
    "noisy": lambda wire: wire.hurt(wires.noisy, wires.whole),
    "every answer twice": lambda wire: wire.hurt(wires.doubled, wires.whole),
    "echoing": lambda wire: setattr(wire, "echo", True),
}
BAD: dict[str, Hurts] = {
    "torn": lambda wire: wire.hurt(wires.torn, wires.torn),
    "lossy": lambda wire: wire.hurt(wires.lossy, wires.lossy),
    "corrupt": lambda wire: wire.hurt(wires.corrupt, wires.corrupt),
    "delayed": lambda wire: wire.hurt(wires.delayed, wires.delayed),
    "replayed": lambda wire: wire.hurt(wires.replayed, wires.whole),
    "reordered": lambda wire: wire.hurt(wires.overtaken, wires.overtaken),
    "pieces reordered": lambda wire: wire.hurt(wires.reordered, wires.reordered),
    "silent": lambda wire: wire.hurt(wires.silent, wires.whole),
    "babbling": lambda wire: wire.hurt(wires.silent, wires.whole, wires.babbled),
}


class Site:
    """One reader on a line, our driver at its end."""

    def __init__(self, peer: Peer, driver: OsdpBusDriver, ear: Ear, wire: Wire | None) -> None:
        self.peer, self.driver, self.ear, self._wire = peer, driver, ear, wire

    @property
    def wire(self) -> Wire:
        assert self._wire, "made without a wire"
        return self._wire

    def close(self) -> None:
        """Let go of the wire."""
        if self._wire:
            self._wire.close()

    def unplug(self) -> None:
        """The adapter is pulled out: its port is gone."""
        self.wire.close()

    def plug(self) -> None:
        """It is there again, under the same name."""
        self._wire = Wire(self.wire.near, self.wire.far)

    def up(self, timeout: float = 5.0) -> LinkState:
        return self.ear.wait(LinkState, lambda event: event.up, timeout)

    def fresh(self) -> None:
        """On line, and its backlog drained."""
        self.up()
        time.sleep(0.2)

    def card(self, bits: int = 0xCA0A73, count: int = 26) -> None:
        self.peer.tell(do="card", pd=0, bits=bits, count=count)

    def present(self, bits: int, count: int) -> CardRead:
        """Hold a card to the reader, again when nothing happens, as people do: libosdp forgets a read it told once."""
        for _ in range(8):
            self.card(bits, count)
            try:
                return self.ear.wait(CardRead, lambda event: event.bits == bits and not event.seen.stale, 1.0)
            except TimeoutError:
                continue
        raise TimeoutError("the card was never read")

    def commands(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.peer.rest() if line.get("command") == kind]


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def make(ear: Ear, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    open_ones: list[contextlib.AbstractContextManager[Any]] = []

    def build(key: bytes = KEY, baud: int = BAUD, paced: bool = True, wired: bool = False, **pd: Any) -> Site:
        line = peripherals({"address": 1, "scbk": KEY.hex()} | pd, baud=baud, paced=paced)
        peer, port = line.__enter__()
        open_ones.append(line)
        wire = Wire(tmp_path / "port", Path(port)) if wired else None
        port = str(wire.near) if wire else port
        driver = OsdpBusDriver("bus", port, baud, [OsdpReader("r1", 1, key)], ear)
        thread = running(driver)
        thread.__enter__()
        open_ones.append(thread)
        site = Site(peer, driver, ear, wire)
        open_ones.append(contextlib.closing(site))
        return site

    yield build
    for opened in reversed(open_ones):
        opened.__exit__(None, None, None)


@pytest.fixture
def site(make: Callable[..., Site]) -> Site:
    made = make()
    made.fresh()
    return made


@pytest.mark.parametrize("fault", WORKS_ON)
def test_a_card_is_read_and_the_door_opened_over_any_wire(make: Callable[..., Site], ear: Ear, fault: str) -> None:
    site = make(wired=True)
    site.fresh()
    WORKS_ON[fault](site.wire)
    for number, (bits, count) in enumerate(CARDS):
        assert site.present(bits, count).bit_count == count
        ended = Result.UNKNOWN
        for attempt in range(8):
            command = pulse("r1", f"c{number}.{attempt}", within_s=3)
            site.driver.submit(command)
            ended = outcome(ear, command).result
            if ended is Result.DONE:
                break
        assert ended is Result.DONE
    opened = site.commands("output")
    assert len(opened) >= 4
    assert all((line["control_code"], line["timer_count"], line["output_no"]) == (5, 30, 0) for line in opened)
    assert {(read.bits, read.bit_count) for read in ear.all(CardRead)} <= set(CARDS)
    if not ear.all(LinkState):  # the session held, which a lossy wire or a starved machine may end
        assert len(opened) == 4
        assert not ear.all(CardRead)


@pytest.mark.parametrize("kind", BAD)
def test_whatever_a_wire_does_no_read_is_invented_and_no_command_done_twice(
    make: Callable[..., Site], ear: Ear, kind: str
) -> None:
    site = make(wired=True)
    site.fresh()
    BAD[kind](site.wire)
    commands = []
    for number in range(4):
        site.card(number + 1, 26)
        commands.append(pulse("r1", f"c{number}", within_s=0.5))
        site.driver.submit(commands[-1])
        time.sleep(0.15)
    results = [outcome(ear, command).result for command in commands]
    site.wire.mend()
    time.sleep(1.0)
    assert site.present(0xCA0A73, 26)
    opened = len(site.commands("output"))
    assert results.count(Result.DONE) <= opened <= len(results) - results.count(Result.EXPIRED)
    assert {read.bits for read in ear.all(CardRead)} <= {1, 2, 3, 4, 0xCA0A73}


def test_an_adapter_pulled_out_and_put_back_is_on_line_within_two_seconds(make: Callable[..., Site], ear: Ear) -> None:
    site = make(wired=True)
    site.fresh()
    site.unplug()
    down = ear.wait(LinkState, lambda event: not event.up)
    assert "port" in down.reason
    site.card()
    command = pulse("r1", "c1")
    site.driver.submit(command)
    assert outcome(ear, command).result is Result.EXPIRED
    began = time.monotonic()
    site.plug()
    site.up()
    assert time.monotonic() - began < 2
    assert not site.commands("output")


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


def test_a_cut_cable_is_noticed_and_its_return_within_two_seconds(site: Site, ear: Ear) -> None:
    for life in (2, 3):
        site.peer.tell(do="cut")
        cut_at = time.monotonic()
        lost = ear.wait(LinkState, lambda event: not event.up)
        assert lost.seen.mono_s - cut_at < 1.5
        time.sleep(1.5)
        site.peer.tell(do="join")
        joined_at = time.monotonic()
        back = site.up()
        assert back.seen.mono_s - joined_at < 2.0
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


def test_a_repeated_frame_opens_the_door_once(make: Callable[..., Site], ear: Ear) -> None:
    site = make(wired=True)
    site.fresh()
    site.wire.hurt(wires.lossy, wires.whole)
    results = []
    for number in range(6):
        command = pulse("r1", f"c{number}", within_s=2)
        site.driver.submit(command)
        results.append(outcome(ear, command).result)
    done = results.count(Result.DONE)
    assert done <= len(site.commands("output")) <= 6 - results.count(Result.EXPIRED)


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
            time.sleep(1)
            waits = []
            for number in range(40):
                command = pulse(f"r{number % 3 + 1}", f"c{number}")
                began = time.monotonic()
                driver.submit(command)
                assert outcome(ear, command).result is Result.DONE
                waits.append(time.monotonic() - began)
                time.sleep(0.02)
            assert sorted(waits)[20] < 0.03
            assert max(waits) < 0.3
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

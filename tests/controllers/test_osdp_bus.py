"""The panel's state machine in virtual time: levels, signals, refusals, lost sessions."""

import random
from collections.abc import Callable

import pytest

from controllers.driver import (
    CardRead,
    FeedbackCommand,
    InputState,
    LinkState,
    LockAction,
    LockCommand,
    OutputState,
    Result,
    Signal,
)
from controllers.errors import BadSetup
from controllers.osdp_bus import OsdpBus, OsdpReader
from controllers.osdp_limits import Limits
from controllers.osdp_message import Code, Nak, Reply
from tests.controllers.virtual import KEY, VirtualLine, VirtualReader
from tests.controllers.virtual_bus import CARD, events, made, outputs, pulse, results


def test_all_levels_are_known_once_a_reader_is_on_line() -> None:
    line = made()
    up = events(line, LinkState)[0]
    assert (up.up, up.secure, up.seen.epoch) == (True, True, 1)
    assert events(line, InputState)[0].active == (False, False)
    assert events(line, OutputState)[0].active == (False, False)
    line.readers[0].levels = b"\1\0"
    line.run(11)
    assert [event.active for event in events(line, InputState)] == [(False, False), (True, False)]


def test_a_card_in_the_backlog_is_stale_and_the_next_one_is_not() -> None:
    reader = VirtualReader(1)
    reader.events.extend([CARD, CARD])
    line = VirtualLine([reader])
    line.run(1)
    reader.events.append(CARD)
    line.run(1)
    assert [read.seen.stale for read in events(line, CardRead)] == [True, True, False]


@pytest.mark.parametrize("baud", [9600, 115200])
def test_a_card_shown_as_soon_as_the_bus_is_on_line_is_fresh(baud: int) -> None:
    line = VirtualLine([VirtualReader(address) for address in (1, 2, 3, 4)], baud)
    while len(events(line, LinkState)) < 4:
        line.run(0.01)
    line.run(0.3)  # one poll of each, and not all their questions
    for reader in line.readers:
        reader.events.append(CARD)
    line.run(1.0)
    assert [read.seen.stale for read in events(line, CardRead)] == [False] * 4


def test_light_and_sound_take_no_slot_before_the_next_poll() -> None:
    line = made(1, 2, 3, 4, baud=9600)
    line.run(3)
    started = line.now
    for address in (1, 2, 3, 4):
        line.bus.submit(FeedbackCommand(f"f{address}", f"r{address}", Signal.DENIED, line.now + 5), line.now)
    line.run(2)
    sent = [(frame.address, Code(frame.code)) for at, frame in line.sent if at >= started]
    for address in (1, 2, 3, 4):
        own = [code for to, code in sent if to == address]
        assert Code.POLL in own[own.index(Code.LED) : own.index(Code.BUZ)]
    assert set(results(line).values()) == {Result.DONE}


def test_a_lock_passes_the_lights_of_all_other_readers() -> None:
    line = made(1, 2, 3, 4, baud=9600)
    line.run(3)
    started = line.now
    for address in (1, 2, 3):
        line.bus.submit(FeedbackCommand(f"f{address}", f"r{address}", Signal.DENIED, line.now + 5), line.now)
    pulse(line, device="r4")
    line.run(2)
    codes = [frame.code for at, frame in line.sent if at >= started and frame.code in (Code.OUT, Code.LED, Code.BUZ)]
    assert codes[0] == Code.OUT


def test_the_last_signal_takes_the_place_of_one_that_waits_and_a_late_one_is_dropped() -> None:
    line = made()
    for name, signal in (("a", Signal.GRANTED), ("b", Signal.DENIED)):
        line.bus.submit(FeedbackCommand(name, "r1", signal, line.now + 1), line.now)
    line.run(0.5)
    line.bus.submit(FeedbackCommand("late", "r1", Signal.HELD, line.now - 0.1), line.now)
    line.run(0.5)
    assert results(line) == {"a": Result.EXPIRED, "b": Result.DONE, "late": Result.EXPIRED}


def test_a_busy_reader_is_asked_again_and_does_the_command_once() -> None:
    line = made()
    line.readers[0].busy = 5
    pulse(line)
    line.run(1)
    assert results(line) == {"c": Result.DONE}
    assert len(outputs(line.readers[0])) == 1


def test_a_reader_that_stays_busy_is_given_up() -> None:
    line = made()
    line.readers[0].busy = 10**6
    pulse(line)
    line.run(5)
    assert results(line) == {"c": Result.UNKNOWN}
    assert not line.bus.device("r1").online


@pytest.mark.parametrize("reason", [0, Nak.LENGTH, Nak.UNKNOWN_COMMAND, Nak.RECORD, 99])
def test_a_refusal_ends_the_command_and_not_the_session(reason: int) -> None:
    line = made()
    line.readers[0].naks = {Code.OUT: reason}
    pulse(line)
    line.run(1)
    assert results(line) == {"c": Result.REFUSED}
    assert len(events(line, LinkState)) == 1


@pytest.mark.parametrize("reason", [Nak.SEQUENCE, Nak.NO_SECURITY, Nak.ENCRYPTION_REQUIRED])
def test_a_reader_that_lost_its_session_gets_a_new_one_at_once(reason: int) -> None:
    line = made()
    line.readers[0].bare_naks = {Code.OUT: reason}
    pulse(line)
    line.run(0.5)
    assert results(line) == {"c": Result.UNKNOWN}
    assert [event.up for event in events(line, LinkState)] == [True, False, True]
    assert not outputs(line.readers[0])


def test_a_reader_that_was_switched_off_and_on_is_back_within_two_seconds() -> None:
    line = made()
    line.readers[0].forget()
    line.run(2)
    assert [(event.up, event.seen.epoch) for event in events(line, LinkState)] == [(True, 1), (False, 1), (True, 2)]


def test_a_frame_that_the_reader_heard_damaged_is_sent_again() -> None:
    line = made()
    line.readers[0].bare_naks = {Code.OUT: Nak.CHECK}
    original = line.readers[0]._carry_out
    line.readers[0]._carry_out = lambda frame, now: original(frame, now)  # type: ignore[method-assign] # a spy
    line.readers[0].answer = _forgetful(line.readers[0])  # type: ignore[method-assign] # it did not take the sequence
    pulse(line)
    line.run(1)
    assert results(line) == {"c": Result.DONE}
    assert len(outputs(line.readers[0])) == 1
    assert len(events(line, LinkState)) == 1


def _forgetful(reader: VirtualReader) -> Callable[..., bytes | None]:
    answer = reader.answer

    def wrapped(frame: object, now: float) -> bytes | None:
        before = reader._sequence
        said = answer(frame, now)  # type: ignore[arg-type] # passed through
        if said and said[5] == Reply.NAK and not said[4] & 8:
            reader._sequence = before
        return said

    return wrapped


def test_light_and_sound_come_after_every_lock() -> None:
    line = made()
    line.bus.submit(FeedbackCommand("f", "r1", Signal.DENIED, line.now + 2), line.now)
    pulse(line)
    line.run(1)
    assert [code for _, code, _ in line.readers[0].heard] == [Code.OUT, Code.LED, Code.BUZ]
    assert results(line) == {"f": Result.DONE, "c": Result.DONE}


def test_a_pulse_too_long_for_a_timer_is_refused() -> None:
    line = made()
    line.bus.submit(LockCommand("c", "r1", 0, LockAction.PULSE, line.now + 1, 7_000_000), line.now)
    line.run(0.5)
    assert results(line) == {"c": Result.REFUSED}


def test_more_commands_than_the_queue_holds_expire_at_once() -> None:
    line = made(limits=Limits(queued_commands=3))
    for number in range(5):
        pulse(line, f"c{number}")
    line.run(1)
    assert list(results(line).values()).count(Result.EXPIRED) == 2
    assert len(outputs(line.readers[0])) == 3


def test_a_lost_port_ends_everything_that_waited_or_was_in_flight() -> None:
    line = made()
    line.readers[0].cut = True
    pulse(line, "sent")
    line.run(0.05)
    pulse(line, "waiting")
    line.bus.close("port lost", line.now)
    assert results(line) == {"sent": Result.UNKNOWN, "waiting": Result.EXPIRED}
    line.readers[0].cut = False
    line.run(2)
    assert not outputs(line.readers[0])
    assert line.bus.device("r1").online


def test_a_babbling_line_neither_fills_memory_nor_stops_the_panel() -> None:
    line = made()
    chance = random.Random(3)
    for _ in range(3000):
        line.bus.receive(chance.choice([chance.randbytes(200), b"S" * 200, b"S\x81\xff\x00" * 50]), line.now)
        line.run(0.002)
        assert len(line.bus._decoder._buffer) <= Limits().reply_bytes
    line.run(3)
    assert line.bus.device("r1").online


@pytest.mark.parametrize(
    "readers",
    [
        [],
        [OsdpReader("a", 127, KEY)],
        [OsdpReader("a", 1, KEY), OsdpReader("a", 2, KEY)],
        [OsdpReader("a", 1, KEY), OsdpReader("b", 1, KEY)],
        [OsdpReader("a", 1, bytes(range(0x30, 0x40)))],
    ],
)
def test_a_bus_that_cannot_work_is_refused(readers: list[OsdpReader]) -> None:
    with pytest.raises(BadSetup):
        OsdpBus(9600, readers, lambda _: None)


def test_a_command_to_nobody_is_refused() -> None:
    line = made()
    pulse(line, device="r9")
    assert results(line) == {"c": Result.REFUSED}

"""The panel's state machine in virtual time: deadlines, repeats, refusals, attackers, the wire's arithmetic."""

import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.driver import (
    CardRead,
    DeviceEvent,
    FeedbackCommand,
    InputState,
    LinkState,
    LockAction,
    LockCommand,
    Outcome,
    OutputState,
    Result,
    Signal,
    TextRead,
)
from controllers.errors import BadSetup
from controllers.osdp_bus import OsdpBus, OsdpReader
from controllers.osdp_limits import Limits
from controllers.osdp_message import Code, Nak, Reply
from tests.controllers.virtual import KEY, VirtualLine, VirtualReader, forged, with_code

CARD = (Reply.RAW, bytes.fromhex("00011a00bd88eb80"))
Event = TypeVar("Event", bound=DeviceEvent)


def made(*addresses: int, baud: int = 115200, limits: Limits | None = None) -> VirtualLine:
    line = VirtualLine([VirtualReader(address) for address in addresses or (1,)], baud, limits)
    line.run(1.0)
    return line


def events(line: VirtualLine, kind: type[Event]) -> list[Event]:
    return cast("list[Event]", line.all(kind))


def pulse(line: VirtualLine, name: str = "c", within_s: float = 2.0, device: str = "r1") -> LockCommand:
    command = LockCommand(name, device, 0, LockAction.PULSE, line.now + within_s, 3000)
    line.bus.submit(command, line.now)
    return command


def results(line: VirtualLine) -> dict[str, Result]:
    outcomes = events(line, Outcome)
    assert len({outcome.command_id for outcome in outcomes}) == len(outcomes)
    return {outcome.command_id: outcome.result for outcome in outcomes}


def outputs(reader: VirtualReader) -> list[float]:
    return [at for at, code, _ in reader.heard if code == Code.OUT]


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


def test_a_card_in_the_clear_is_not_read() -> None:
    line = made()
    line.hurt = lambda answer: [forged(answer, with_code(*CARD))]
    line.run(5)
    line.hurt = lambda answer: [forged(answer, with_code(Reply.FMT, b"\0\0\3abc"))]
    line.run(5)
    assert not events(line, CardRead)
    assert not events(line, TextRead)


def test_a_recorded_session_says_nothing_a_second_time() -> None:
    line = made()
    line.readers[0].events.extend([CARD] * 3)
    line.run(1)
    assert len(events(line, CardRead)) == 3
    tape = list(line.answers)
    for start in range(4):
        heard: list[DeviceEvent] = []
        bus = OsdpBus(115200, [OsdpReader("r1", 1, KEY)], heard.append)
        now = 0.0
        for answer in tape[start:] + tape:
            while bus.next_send(now) is None:
                now = max(now + 0.0001, bus.deadline(now))
            now += 0.005
            bus.receive(answer, now)
        assert not any(isinstance(event, CardRead) for event in heard)
        assert not any(isinstance(event, LinkState) and event.up for event in heard)


def test_the_last_answer_played_again_is_not_a_second_card() -> None:
    line = made()
    line.readers[0].events.append(CARD)
    line.hurt = lambda answer: [answer, answer, answer]
    line.run(2)
    assert len(events(line, CardRead)) == 1
    assert len(events(line, LinkState)) == 1


def test_a_reader_with_another_key_is_told_from_one_that_refuses_ours() -> None:
    line = VirtualLine([VirtualReader(1, key=bytes(range(16))), VirtualReader(2), VirtualReader(3)])
    refusing = line.readers[1]
    original = refusing._proved
    refusing._proved = lambda frame: original(replace(frame, data=bytes(16)))  # type: ignore[method-assign] # a liar
    blank = line.readers[2]
    challenged = blank._challenged
    blank._challenged = lambda frame: forged(  # type: ignore[method-assign] # it offers the published key
        challenged(frame), lambda answer: replace(answer, security=bytes((0x12, 0)))
    )
    line.run(3)
    reasons = {event.device: event.reason for event in events(line, LinkState)}
    assert reasons == {
        "r1": "reader holds another key",
        "r2": "reader refused our key",
        "r3": "reader answers with the default key",
    }


def test_damaged_and_forged_answers_never_make_a_card() -> None:
    chance = random.Random(20260101)
    line = made()
    line.hurt = lambda answer: chance.choice(DAMAGE)(chance, answer) if chance.random() < 0.4 else [answer]
    while len(line.answers) < 40_000:
        line.run(5)
    assert len([event for event in events(line, LinkState) if event.up]) > 100
    assert not events(line, CardRead)
    assert not events(line, TextRead)
    line.hurt = lambda answer: [answer]
    line.run(2)
    line.readers[0].events.append(CARD)
    line.run(1)
    assert not events(line, CardRead)[0].seen.stale


def _flip(chance: random.Random, answer: bytes) -> list[bytes]:
    damaged = bytearray(answer)
    for _ in range(chance.randint(1, 4)):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return [bytes(damaged)]


def _cut(chance: random.Random, answer: bytes) -> list[bytes]:
    at = chance.randrange(len(answer))
    return [answer[:at], answer[at + chance.randint(1, 3) :]]


def _double(_chance: random.Random, answer: bytes) -> list[bytes]:
    return [answer[:-1], answer]


def _forge(chance: random.Random, answer: bytes) -> list[bytes]:
    code = chance.choice([Reply.RAW, Reply.FMT, Reply.KEYPAD, Reply.ACK, Reply.ISTATR])
    return [forged(answer, with_code(code, chance.choice([CARD[1], b"\0\0\1a", b""])))]


def _noise(chance: random.Random, answer: bytes) -> list[bytes]:
    return [chance.randbytes(chance.randrange(30)), answer, chance.randbytes(chance.randrange(30))]


def _swap(chance: random.Random, answer: bytes) -> list[bytes]:
    """The right frame with another code under its MAC."""
    damaged = bytearray(answer)
    if len(damaged) > 8:
        damaged[7] = chance.choice([Reply.RAW, Reply.FMT])
    return [forged(bytes(damaged[:-2]) + answer[-2:], lambda frame: frame)]


DAMAGE: tuple[Callable[[random.Random, bytes], list[bytes]], ...] = (_flip, _cut, _double, _forge, _noise, _swap)


def test_a_command_is_not_repeated_after_its_deadline() -> None:
    line = made()
    line.readers[0].cut = True
    pulse(line, within_s=0.3)
    line.run(0.35)
    line.readers[0].cut = False
    line.run(3)
    assert results(line) == {"c": Result.UNKNOWN}
    assert not outputs(line.readers[0])
    assert line.bus.device("r1").online


def test_a_command_is_repeated_inside_its_deadline() -> None:
    line = made()
    line.readers[0].cut = True
    pulse(line, within_s=2)
    line.run(0.1)
    line.readers[0].cut = False
    line.run(0.5)
    assert results(line) == {"c": Result.DONE}
    assert len(outputs(line.readers[0])) == 1


def test_a_frame_that_would_end_after_the_deadline_is_not_begun() -> None:
    line = made(baud=9600)
    for number in range(10):
        pulse(line, f"c{number}", within_s=0.02)  # the frame alone takes 31 ms
        line.run(0.07)
    assert set(results(line).values()) == {Result.EXPIRED}
    assert not outputs(line.readers[0])


moments = st.lists(
    st.tuples(
        st.sampled_from(["pulse", "pulse", "signal", "cut", "join", "forget", "busy", "lossy", "whole"]),
        st.floats(0, 0.4),
        st.floats(-0.1, 0.8),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(moments, st.integers(0, 2**32))
def test_whatever_happens_a_command_ends_once_and_never_runs_late_or_twice(
    story: list[tuple[str, float, float]], seed: int
) -> None:
    line = made(1, 2, baud=9600)
    reader, chance = line.readers[0], random.Random(seed)
    commands: dict[str, LockCommand] = {}
    for number, (what, wait_s, within_s) in enumerate(story):
        match what:
            case "pulse":
                name = f"c{number}"
                commands[name] = LockCommand(name, "r1", 0, LockAction.PULSE, line.now + within_s, 1000 + number * 100)
                line.bus.submit(commands[name], line.now)
            case "signal":
                line.bus.submit(FeedbackCommand(f"f{number}", "r1", Signal.HELD, line.now + within_s), line.now)
            case "cut" | "join":
                reader.cut = what == "cut"
            case "forget":
                reader.forget()
            case "busy":
                reader.busy = 8
            case "lossy":
                line.hurt = lambda answer: [] if chance.random() < 0.4 else [answer]
            case "whole":
                line.hurt = lambda answer: [answer]
        line.run(wait_s)
    reader.cut = False
    line.run(4)
    ended = results(line)
    runs = {int.from_bytes(data[2:4], "little"): 0 for _, code, data in reader.heard if code == Code.OUT}
    for at, code, data in reader.heard:
        if code == Code.OUT:
            tenths = int.from_bytes(data[2:4], "little")
            runs[tenths] += 1
            assert at <= commands[f"c{tenths - 10}"].deadline_mono_s + 1e-9
    for name in commands:
        ran = runs.get(10 + int(name[1:]), 0)
        assert ran <= 1
        assert ran == 1 or ended[name] is not Result.DONE
        assert ran == 0 or ended[name] in (Result.DONE, Result.UNKNOWN)


@pytest.mark.parametrize("baud", [9600, 38400, 115200])
@pytest.mark.parametrize("readers", [1, 4])
def test_polls_follow_each_other_as_fast_as_the_wire_allows(baud: int, readers: int) -> None:
    line = made(*range(1, readers + 1), baud=baud)
    line.run(2)
    begins = [at for at, frame in line.sent if frame.code == Code.POLL and frame.has_mac]
    turns = [later - earlier for earlier, later in itertools.pairwise(begins)]
    arithmetic = (15 + 15 + 2) * 10 / baud + 0.001  # POLL and ACK in the secure channel, idle time, turn-around
    assert sorted(turns)[len(turns) // 2] < arithmetic * 1.05
    assert min(turns) > 30 * 10 / baud


def test_a_quiet_line_rests_and_wakes_for_a_command_or_a_read() -> None:
    line = made(*range(1, 17))
    line.run(3)
    pulse(line, "first")
    start = line.now
    line.run(1)
    busy = len([at for at, _ in line.sent if at > start])
    line.run(8)
    start = line.now
    line.run(1)
    assert len([at for at, _ in line.sent if at > start]) < busy * 0.8
    for wait_s in (0.003, 0.02, 0.061):
        line.run(6 + wait_s)
        began = line.now
        pulse(line, f"c{wait_s}")
        line.run(0.1)
        assert next(at for at, frame in line.sent if frame.code == Code.OUT and at >= began) - began < 0.004


def test_a_fast_line_fills_the_idle_time_with_marks() -> None:
    line = made(1, 2)
    wake_ups = []
    original = line.bus.next_send
    line.bus.next_send = lambda now: (wake_ups.append(now), original(now))[1]  # type: ignore[method-assign,func-returns-value] # a counter
    start = len(line.sent)
    line.run(1)
    assert len(wake_ups) < 2.2 * (len(line.sent) - start)  # one when bytes come, and none to wait for the idle time


def test_a_command_waits_for_no_poll_but_the_one_on_the_wire() -> None:
    line = made(1, 2, 3, 4, baud=9600)
    line.run(3)  # all questions asked
    for number in range(20):
        began = line.now
        pulse(line, f"c{number}", device=f"r{number % 4 + 1}")
        line.run(0.25)
        sent = next(at for at, frame in line.sent if at >= began and frame.code == Code.OUT)
        assert sent - began < 0.04


def test_a_command_at_once_after_a_read_finds_the_wire_free() -> None:
    line = made(1, 2, baud=9600)
    original = line.events.append
    line.readers[0].events.append(CARD)
    waits = []

    def decide(event: DeviceEvent) -> None:
        original(event)
        if isinstance(event, CardRead):
            line.bus.submit(LockCommand("c", "r1", 0, LockAction.PULSE, line.now + 2, 100), line.now)
            waits.append(line.now)

    line.bus._emit = decide
    line.run(1)
    sent = next(at for at, frame in line.sent if frame.code == Code.OUT)
    assert sent - waits[0] <= 2.01 * 10 / 9600  # the idle time between two frames
    assert results(line) == {"c": Result.DONE}


def test_polls_wait_a_moment_for_the_command_that_answers_a_read() -> None:
    line = made(1, 2, baud=9600)
    line.readers[0].events.append(CARD)
    while not events(line, CardRead):
        line.run(0.001)
    read_at = line.now
    line.run(0.002)
    pulse(line)
    line.run(1)
    assert next(frame.code for at, frame in line.sent if at >= read_at) == Code.OUT


def waits(line: VirtualLine, seconds: float) -> list[float]:
    """How long cards wait at reader 1 until they are read, ascending. They come at any moment."""
    chance, found = random.Random(5), []
    end = line.now + seconds
    while line.now < end:
        line.run(chance.uniform(0.02, 0.2))
        shown = line.now
        line.readers[0].events.append(CARD)
        line.events.clear()
        while not events(line, CardRead):
            line.run(0.0005)
        found.append(line.now - shown)
    return sorted(found)


def test_one_late_answer_or_a_slow_reader_alone_costs_no_polls() -> None:
    for addresses, late in (((1, 2), 3), ((1,), 100)):
        line = made(*addresses)
        line.run(6)
        line.readers[0].turn_s = 0.05
        line.run(late * 0.05)
        line.readers[0].turn_s = 0.001
        start = line.now
        line.run(1)
        assert len([at for at, frame in line.sent if at > start and frame.address == 1]) > 50


@pytest.mark.parametrize("baud", [9600, 38400, 115200])
@pytest.mark.parametrize("ill", ["dead", "slow", "torn", "of another key"])
def test_a_dead_or_slow_reader_slows_its_neighbours_by_a_tenth_at_most(ill: str, baud: int) -> None:
    others, bad = made(1, 2, 3, 4, baud=baud), made(1, 2, 3, 4, 9, baud=baud)
    bad.run(5)
    if ill == "slow":
        bad.readers[4].turn_s = 0.15
    elif ill == "of another key":
        bad.readers[4].key = bytes(range(16))
        bad.readers[4].forget()
    else:
        bad.readers[4].cut = True
    if ill == "torn":  # it begins to answer and never ends
        bad.readers[4].cut = False
        bad.hurt = lambda answer: [answer[:4]] if answer[1] & 0x7F == 9 else [answer]
    seconds = 60 if baud == 9600 else 25  # some hundreds of cards
    usual, beside = waits(others, seconds), waits((bad.run(5), bad)[1], seconds)
    assert beside[len(beside) // 2] < usual[len(usual) // 2] * 1.1


@pytest.mark.parametrize(
    ("baud", "dead", "within_s"), [(9600, 1, 2), (9600, 2, 2), (9600, 8, 2), (9600, 16, 4), (115200, 8, 2)]
)
def test_dead_readers_are_back_within_two_seconds_on_a_bus_of_sixteen(baud: int, dead: int, within_s: float) -> None:
    line = made(*range(1, 17), baud=baud)
    line.run(5)
    for reader in line.readers[-dead:]:
        reader.cut = True
    line.run(20)
    for reader in line.readers[-dead:]:
        reader.cut = False
    began = line.now
    line.run(8)
    backs = [event.seen.mono_s - began for event in events(line, LinkState) if event.up and event.seen.epoch == 2]
    assert len(backs) == dead
    assert min(backs) < 2
    assert max(backs) < within_s  # so many greetings at 9600 baud take longer


def test_a_whole_bus_of_126_comes_on_line() -> None:
    line = VirtualLine([VirtualReader(address) for address in range(1, 127)])
    line.run(12)
    assert all(line.bus.device(f"r{address}").online for address in range(1, 127))


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

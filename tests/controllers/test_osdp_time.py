"""The panel and time: deadlines, the wire's arithmetic, dead and slow readers, 126 of them."""

import itertools
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.driver import (
    CardRead,
    DeviceEvent,
    FeedbackCommand,
    LinkState,
    LockAction,
    LockCommand,
    Result,
    Signal,
)
from controllers.osdp_message import Code
from tests.controllers.line import HANDSHAKE_CHARS
from tests.controllers.virtual import TURN_S, VirtualLine, VirtualReader
from tests.controllers.virtual_bus import CARD, events, made, outputs, pulse, results


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


def test_light_and_sound_of_the_last_card_wait_for_the_decision_of_the_next() -> None:
    line = made(1, baud=9600)
    line.run(3)
    line.readers[0].events.append(CARD)
    while not events(line, CardRead):
        line.run(0.001)
    read_at = line.now
    line.bus.submit(FeedbackCommand("f", "r1", Signal.GRANTED, line.now + 2), line.now)
    line.run(0.004)
    pulse(line)
    line.run(1)
    codes = [frame.code for at, frame in line.sent if at >= read_at]
    assert codes.index(Code.OUT) == 0
    assert {Code.LED, Code.BUZ} < set(codes)


def test_one_late_answer_or_a_slow_reader_alone_costs_no_polls() -> None:
    for addresses, late in (((1, 2), 3), ((1,), 100)):
        line = made(*addresses)
        line.run(6)
        line.readers[0].turn_s = 0.05
        line.run(late * 0.05)
        line.readers[0].turn_s = 0.001
        line.readers[0].events.append(CARD)  # so that the line does not rest
        start = line.now
        line.run(1)
        assert len([at for at, frame in line.sent if at > start and frame.address == 1]) > 50


def round_s(line: VirtualLine, seconds: float) -> float:
    """From one poll of reader 1 to the next, on the average. Cards come to another, so the line never rests."""
    start = line.now
    while line.now < start + seconds:
        line.readers[1].events.append(CARD)
        line.run(1)
    polls = [at for at, frame in line.sent if at >= start and frame.address == 1 and frame.code == Code.POLL]
    return (polls[-1] - polls[0]) / (len(polls) - 1)


@pytest.mark.parametrize("baud", [9600, 38400, 115200])
@pytest.mark.parametrize("ill", ["dead", "torn", "of another key"])
def test_a_reader_that_never_gets_on_line_lengthens_the_round_of_the_others_by_a_tenth_at_most(
    ill: str, baud: int
) -> None:
    others, bad = made(1, 2, 3, 4, baud=baud), made(1, 2, 3, 4, 9, baud=baud)
    bad.run(5)
    if ill == "of another key":
        bad.readers[4].key = bytes(range(16))
        bad.readers[4].forget()
    elif ill == "dead":
        bad.readers[4].cut = True
    else:  # it begins to answer and never ends
        bad.hurt = lambda answer: [answer[:4]] if answer[1] & 0x7F == 9 else [answer]
    others.run(8)
    bad.run(10)
    assert round_s(bad, 60) < round_s(others, 60) * 1.1


def beside_slow(baud: int, readers: int, slow: int, turn_s: float) -> VirtualLine:
    """A line whose last readers have answered late for a while."""
    line = made(*range(1, readers + slow + 1), baud=baud)
    for reader in line.readers[readers:]:
        reader.turn_s = turn_s
    line.run(30)
    line.events.clear()
    return line


@pytest.mark.parametrize("baud", [9600, 38400, 115200])
@pytest.mark.parametrize(("readers", "slow", "turn_s"), [(4, 1, 0.15), (8, 2, 0.15), (8, 4, 0.04), (2, 2, 0.025)])
def test_slow_readers_together_lengthen_the_round_of_the_others_by_a_tenth_at_most(
    readers: int, slow: int, turn_s: float, baud: int
) -> None:
    others, bad = (beside_slow(baud, readers, count, turn_s) for count in (0, slow))
    assert round_s(bad, 90) < round_s(others, 90) * 1.1


@pytest.mark.parametrize("baud", [9600, 115200])
def test_eight_readers_that_hesitate_for_long_are_still_heard_every_eight_seconds_and_stay_on_line(
    baud: int,
) -> None:
    line = beside_slow(baud, 8, 8, 0.15)
    start = line.now
    round_s(line, 60)
    for reader in line.readers[8:]:
        asked = [at for at, frame in line.sent if at > start and frame.address == reader.address]
        assert max(later - earlier for earlier, later in itertools.pairwise(asked)) < 8
    assert not events(line, LinkState)


def test_a_bus_of_slow_readers_polls_them_all_one_after_another() -> None:
    line = beside_slow(115200, 1, 4, 0.05)
    start = line.now
    line.run(10)
    asked = [frame.address for at, frame in line.sent if at > start and frame.code == Code.POLL]
    assert all(asked.count(address) > 30 for address in range(1, 6))


def test_a_command_to_a_slow_reader_does_not_wait_for_its_share() -> None:
    line = beside_slow(115200, 4, 1, 0.15)
    for number in range(10):
        line.run(1)
        began = line.now
        pulse(line, f"c{number}", device="r5")
        line.run(0.3)
        assert next(at for at, frame in line.sent if frame.code == Code.OUT and at >= began) - began < 0.16


def by_bytes(answer: bytes) -> list[bytes]:
    """As a port without a buffer hands it over."""
    return [answer[at : at + 1] for at in range(len(answer))]


@pytest.mark.parametrize("hands_over", [by_bytes, lambda answer: [answer]], ids=["by bytes", "whole"])
@pytest.mark.parametrize("baud", [9600, 38400, 115200])
def test_eight_dead_readers_together_slow_eight_others_by_a_tenth_at_most(
    baud: int, hands_over: Callable[[bytes], list[bytes]]
) -> None:
    others, bad = made(*range(1, 9), baud=baud), made(*range(1, 17), baud=baud)
    for line in (others, bad):
        line.hurt = hands_over
        line.run(8)
    for reader in bad.readers[8:]:
        reader.cut = True
    bad.run(8)
    assert round_s(bad, 120) < round_s(others, 120) * 1.1


def back_s(line: VirtualLine, readers: list[VirtualReader]) -> list[float]:
    """How long each of these takes to be on line again once its cable is whole, ascending."""
    line.events.clear()
    for reader in readers:
        reader.cut = False
    began = line.now
    line.run(len(readers) * HANDSHAKE_CHARS * line.char_s * 1.1 + 2)
    return sorted(event.seen.mono_s - began for event in events(line, LinkState) if event.up)


def cut(line: VirtualLine, readers: list[VirtualReader]) -> None:
    for reader in readers:
        reader.cut = True
    line.run(10 + len(readers) * 0.7)  # three silences each


@pytest.mark.parametrize("baud", [9600, 38400, 115200])
@pytest.mark.parametrize(("alive", "dead"), [(7, 1), (8, 8), (0, 8), (0, 16)])
def test_a_reader_that_returns_alone_is_back_within_two_seconds(baud: int, alive: int, dead: int) -> None:
    line = made(*range(1, alive + dead + 1), baud=baud)
    line.run(4)
    ill = line.readers[alive:]
    cut(line, ill)
    for reader in ill[:: max(dead // 4, 1)]:
        [back] = back_s(line, [reader])
        assert back < 2
        cut(line, [reader])


@pytest.mark.parametrize("baud", [9600, 115200])
@pytest.mark.parametrize("readers", [8, 16])
def test_behind_a_cable_that_is_back_handshake_follows_handshake(baud: int, readers: int) -> None:
    line = made(*range(1, readers + 1), baud=baud)
    line.run(4)
    cut(line, line.readers)
    backs = back_s(line, line.readers)
    assert len(backs) == readers
    handshake_s = HANDSHAKE_CHARS * line.char_s + 3 * TURN_S
    assert backs[-1] - backs[0] < (readers - 1) * handshake_s * 1.05
    assert backs[0] < handshake_s + 0.5


def test_a_slow_reader_is_back_within_two_seconds() -> None:
    line = made(1, 2, 3)
    line.readers[2].turn_s = 0.08
    line.run(4)
    cut(line, line.readers[2:])
    [back] = back_s(line, line.readers[2:])
    assert back < 2


def test_a_reader_never_heard_before_is_found_by_its_late_answer() -> None:
    line = VirtualLine([VirtualReader(1), VirtualReader(2, cut=True)])
    line.run(3)
    line.readers[1].turn_s = 0.03  # three times as long as a stranger is listened to
    [back] = back_s(line, line.readers[1:])
    assert back < 2


def test_a_whole_bus_of_126_comes_on_line() -> None:
    line = VirtualLine([VirtualReader(address) for address in range(1, 127)])
    line.run(12)
    assert all(line.bus.device(f"r{address}").online for address in range(1, 127))

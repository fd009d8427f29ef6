"""Clock, readers' limits, supervisor and inbox."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from controllers.driver import Capabilities, Command, DeviceEvent, LinkState
from controllers.errors import LinkLost
from gateway.clock import Clock, kernel_synced
from gateway.codes import verifies
from gateway.inbox import Inbox
from gateway.readers import Admission, ReaderLimits, ReaderWatch
from gateway.supervisor import Supervisor
from tests.gateway.world import Key, card_read, contact


class Hands:
    """A clock's hands."""

    def __init__(self, *, synced: bool = False) -> None:
        self.wall_s, self.mono_s, self.is_synced = 1_000_000.0, 50.0, synced

    def clock(self) -> Clock:
        return Clock(lambda: self.wall_s, lambda: self.mono_s, lambda: self.is_synced)

    def go(self, seconds: float) -> None:
        self.wall_s += seconds
        self.mono_s += seconds


def test_a_clock_that_is_set_back_does_not_make_old_codes_fresh() -> None:
    hands = Hands()
    clock = hands.clock()
    assert clock.now() == 1_000_000.0
    hands.wall_s -= 3600
    hands.go(10)
    assert clock.now() == 1_000_010.0
    assert clock.quality() == "stepped"
    hands.wall_s += 3600
    assert clock.now() == 1_000_010.0
    assert clock.quality() == "free"


def test_time_does_not_fall_below_the_high_water_time_of_the_last_life() -> None:
    hands = Hands()
    clock = hands.clock()
    clock.floor(1_000_500.0)
    assert clock.now() == 1_000_500.0
    hands.go(5)
    assert (clock.now(), clock.quality()) == (1_000_505.0, "stepped")


def test_a_clock_that_is_set_ahead_is_doubtful_until_it_is_synchronised() -> None:
    hands = Hands()
    clock = hands.clock()
    clock.floor(hands.wall_s)
    hands.wall_s += 365 * 86_400
    assert (clock.now(), clock.quality()) == (hands.wall_s, "leapt")
    hands.go(60)
    hands.is_synced = True
    assert (clock.now(), clock.quality()) == (hands.wall_s, "synced")
    hands.go(60)
    hands.is_synced = False
    assert (clock.now(), clock.quality()) == (hands.wall_s, "free")


def test_a_synchronised_clock_is_believed_when_it_steps_back() -> None:
    hands = Hands(synced=True)
    clock = hands.clock()
    clock.floor(2_000_000.0)
    assert (clock.now(), clock.quality()) == (1_000_000.0, "synced")


def test_the_time_of_a_moment_follows_the_monotonic_clock() -> None:
    hands = Hands()
    clock = hands.clock()
    assert clock.at(hands.mono_s - 2) == 999_998.0


def test_the_kernel_says_whether_its_clock_is_synchronised() -> None:
    assert kernel_synced() in (True, False)


def test_a_repeat_counts_from_the_first_presentation() -> None:
    watch = ReaderWatch(ReaderLimits())
    assert watch.admit("code", 5.0, 100.0) is Admission.DECIDE
    assert watch.admit("code", 5.0, 102.0) is Admission.REPEAT
    assert watch.admit("other", 5.0, 102.0) is Admission.DECIDE
    assert watch.admit("code", 5.0, 103.4) is Admission.REPEAT
    assert watch.admit("code", 5.0, 105.0) is Admission.DECIDE


@pytest.mark.parametrize("pause_s", [0.1, 1.4])
def test_a_code_held_before_a_scanner_is_one_presentation_however_long(pause_s: float) -> None:
    watch = ReaderWatch(ReaderLimits())
    answers = [watch.admit("code", 5.0, 100.0 + n * pause_s) for n in range(200)]
    assert answers == [Admission.DECIDE, *[Admission.REPEAT] * 199]
    assert watch.admit("code", 5.0, 100.0 + 199 * pause_s + 5) is Admission.DECIDE


def test_a_card_that_is_shown_again_and_again_is_decided_once_a_second() -> None:
    watch = ReaderWatch(ReaderLimits())
    answers = [watch.admit("card", 1.0, 100.0 + n / 4) for n in range(40)]
    assert [n for n, answer in enumerate(answers) if answer is Admission.DECIDE] == list(range(0, 40, 4))


def test_a_reader_that_is_slowed_takes_the_pin_that_it_asked_for() -> None:
    watch = ReaderWatch(ReaderLimits())
    for _ in range(5):
        watch.refused(100.0)
    assert watch.admit("card", 1.0, 110.0) is Admission.DECIDE
    assert watch.admit("pin", 1.0, 111.0, awaited=True) is Admission.DECIDE
    assert watch.admit("another", 1.0, 111.5) is Admission.THROTTLED


def test_an_alarmed_reader_is_slow_until_it_is_calm_or_grants() -> None:
    watch = ReaderWatch(ReaderLimits())
    alarms = [watch.refused(100.0 + n) for n in range(10)]
    assert alarms == [False, False, False, False, True, False, False, False, False, True]
    assert watch.admit(1, 1.0, 110.0) is Admission.DECIDE
    assert watch.admit(2, 1.0, 111.9) is Admission.THROTTLED
    assert watch.admit(2, 1.0, 112.0) is Admission.DECIDE
    watch.granted()
    assert watch.admit(3, 1.0, 112.1) is Admission.DECIDE
    for _ in range(5):
        watch.refused(113.0)
    assert watch.admit(4, 1.0, 113.1) is Admission.THROTTLED
    assert watch.admit(4, 1.0, 174.0) is Admission.DECIDE
    assert watch.admit(5, 1.0, 174.1) is Admission.DECIDE


def test_a_reader_gives_a_second_of_reads_at_once_and_no_more() -> None:
    watch = ReaderWatch(ReaderLimits(per_s=20))
    answers = [watch.admit(n, 1.0, 100.0) for n in range(30)]
    assert answers.count(Admission.DECIDE) == 20
    assert watch.tell_throttled(100.0) == 10
    assert watch.tell_throttled(100.5) == 0
    assert watch.admit(31, 1.0, 100.5) is Admission.DECIDE


class Falling:
    """A driver that falls as it is told."""

    def __init__(self, name: str, fall: Callable[[], None]) -> None:
        self.name, self.starts = name, 0
        self._fall = fall

    def devices(self) -> dict[str, Capabilities]:
        return {self.name: Capabilities()}

    def run(self, stop: threading.Event) -> None:
        self.starts += 1
        self._fall()
        stop.wait()

    def submit(self, command: Command) -> None: ...


def _lost() -> None:
    raise LinkLost("unplugged")


def _crash() -> None:
    raise ZeroDivisionError


def test_a_fallen_driver_starts_again_and_its_neighbour_does_not_notice() -> None:
    told: list[DeviceEvent] = []
    lost, crashed, steady = Falling("lost", _lost), Falling("crashed", _crash), Falling("steady", lambda: None)
    supervisor = Supervisor([lost, crashed, steady], told.append, min_s=0.02, max_s=0.05)
    supervisor.start()
    end = time.monotonic() + 5
    while min(lost.starts, crashed.starts) < 4 and time.monotonic() < end:
        time.sleep(0.01)
    supervisor.stop()
    assert min(lost.starts, crashed.starts) >= 4
    assert steady.starts == 1
    reasons = {each.device: each.reason for each in told if isinstance(each, LinkState)}
    assert reasons == {"lost": "unplugged", "crashed": "crashed: ZeroDivisionError"}


def test_a_driver_that_does_not_stop_is_left_behind() -> None:
    release = threading.Event()
    stubborn = Falling("stubborn", lambda: release.wait(5) and None)
    supervisor = Supervisor([stubborn], lambda event: None)
    supervisor.start()
    begin = time.monotonic()
    supervisor.stop(0.2)
    assert time.monotonic() - begin < 4
    release.set()


async def test_the_inbox_drops_reads_above_its_limit_and_never_levels() -> None:
    got: list[DeviceEvent] = []
    inbox = Inbox(asyncio.get_running_loop(), got.append, limit=5)
    await asyncio.to_thread(lambda: [inbox.put(card_read(card)) for card in range(9)])
    for _ in range(3):
        inbox.put(contact(is_open=True))
    await asyncio.sleep(0.05)
    assert inbox.dropped <= 4
    assert len(got) + inbox.dropped == 12
    assert sum(not hasattr(each, "bits") for each in got) == 3


async def test_a_reader_that_floods_keeps_nobody_elses_read_out() -> None:
    got: list[DeviceEvent] = []
    inbox = Inbox(asyncio.get_running_loop(), got.append, limit=5)
    for card in range(1_000):
        inbox.put(card_read(card))
    other = card_read(7, "another")
    inbox.put(other)
    await asyncio.sleep(0)
    assert got[-1] == other
    assert len(got) == 6


async def test_one_bad_event_does_not_end_the_inbox() -> None:
    got: list[DeviceEvent] = []

    def handle(event: DeviceEvent) -> None:
        got.append(event)
        if len(got) == 1:
            raise ValueError("bad event")

    inbox = Inbox(asyncio.get_running_loop(), handle)
    for card in range(200):
        inbox.put(card_read(card))
    end = time.monotonic() + 5
    while len(got) < 200 and time.monotonic() < end:
        await asyncio.sleep(0.01)
    assert len(got) == 200


@pytest.mark.parametrize("public_key", [b"", b"\x02" + bytes(32), b"\xff" * 33, bytes(64)])
def test_a_key_that_is_none_verifies_nothing(public_key: bytes) -> None:
    assert not verifies(public_key, b"signed", bytes(64))


def test_a_signature_verifies_under_its_own_key_alone() -> None:
    from gateway.access import mj1

    key = Key()
    code = mj1.parse(key.live(1_700_000_000))
    assert verifies(key.public, code.signed, code.signature)
    assert not verifies(Key().public, code.signed, code.signature)
    assert not verifies(key.public, code.signed + b"x", code.signature)
    assert not verifies(key.public, code.signed, code.signature[:40])

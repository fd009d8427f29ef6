from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.access.door import (
    DUE,
    TRANSITIONS,
    CommandEnded,
    ContactLevel,
    DoorConfig,
    DoorInput,
    DoorMode,
    DoorOutput,
    DoorState,
    Fire,
    FireEnded,
    FireLevel,
    FireReleased,
    FireReset,
    FireResetRefused,
    ForcedOpen,
    GrantGiven,
    LockdownLevel,
    ModeReleased,
    ModeSet,
    NotTaken,
    PulseLock,
    ReleaseLock,
    Relock,
    Resumed,
    RexLevel,
    ScheduleLevel,
    SecureLock,
    Taken,
    Tick,
    keep,
    next_tick,
    restore,
    step,
)
from tests.access.test_door import CONFIG, GRANT, NOT_TAKEN, OPEN, SHUT, SHUT_DOOR, TAKEN, run

CUT, WHOLE, RESET = FireLevel(False), FireLevel(True), FireReset()
LOCKDOWN, ALL_CLEAR = LockdownLevel(True), LockdownLevel(False)
FREE, SECURE = ReleaseLock(), SecureLock()
FIRST = GrantGiven("c1", "in", leads_in=True)
UNLOCKED, LOCKED = ModeSet(DoorMode.UNLOCKED), ModeSet(DoorMode.LOCKED)


def test_a_timed_mode_reverts_by_itself() -> None:
    state, said = run((0, ModeSet(DoorMode.UNLOCKED, for_s=600)), (599, Tick()))
    assert (said, state.mode, next_tick(state, CONFIG)) == ([FREE], DoorMode.UNLOCKED, 600)
    state, said = run((600, Tick()), state=state)
    assert (said, state.mode) == ([SECURE], DoorMode.LOCKED)


def test_a_schedule_unlocks_and_locks() -> None:
    state, said = run((0, ScheduleLevel(True)), (1, ScheduleLevel(True)))
    assert (said, state.mode) == ([FREE], DoorMode.UNLOCKED)
    assert run((2, ScheduleLevel(False)), state=state)[1] == [SECURE]


def test_with_first_in_the_schedule_waits_for_somebody_to_come_in() -> None:
    config = replace(CONFIG, first_in=True)
    state, said = run((0, ScheduleLevel(True)), (5, GRANT), (20, Tick()), config=config)
    assert (said, state.mode) == ([NOT_TAKEN], DoorMode.LOCKED)
    state, said = run((30, FIRST), (31, OPEN), (32, ScheduleLevel(True)), state=state, config=config)
    assert (said, state.mode) == ([TAKEN, FREE], DoorMode.UNLOCKED)
    state, said = run((40, ScheduleLevel(False)), (41, ScheduleLevel(True)), state=state, config=config)
    assert (said, state.mode) == ([SECURE], DoorMode.LOCKED)


def test_who_is_let_out_or_in_by_hand_or_by_a_responder_s_right_is_no_first_person_in() -> None:
    config = replace(CONFIG, first_in=True)
    assert run((0, ScheduleLevel(True)), (5, GRANT), (6, OPEN), config=config)[1] == [TAKEN]
    responder = replace(FIRST, lasts=True)
    state, _ = run((0, ScheduleLevel(True)), (1, LOCKDOWN), (2, responder), (3, OPEN), (9, ALL_CLEAR), config=config)
    assert state.mode is DoorMode.LOCKED


def test_where_nobody_sees_the_door_the_first_person_is_in_once_the_lock_released() -> None:
    config, ended = replace(CONFIG, first_in=True), CommandEnded
    asked, _ = run((0, ScheduleLevel(True)), (5, FIRST), state=DoorState(), config=config)
    assert not asked.free
    assert not run((6, ended("c1", released=False)), state=asked, config=config)[0].free
    assert run((6, ended("c1", released=True)), state=asked, config=config)[0].free


def test_first_in_outlives_a_restart_as_long_as_its_opening_and_no_longer() -> None:
    config = replace(CONFIG, first_in=True)
    state, _ = run((0, ScheduleLevel(True, until=3_600)), (5, FIRST), (6, OPEN), config=config)
    kept = keep(state, at=10, now=1_000)
    again = run((0, ScheduleLevel(True)), state=restore(kept, at=0, now=4_000), config=config)[0]
    assert again.mode is DoorMode.UNLOCKED
    next_day = run((0, ScheduleLevel(True)), state=restore(kept, at=0, now=87_000), config=config)[0]
    assert next_day.mode is DoorMode.LOCKED


def test_the_higher_order_holds() -> None:
    history: list[tuple[float, DoorInput]] = [
        (0, ScheduleLevel(True)), (1, ModeSet(DoorMode.BLOCKED)), (2, LOCKDOWN), (3, CUT)
    ]  # fmt: skip
    modes = []
    state = SHUT_DOOR
    for at, input_ in history:
        state, _ = step(state, input_, at, CONFIG)
        modes.append(state.mode)
    assert modes == [DoorMode.UNLOCKED, DoorMode.BLOCKED, DoorMode.LOCKED_DOWN, DoorMode.LOCKED_OPEN]
    for at, input_ in [(4.0, WHOLE), (5.0, RESET), (6.0, ALL_CLEAR), (7.0, ModeReleased())]:
        state, _ = step(state, input_, at, CONFIG)
        modes.append(state.mode)
    assert modes[4:] == [DoorMode.LOCKED_OPEN, DoorMode.LOCKED_DOWN, DoorMode.BLOCKED, DoorMode.UNLOCKED]


def test_a_guard_s_mode_does_not_end_a_lockdown() -> None:
    state, _ = run((0, ModeSet(DoorMode.LOCKED_DOWN)), (1, UNLOCKED), (2, ModeReleased()))
    assert state.mode is DoorMode.LOCKED_DOWN
    assert not state.admits


def test_a_cut_wire_is_fire_and_two_acts_end_it() -> None:
    state, said = run((0, FireLevel(None)))
    assert (said, state.mode) == ([FireReleased(), FREE], DoorMode.LOCKED_OPEN)
    assert run((1, RESET), state=state)[1] == [FireResetRefused()]
    state, said = run((1, WHOLE), (500, Tick()), state=state)
    assert (said, state.mode) == ([], DoorMode.LOCKED_OPEN)
    state, said = run((501, RESET), state=state)
    assert (said, state.mode) == ([FireEnded(), SECURE], DoorMode.LOCKED)


def test_fire_that_comes_back_before_the_reset_is_one_fire() -> None:
    assert run((0, CUT), (1, WHOLE), (2, CUT), (3, RESET))[1] == [FireReleased(), FREE, FireResetRefused()]


def test_a_door_outside_every_fire_zone_stays_as_it_is() -> None:
    assert run((0, CUT), config=replace(CONFIG, fire_release=False)) == (SHUT_DOOR, [])


@pytest.mark.parametrize("mode", [mode for mode in DoorMode if mode is not DoorMode.ACCESSED])
def test_a_request_to_exit_opens_in_every_mode_and_excuses_the_opening(mode: DoorMode) -> None:
    config = replace(CONFIG, rex_pulse_s=3)
    state, _ = run((0, RexLevel(False)), (1, ModeSet(mode)), config=config)
    state, said = run((2, RexLevel(True)), (3, OPEN), state=state, config=config)
    assert said == ([] if state.free else [PulseLock(3)])


def test_the_shunt_ends_some_time_after_the_request() -> None:
    state, said = run((0, RexLevel(True)), (3, RexLevel(False)), (4.9, OPEN), (4.95, SHUT))
    assert ForcedOpen() not in said
    assert run((5.1, OPEN), state=state)[1] == [ForcedOpen()]
    held, _ = run((0, RexLevel(True)), (60, OPEN))
    assert held.alarm == "Normal"


def test_a_request_first_seen_active_gives_no_pulse() -> None:
    assert run((0, RexLevel(True)), config=replace(CONFIG, rex_pulse_s=3))[1] == []


def test_the_shunt_is_as_long_as_the_release_at_least() -> None:
    config = replace(CONFIG, rex_pulse_s=10, rex_shunt_s=5)
    assert run((0, RexLevel(False)), (1, RexLevel(True)), (2, RexLevel(False)), (9, OPEN), config=config)[1] == [
        PulseLock(10)
    ]


def test_who_asked_to_leave_has_his_time_though_the_lock_would_be_secured_early() -> None:
    config = replace(CONFIG, relock=Relock.CLOSE, strike_s=3, rex_pulse_s=10)
    history: list[tuple[float, DoorInput]] = [(0, RexLevel(False)), (1, GRANT), (2, OPEN), (3, RexLevel(True))]
    state, said = run(*history, (4, SHUT), (12.9, Tick()), config=config)
    assert SECURE not in said
    assert run((13, Tick()), state=state, config=config)[1] == [SECURE]


def test_who_asks_to_leave_just_when_a_free_mode_ends_is_let_out() -> None:
    config = replace(CONFIG, rex_pulse_s=5)
    state, _ = run((0, RexLevel(False)), (1, UNLOCKED), (2, RexLevel(True)), config=config)
    state, said = run((60, ModeReleased()), (64, OPEN), state=state, config=config)
    assert said == [SECURE, PulseLock(5)]


@pytest.mark.parametrize("shut_off", [LOCKDOWN, ModeSet(DoorMode.BLOCKED), ModeSet(DoorMode.DOUBLE_LOCKED)])
def test_a_mode_that_admits_nobody_ends_the_grants_before_it(shut_off: DoorInput) -> None:
    state, said = run((0, GRANT), (1, shut_off))
    assert (said, state.grants) == ([NOT_TAKEN, SECURE], ())
    assert run((2, OPEN), state=state)[1] == [ForcedOpen()]


def test_a_lockdown_stops_nobody_who_leaves() -> None:
    state, said = run((0, GrantGiven("c1", "out", lasts=True)), (1, LOCKDOWN))
    assert (said, len(state.grants)) == ([], 1)
    config = replace(CONFIG, rex_pulse_s=5)
    state, said = run((0, RexLevel(False)), (1, GRANT), (2, RexLevel(True)), (3, LOCKDOWN), config=config)
    assert said == [PulseLock(5), NOT_TAKEN]
    assert run((7, Tick()), state=state, config=config)[1] == [SECURE]


def test_the_lock_is_secured_once_the_door_has_opened() -> None:
    config = replace(CONFIG, relock=Relock.OPEN, relock_delay_s=0.5)
    state, said = run((0, GRANT), (1, OPEN), (1.5, Tick()), config=config)
    assert said == [TAKEN, SECURE]
    assert run((1.6, SHUT), (1.7, OPEN), state=state, config=config)[1][-1] == ForcedOpen()


def test_the_lock_is_secured_once_the_door_is_shut_again() -> None:
    config = replace(CONFIG, relock=Relock.CLOSE, relock_delay_s=0)
    assert run((0, GRANT), (1, OPEN), (2, SHUT), (2, Tick()), config=config)[1][-1] == SECURE


def test_a_second_person_s_grant_holds_the_lock_back_from_securing() -> None:
    config = replace(CONFIG, relock=Relock.CLOSE, relock_delay_s=1)
    history: list[tuple[float, DoorInput]] = [(0, GRANT), (1, OPEN), (2, SHUT), (2.5, GrantGiven("c2", "in"))]
    assert run(*history, (3.4, Tick()), config=config)[1][-1] != SECURE


def test_who_needs_longer_gets_longer() -> None:
    extended = GrantGiven("c1", "in", extended=True)
    assert run((0, extended), (9, OPEN))[1] == [TAKEN]
    assert run((0, extended), (2, CommandEnded("c1", released=True)), (11.5, OPEN))[1] == [TAKEN]


def test_what_must_outlive_a_restart_does() -> None:
    state, _ = run((0, LOCKDOWN), (1, ModeSet(DoorMode.UNLOCKED, for_s=100)), (2, CUT), (3, WHOLE), (4, GRANT))
    kept = keep(state, at=10, now=1_000)
    back = restore(kept, at=7_000, now=1_030)
    assert (back.fire, back.lockdown, back.grants, back.open) == (Fire.BURNING, True, (), None)
    assert back.order is not None
    assert back.order.until == 7_000 + 101 - 10 - 30
    assert run((7_000, Resumed()), state=back)[1] == [FREE]
    assert run((7_000, WHOLE), (7_001, Tick()), state=back)[0].mode is DoorMode.LOCKED_OPEN


def test_an_order_that_ran_out_while_the_process_was_down_is_over() -> None:
    state, _ = run((0, ModeSet(DoorMode.UNLOCKED, for_s=60)))
    back = restore(keep(state, at=0, now=1_000), at=0, now=2_000)
    assert run((0, Resumed()), state=back)[1] == [SECURE, SECURE]


def test_a_start_and_a_lost_link_move_no_lock() -> None:
    assert (
        run((0, ContactLevel(None)), (1, ContactLevel(True)), (2, RexLevel(None)), (3, Tick()), state=DoorState())[1]
        == []
    )


def test_the_last_row_of_each_input_holds_for_whatever_is_left() -> None:
    last = {row.input: row.when for row in TRANSITIONS}
    assert set(last.values()) <= {"always", "else", "open, else", "nobody knows", "no fire", "whole, in fire"}
    assert set(last) == set(get_args(DoorInput))
    assert len(DUE) == len({row.what for row in DUE})


lasting = st.sampled_from([mode for mode in DoorMode if mode is not DoorMode.ACCESSED])
levels = st.sampled_from([True, False, None])


class DoorModel(RuleBasedStateMachine):
    """Every order of events, with restarts: what must never happen does not."""

    @initialize(
        relock=st.sampled_from(Relock), first_in=st.booleans(), rex_pulse_s=st.sampled_from([0, 3]), resting=lasting
    )
    def start(self, relock: Relock, first_in: bool, rex_pulse_s: float, resting: DoorMode) -> None:
        self.config = DoorConfig(relock=relock, first_in=first_in, rex_pulse_s=rex_pulse_s, relock_delay_s=1)
        self.resting = resting
        self.state, self.at, self.locks = DoorState(resting), 0.0, [None]
        self.given: set[str] = set()
        self.lead_in: set[str] = set()
        self.let_out_until = 0.0
        self.serial = 0

    def do(self, input_: DoorInput) -> tuple[DoorOutput, ...]:
        in_fire = self.state.fire is not Fire.CLEAR
        was = self.state
        self.state, said = step(was, input_, self.at, self.config)
        if in_fire and self.state.fire is not Fire.CLEAR:
            assert SecureLock() not in said
        self.nobody_who_leaves_is_stopped(was, input_, said)
        self.only_a_person_let_in_is_the_first(was, input_, said)
        for each in said:
            if isinstance(each, Taken | NotTaken):
                assert each.command_id in self.given  # no passage without its grant, and one end each
                self.given.remove(each.command_id)
        return said

    def nobody_who_leaves_is_stopped(self, was: DoorState, input_: DoorInput, said: tuple[DoorOutput, ...]) -> None:
        """Inside the time of a request to exit, and at its button, a secured lock is released again in one breath."""
        pulsed = [each for each in said if isinstance(each, PulseLock)]
        assert isinstance(input_, RexLevel) or not pulsed or SecureLock() in said
        if SecureLock() in said and self.at < self.let_out_until - 1e-6:
            assert isinstance(said[-1], PulseLock)
        if was.free and not self.state.free and was.rex and self.config.rex_pulse_s:
            assert PulseLock(self.config.rex_pulse_s) in said
        if pulsed:
            self.let_out_until = self.at + pulsed[-1].seconds
        if isinstance(input_, ModeSet | ModeReleased | LockdownLevel):
            last = {grant.command_id for grant in was.grants if grant.lasts and grant.until > self.at}
            assert last <= {grant.command_id for grant in self.state.grants}

    def only_a_person_let_in_is_the_first(
        self, was: DoorState, input_: DoorInput, said: tuple[DoorOutput, ...]
    ) -> None:
        if self.config.first_in and self.state.first_in and not was.first_in:
            taken = {each.command_id for each in said if isinstance(each, Taken)}
            unseen = {input_.command_id} if isinstance(input_, CommandEnded) and input_.released else set()
            assert self.state.scheduled
            assert (taken | unseen) & self.lead_in

    @rule(wait=st.floats(0, 50))
    def wait(self, wait: float) -> None:
        end = self.at + wait
        while (due := next_tick(self.state, self.config)) is not None and due <= end:
            self.at = max(self.at, due)
            self.do(Tick())
        self.at = end
        self.do(Tick())

    @rule(open=levels)
    def contact(self, open: bool | None) -> None:
        self.do(ContactLevel(open))

    @rule(extended=st.booleans(), out=st.booleans(), by_hand=st.booleans())
    def grant(self, extended: bool, out: bool, by_hand: bool) -> None:
        self.do(Tick())
        self.serial += 1
        id_ = f"c{self.serial}"
        self.given.add(id_)
        if not out and not by_hand:
            self.lead_in.add(id_)
        self.do(GrantGiven(id_, "in", extended, out or not self.state.admits, id_ in self.lead_in))

    @rule(back=st.integers(0, 2), released=levels)
    def ended(self, back: int, released: bool | None) -> None:
        self.do(CommandEnded(f"c{self.serial - back}", released))

    @rule(mode=lasting, for_s=st.none() | st.floats(1, 100))
    def order(self, mode: DoorMode, for_s: float | None) -> None:
        self.do(ModeSet(mode, for_s))
        if self.state.fire is Fire.CLEAR and mode is not DoorMode.LOCKED_DOWN and not self.state.lockdown:
            assert self.state.base is mode

    @rule(input_=st.sampled_from([ModeReleased(), LOCKDOWN, ALL_CLEAR, ScheduleLevel(True), ScheduleLevel(False)]))
    def other(self, input_: DoorInput) -> None:
        self.do(input_)

    @rule(whole=levels)
    def fire(self, whole: bool | None) -> None:
        before = self.state.fire
        self.do(FireLevel(whole))
        if not whole or before is not Fire.CLEAR:
            assert self.state.free  # until both acts are done

    @rule()
    def reset(self) -> None:
        before = self.state.fire
        self.do(RESET)
        assert (self.state.fire is Fire.CLEAR) == (before is not Fire.BURNING)

    @rule()
    def leave(self) -> None:
        """Whatever stands, a press that is seen releases the lock."""
        self.do(RexLevel(False))
        said = self.do(RexLevel(True))
        assert self.state.free or not self.config.rex_pulse_s or PulseLock(self.config.rex_pulse_s) in said

    @rule()
    def restart(self) -> None:
        kept: dict[str, Any] = keep(self.state, self.at, 1_000_000 + self.at)
        was = self.state
        self.state = restore(kept, 0.0, 1_000_000 + self.at, self.resting)
        self.at = 0.0
        self.given.clear()
        self.let_out_until = 0.0
        assert (self.state.fire is Fire.CLEAR) == (was.fire is Fire.CLEAR)
        assert self.state.lockdown == was.lockdown
        said = self.do(Resumed())
        assert set(map(type, said)) <= {ReleaseLock, SecureLock}

    @invariant()
    def where_nobody_is_admitted_no_earlier_grant_stands(self) -> None:
        assert self.state.admits or all(grant.lasts for grant in self.state.grants)

    @precondition(lambda self: self.state.fire is Fire.CLEAR)
    @invariant()
    def a_lockdown_admits_nobody(self) -> None:
        assert not (self.state.lockdown and self.state.admits)


TestDoorModel = DoorModel.TestCase

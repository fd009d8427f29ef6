import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.door import (
    MODES,
    Closed,
    CommandEnded,
    ContactLevel,
    DoorAlarm,
    DoorConfig,
    DoorInput,
    DoorMode,
    DoorOutput,
    DoorState,
    ForcedOpen,
    GrantGiven,
    HeldSoon,
    ModeSet,
    NotTaken,
    OpenTooLong,
    ReleaseLock,
    SecureLock,
    Taken,
    Tick,
    next_tick,
    step,
)

OPEN, SHUT, UNSEEN = ContactLevel(True), ContactLevel(False), ContactLevel(None)
CONFIG = DoorConfig(strike_s=3, held_open_s=30, pre_alarm_s=5, grace_s=1)
SHUT_DOOR = DoorState(open=False)
GRANT, TAKEN, NOT_TAKEN = GrantGiven("c1", "in"), Taken("c1", "in"), NotTaken("c1", "in")


def run(
    *inputs: tuple[float, DoorInput], state: DoorState = SHUT_DOOR, config: DoorConfig = CONFIG
) -> tuple[DoorState, list[DoorOutput]]:
    said: list[DoorOutput] = []
    for at, input_ in inputs:
        state, outputs = step(state, input_, at, config)
        said += outputs
    return state, said


def test_a_granted_opening_is_taken() -> None:
    state, said = run((0, GRANT), (1, OPEN))
    assert said == [TAKEN]
    assert state.mode is DoorMode.ACCESSED
    assert state.alarm is DoorAlarm.NORMAL


def test_a_grant_that_nobody_uses_is_not_taken() -> None:
    state, said = run((0, GRANT), (3.9, Tick()))
    assert (said, state.mode) == ([], DoorMode.ACCESSED)
    state, said = run((4, Tick()), state=state)
    assert (said, state.mode) == ([NOT_TAKEN], DoorMode.LOCKED)


def test_an_opening_without_a_grant_is_forced() -> None:
    state, said = run((0, OPEN))
    assert said == [ForcedOpen()]
    assert state.alarm is DoorAlarm.DOOR_FORCED_OPEN
    state, said = run((1, SHUT), state=state)
    assert said == [Closed(DoorAlarm.DOOR_FORCED_OPEN)]
    assert state.alarm is DoorAlarm.NORMAL


def test_an_opening_after_the_grant_s_time_is_forced_even_if_no_tick_came_between() -> None:
    assert run((0, GRANT), (10, OPEN))[1] == [NOT_TAKEN, ForcedOpen()]


def test_an_opening_that_is_reported_late_is_still_taken() -> None:
    assert run((0, GRANT), (3.5, OPEN))[1] == [TAKEN]


def test_the_grant_s_time_runs_from_the_moment_the_lock_released() -> None:
    assert run((0, GRANT), (2, CommandEnded("c1", released=True)), (5.5, OPEN))[1] == [TAKEN]


def test_a_grant_that_never_released_the_lock_excuses_no_opening() -> None:
    assert run((0, GRANT), (0.5, CommandEnded("c1", released=False)), (1, OPEN))[1] == [ForcedOpen()]


def test_a_grant_of_unknown_outcome_keeps_its_time() -> None:
    assert run((0, GRANT), (0.5, CommandEnded("c1", released=None)), (1, OPEN))[1] == [TAKEN]


def test_a_door_that_bounces_in_its_grant_s_time_is_taken_once_and_not_forced() -> None:
    assert run((0, GRANT), (1, OPEN), (1.2, SHUT), (1.4, OPEN))[1] == [TAKEN, Closed(DoorAlarm.NORMAL)]


def test_a_repeated_level_says_nothing_new() -> None:
    assert run((0, OPEN), (1, OPEN), (2, SHUT), (3, SHUT))[1] == [ForcedOpen(), Closed(DoorAlarm.DOOR_FORCED_OPEN)]


def test_two_grants_and_one_opening_are_two_passages() -> None:
    assert run((0, GRANT), (1, GrantGiven("c2", "out")), (2, OPEN))[1] == [TAKEN, Taken("c2", "out")]


def test_a_grant_at_a_standing_door_is_taken_and_starts_the_held_time_again() -> None:
    state, said = run((0, GRANT), (1, OPEN), (20, GrantGiven("c2", "in")), (44, Tick()))
    assert said == [TAKEN, Taken("c2", "in")]
    assert run((45, Tick()), state=state)[1] == [HeldSoon()]


def test_a_door_held_open_warns_then_alarms_once() -> None:
    state, said = run((0, GRANT), (1, OPEN), (25.9, Tick()))
    assert said == [TAKEN]
    state, said = run((26, Tick()), (27, Tick()), state=state)
    assert (said, state.alarm) == ([HeldSoon()], DoorAlarm.NORMAL)
    state, said = run((31, Tick()), (100, Tick()), state=state)
    assert (said, state.alarm) == ([OpenTooLong()], DoorAlarm.DOOR_OPEN_TOO_LONG)
    assert run((101, SHUT), state=state)[1] == [Closed(DoorAlarm.DOOR_OPEN_TOO_LONG)]


def test_a_late_tick_loses_no_warning() -> None:
    assert run((0, GRANT), (1, OPEN), (99, Tick()))[1] == [TAKEN, HeldSoon(), OpenTooLong()]


def test_a_short_held_time_has_no_pre_alarm() -> None:
    assert run((0, GRANT), (1, OPEN), (9, Tick()), config=DoorConfig(held_open_s=4))[1] == [TAKEN, OpenTooLong()]


def test_a_forced_door_that_stays_open_keeps_its_alarm() -> None:
    state, said = run((0, OPEN), (100, Tick()))
    assert (said, state.alarm) == ([ForcedOpen()], DoorAlarm.DOOR_FORCED_OPEN)


def test_a_door_found_open_is_not_called_forced_but_held() -> None:
    assert run((0, OPEN), (31, Tick()), state=DoorState())[1] == [HeldSoon(), OpenTooLong()]
    assert run((0, UNSEEN), (1, OPEN))[1] == []


def test_an_alarm_outlives_a_lost_link_and_ends_when_the_door_is_seen_shut() -> None:
    state, _ = run((0, OPEN), (1, UNSEEN))
    assert state.alarm is DoorAlarm.DOOR_FORCED_OPEN
    assert run((2, OPEN), state=state)[0].alarm is DoorAlarm.DOOR_FORCED_OPEN
    assert run((2, SHUT), state=state)[1] == [Closed(DoorAlarm.DOOR_FORCED_OPEN)]


def test_a_door_that_nobody_sees_tells_nothing_of_a_grant() -> None:
    state, said = run((0, GRANT), (10, Tick()), state=DoorState())
    assert (said, state.mode) == ([], DoorMode.LOCKED)


@pytest.mark.parametrize("mode", [DoorMode.UNLOCKED, DoorMode.LOCKED_OPEN])
def test_an_unlocked_door_may_be_open(mode: DoorMode) -> None:
    state, said = run((0, ModeSet(mode)), (1, OPEN), (999, Tick()))
    assert (said, state.mode, state.alarm) == ([ReleaseLock()], mode, DoorAlarm.NORMAL)


def test_locking_an_open_door_starts_its_held_time() -> None:
    state, said = run((0, ModeSet(DoorMode.UNLOCKED)), (1, OPEN), (500, ModeSet(DoorMode.LOCKED)), (524, Tick()))
    assert said == [ReleaseLock(), SecureLock()]
    assert run((525, Tick()), state=state)[1] == [HeldSoon()]


def test_unlocking_ends_an_alarm() -> None:
    assert run((0, OPEN), (1, ModeSet(DoorMode.UNLOCKED)))[0].alarm is DoorAlarm.NORMAL


def test_only_some_modes_let_a_credential_in() -> None:
    shut = {mode for mode, rule in MODES.items() if not rule.admits}
    assert shut == {DoorMode.BLOCKED, DoorMode.LOCKED_DOWN, DoorMode.DOUBLE_LOCKED}
    assert set(MODES) == set(DoorMode)
    assert not run((0, ModeSet(DoorMode.LOCKED_DOWN)))[0].admits


def test_a_grant_does_not_hide_a_lockdown() -> None:
    assert run((0, ModeSet(DoorMode.LOCKED_DOWN)), (1, GRANT), (2, OPEN))[0].mode is DoorMode.LOCKED_DOWN


def test_accessed_cannot_be_set_by_hand() -> None:
    with pytest.raises(ValueError, match="Accessed"):
        step(SHUT_DOOR, ModeSet(DoorMode.ACCESSED), 0, CONFIG)


def test_a_door_at_rest_needs_no_tick() -> None:
    assert next_tick(SHUT_DOOR, CONFIG) is None
    assert next_tick(run((0, GRANT))[0], CONFIG) == 4
    assert next_tick(run((0, GRANT), (1, OPEN), (5, Tick()))[0], CONFIG) == 26
    assert next_tick(run((0, OPEN))[0], CONFIG) is None


ids = st.sampled_from(["a", "b", "c"])
inputs = st.one_of(
    st.sampled_from([OPEN, SHUT, UNSEEN, Tick()]),
    st.builds(GrantGiven, ids, st.just("in")),
    st.builds(CommandEnded, ids, st.none() | st.booleans()),
    st.sampled_from([mode for mode in DoorMode if mode is not DoorMode.ACCESSED]).map(ModeSet),
)
histories = st.lists(st.tuples(st.floats(0, 40), inputs), max_size=30)


@given(histories)
def test_ticks_at_the_times_asked_for_change_nothing_that_is_said(history: list[tuple[float, DoorInput]]) -> None:
    plain = ticked = SHUT_DOOR
    said_plain: list[DoorOutput] = []
    said_ticked: list[DoorOutput] = []
    now = 0.0
    for wait, input_ in [*history, (100.0, Tick())]:
        while (due := next_tick(ticked, CONFIG)) is not None and due < now + wait:
            ticked, outputs = step(ticked, Tick(), max(due, now), CONFIG)
            said_ticked += outputs
        now += wait
        plain, outputs = step(plain, input_, now, CONFIG)
        said_plain += outputs
        ticked, outputs = step(ticked, input_, now, CONFIG)
        said_ticked += outputs
    assert plain == ticked
    assert sorted(said_plain, key=repr) == sorted(said_ticked, key=repr)


@given(histories)
def test_each_grant_ends_at_most_once_and_alarms_need_an_open_door(history: list[tuple[float, DoorInput]]) -> None:
    state, now, given_, ended = SHUT_DOOR, 0.0, 0, 0
    for wait, input_ in history:
        now += wait
        given_ += isinstance(input_, GrantGiven)
        state, outputs = step(state, input_, now, CONFIG)
        ended += sum(isinstance(output, Taken | NotTaken) for output in outputs)
        assert state.alarm is DoorAlarm.NORMAL or state.open is not False
        assert step(state, Tick(), now, CONFIG) == (state, ())
    assert ended <= given_

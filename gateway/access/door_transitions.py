"""What a door does, in two tables: TRANSITIONS for each input, DUE for what time brings."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from gateway.access.door_words import (
    MODES,
    Closed,
    CommandEnded,
    ContactLevel,
    DoorAlarm,
    DoorConfig,
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
    Grant,
    GrantGiven,
    HeldSoon,
    LockdownLevel,
    ModeReleased,
    ModeSet,
    NotTaken,
    OpenTooLong,
    Order,
    PulseLock,
    ReleaseLock,
    Relock,
    Resumed,
    RexLevel,
    ScheduleLevel,
    SecureLock,
    Taken,
    Tick,
)

Step = tuple[DoorState, tuple[DoorOutput, ...]]


class Moment(NamedTuple):
    """What a transition looks at."""

    state: DoorState
    input: Any  # of the transition's own type
    at: float
    config: DoorConfig


class Transition(NamedTuple):
    """For this input, if `holds`: `then`. The words stand in the README."""

    input: type
    when: str
    holds: Callable[[Moment], bool]
    what: str
    then: Callable[[Moment], Step]


class Due(NamedTuple):
    """At the time that `due` gives: `then`."""

    what: str
    due: Callable[[DoorState, DoorConfig], float | None]
    then: Callable[[Moment], Step]


def _stay(m: Moment) -> Step:
    return m.state, ()


def _unseen(m: Moment) -> Step:
    return replace(m.state, open=None), ()


def _opened(m: Moment) -> DoorState:
    return replace(m.state, open=True, open_since=m.at, warned=False)


def _open_taken(m: Moment) -> Step:
    return _take(_opened(m), m)


def _open_quiet(m: Moment) -> Step:
    return _opened(m), ()


def _open_forced(m: Moment) -> Step:
    return replace(_opened(m), alarm=DoorAlarm.DOOR_FORCED_OPEN), (ForcedOpen(),)


def _quiet(m: Moment) -> bool:
    """An opening that nobody saw, that somebody asked for from inside, or of a door that is not watched."""
    return m.state.open is None or m.state.shunt_until is not None or not MODES[m.state.base].watched


def _shut(m: Moment) -> Step:
    ends = m.state.open or m.state.alarm is not DoorAlarm.NORMAL
    said = (Closed(m.state.alarm),) if ends else ()
    relock = m.config.relock is Relock.CLOSE and any(grant.taken for grant in m.state.grants)
    at = m.at + m.config.relock_delay_s if relock else m.state.relock_at
    return replace(m.state, open=False, alarm=DoorAlarm.NORMAL, warned=False, relock_at=at), said


def _take(state: DoorState, m: Moment) -> Step:
    """Every grant that waits is taken: a contact sees a door, it does not count people."""
    waiting = [grant for grant in state.grants if not grant.taken]
    taken = tuple(replace(grant, taken=True) for grant in state.grants)
    relock_at = m.at + m.config.relock_delay_s if m.config.relock is Relock.OPEN else None
    state = replace(state, grants=taken, relock_at=relock_at, first_in=_first_in(state, taken))
    return state, tuple(Taken(grant.command_id, grant.access_point) for grant in waiting)


def _first_in(state: DoorState, passing: Iterable[Grant]) -> bool:
    """Whether the first person is in, now that these pass. A responder in a lockdown opens the door for nobody else."""
    return state.first_in or (state.scheduled and state.admits and any(grant.leads_in for grant in passing))


def _until(m: Moment, extended: bool) -> float:
    return m.at + (m.config.extended_s if extended else m.config.strike_s) + m.config.grace_s


def _granted(m: Moment) -> Step:
    given: GrantGiven = m.input
    more = {"extended": given.extended, "lasts": given.lasts, "leads_in": given.leads_in}
    grant = Grant(given.command_id, given.access_point, _until(m, given.extended), **more)
    return replace(m.state, grants=(*m.state.grants, grant), relock_at=None), ()


def _granted_standing(m: Moment) -> Step:
    state, _ = _granted(m)
    return _take(replace(state, open_since=m.at, warned=False), m)  # the door stands open: this person passes now


def _released(m: Moment) -> Step:
    grants = tuple(
        replace(grant, until=_until(m, grant.extended)) if grant.command_id == m.input.command_id else grant
        for grant in m.state.grants
    )
    unseen = [g for g in grants if g.command_id == m.input.command_id and m.state.open is None]  # nobody sees him pass
    return replace(m.state, grants=grants, first_in=_first_in(m.state, unseen)), ()


def _not_released(m: Moment) -> Step:
    return replace(m.state, grants=tuple(g for g in m.state.grants if g.command_id != m.input.command_id)), ()


def _ordered(m: Moment) -> Step:
    if m.input.mode is DoorMode.ACCESSED:
        raise ValueError("Accessed is a grant's own mode")
    return replace(m.state, order=Order(m.input.mode, None if m.input.for_s is None else m.at + m.input.for_s)), ()


def _fire(m: Moment) -> Step:
    said = (FireReleased(),) if m.state.fire is Fire.CLEAR else ()
    return replace(m.state, fire=Fire.BURNING), said


def _scheduled(m: Moment) -> Step:
    first_in = m.input.open and (not m.config.first_in or m.state.first_in)
    return replace(m.state, scheduled=m.input.open, scheduled_until=m.input.until, first_in=first_in), ()


def _asked_out(m: Moment) -> Step:
    shunt_s = max(m.config.rex_shunt_s, m.config.rex_pulse_s)
    state = replace(m.state, rex=True, shunt_until=m.at + shunt_s)
    if m.config.rex_pulse_s == 0 or m.state.rex is not False or m.state.free:
        return state, ()
    return replace(state, rex_until=m.at + m.config.rex_pulse_s), (PulseLock(m.config.rex_pulse_s),)


def _level(m: Moment) -> Step:
    return m.state, (ReleaseLock(),) if m.state.free else _secure(m.state, m.at)


def _secure(state: DoorState, at: float) -> tuple[DoorOutput, ...]:
    """The lock is secured, but for who leaves: he has the rest of his time."""
    return (SecureLock(),) if state.rex_until is None else (SecureLock(), PulseLock(state.rex_until - at))


def _else(m: Moment) -> bool:
    return True


TRANSITIONS = (
    Transition(ContactLevel, "the level is known", lambda m: m.input.open is m.state.open, "nothing", _stay),
    Transition(ContactLevel, "nobody can say", lambda m: m.input.open is None, "an alarm stays", _unseen),
    Transition(ContactLevel, "shut", lambda m: not m.input.open, "Closed; any alarm ends", _shut),
    Transition(ContactLevel, "open, a grant stands", lambda m: bool(m.state.grants), "Taken, each grant", _open_taken),
    Transition(ContactLevel, "open, unseen before, shunted or not watched", _quiet, "nothing", _open_quiet),
    Transition(ContactLevel, "open, else", _else, "ForcedOpen", _open_forced),
    Transition(GrantGiven, "the door stands open", lambda m: m.state.open is True, "Taken at once", _granted_standing),
    Transition(GrantGiven, "else", _else, "it waits for the door", _granted),
    Transition(CommandEnded, "it released", lambda m: m.input.released is True, "its time starts anew", _released),
    Transition(CommandEnded, "it did not", lambda m: m.input.released is False, "the grant is void", _not_released),
    Transition(CommandEnded, "nobody knows", _else, "the grant stands", _stay),
    Transition(
        ModeSet,
        "LockedDown",
        lambda m: m.input.mode is DoorMode.LOCKED_DOWN,
        "lockdown",
        lambda m: (replace(m.state, lockdown=True), ()),
    ),
    Transition(ModeSet, "else", _else, "the guard's mode, for its time", _ordered),
    Transition(ModeReleased, "always", _else, "no guard's mode", lambda m: (replace(m.state, order=None), ())),
    Transition(
        LockdownLevel,
        "always",
        _else,
        "lockdown begins or ends",
        lambda m: (replace(m.state, lockdown=m.input.on), ()),
    ),
    Transition(ScheduleLevel, "always", _else, "unlocked, with first-in after the first person in", _scheduled),
    Transition(FireLevel, "fire does not release this door", lambda m: not m.config.fire_release, "nothing", _stay),
    Transition(FireLevel, "not whole, or nobody can say", lambda m: not m.input.whole, "FireReleased, latched", _fire),
    Transition(FireLevel, "whole, no fire", lambda m: m.state.fire is Fire.CLEAR, "nothing", _stay),
    Transition(
        FireLevel,
        "whole, in fire",
        _else,
        "still released, waits for a reset",
        lambda m: (replace(m.state, fire=Fire.LATCHED), ()),
    ),
    Transition(
        FireReset,
        "whole again",
        lambda m: m.state.fire is Fire.LATCHED,
        "FireEnded",
        lambda m: (replace(m.state, fire=Fire.CLEAR), (FireEnded(),)),
    ),
    Transition(
        FireReset,
        "not whole",
        lambda m: m.state.fire is Fire.BURNING,
        "FireResetRefused",
        lambda m: (m.state, (FireResetRefused(),)),
    ),
    Transition(FireReset, "no fire", _else, "nothing", _stay),
    Transition(RexLevel, "the level is known", lambda m: m.input.active is m.state.rex, "nothing", _stay),
    Transition(
        RexLevel,
        "active, in any mode",
        lambda m: m.input.active is True,
        "shunted; PulseLock if the lock is not wired to it and it was seen idle before",
        _asked_out,
    ),
    Transition(
        RexLevel,
        "else",
        _else,
        "the shunt runs out",
        lambda m: (replace(m.state, rex=m.input.active), ()),
    ),
    Transition(Resumed, "always", _else, "ReleaseLock or SecureLock, as the mode is", _level),
    Transition(Tick, "always", _else, "nothing", _stay),
)
"""The first row of an input that holds is the one that is done. After each, the lock follows the mode (`settle`)."""


def _grant_due(state: DoorState, config: DoorConfig) -> float | None:
    return min((grant.until for grant in state.grants), default=None)


def _grant_over(m: Moment) -> Step:
    return _end(m.state, [grant for grant in m.state.grants if grant.until <= m.at])


def _end(state: DoorState, over: Collection[Grant]) -> Step:
    unused = [grant for grant in over if not grant.taken and state.open is not None]  # unseen doors say nothing
    said = tuple(NotTaken(grant.command_id, grant.access_point) for grant in unused)
    return replace(state, grants=tuple(grant for grant in state.grants if grant not in over)), said


def _held(state: DoorState) -> bool:
    return state.open is True and state.alarm is DoorAlarm.NORMAL and MODES[state.base].watched


def _warning_due(state: DoorState, config: DoorConfig) -> float | None:
    warns = _held(state) and not state.warned and 0 < config.pre_alarm_s < config.held_open_s
    return state.open_since + (config.held_open_s - config.pre_alarm_s) if warns else None


def _alarm_due(state: DoorState, config: DoorConfig) -> float | None:
    return state.open_since + config.held_open_s if _held(state) else None


def _alarmed(m: Moment) -> Step:
    return replace(m.state, warned=True, alarm=DoorAlarm.DOOR_OPEN_TOO_LONG), (OpenTooLong(),)


def _relock_due(state: DoorState, config: DoorConfig) -> float | None:
    return None if state.relock_at is None else max(state.relock_at, state.rex_until or state.relock_at)


def _relocked(m: Moment) -> Step:
    kept = tuple(grant for grant in m.state.grants if not grant.taken)
    said = () if kept or m.state.free else (SecureLock(),)
    return replace(m.state, relock_at=None, grants=kept), said


DUE = (
    Due(
        "a request to exit has had its time",
        lambda state, _: state.rex_until,
        lambda m: (replace(m.state, rex_until=None), ()),
    ),
    Due("a grant's time is over: NotTaken, if nobody went", _grant_due, _grant_over),
    Due("the lock is secured early (relock), once no request to exit runs: SecureLock", _relock_due, _relocked),
    Due(
        "a guard's mode ends",
        lambda state, _: None if state.order is None else state.order.until,
        lambda m: (replace(m.state, order=None), ()),
    ),
    Due(
        "the shunt ends, once the request to exit is idle",
        lambda state, _: None if state.rex else state.shunt_until,
        lambda m: (replace(m.state, shunt_until=None), ()),
    ),
    Due("open for nearly too long: HeldSoon", _warning_due, lambda m: (replace(m.state, warned=True), (HeldSoon(),))),
    Due("open for too long: OpenTooLong", _alarm_due, _alarmed),
)


def settle(m: Moment, after: DoorState) -> Step:
    """The grants, the lock and the alarms follow the mode, if that changed."""
    after, ended = _shut_out(m, after)
    after, lock = _follow(m, after)
    watched, was = MODES[after.base].watched, MODES[m.state.base].watched
    if watched and not was:
        return replace(after, open_since=m.at), ended + lock  # an open door gets its time anew
    return (after if watched else replace(after, alarm=DoorAlarm.NORMAL, warned=False)), ended + lock


def _shut_out(m: Moment, after: DoorState) -> Step:
    """In a mode that admits nobody, no earlier grant holds the lock released; but nobody who leaves is stopped."""
    ended = [grant for grant in after.grants if not grant.lasts]
    if after.admits or not m.state.admits or not ended:
        return after, ()
    after, said = _end(after, ended)
    if after.grants or m.state.free:
        return after, said
    if after.rex_until is not None:
        return replace(after, relock_at=after.rex_until), said
    return after, (*said, SecureLock())


def _follow(m: Moment, after: DoorState) -> Step:
    """The lock follows the mode. Who asks to leave just when a free mode ends is let out."""
    if after.free is m.state.free:
        return after, ()
    if after.free:
        return after, (ReleaseLock(),)
    if not after.rex or m.config.rex_pulse_s == 0:
        return after, _secure(after, m.at)
    until = m.at + m.config.rex_pulse_s
    after = replace(after, rex_until=until, shunt_until=max(until, after.shunt_until or until))
    return after, (SecureLock(), PulseLock(m.config.rex_pulse_s))

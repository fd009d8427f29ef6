"""A door as a state machine, stepped from levels: a repeated level changes nothing, a missed edge loses nothing.

Times are seconds on any one clock that never goes back. Words: ONVIF Door Control Service (DoorMode, DoorAlarm).
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple


class DoorMode(StrEnum):
    """What the door is at."""

    UNKNOWN = "Unknown"
    LOCKED = "Locked"
    UNLOCKED = "Unlocked"
    ACCESSED = "Accessed"  # released for a moment by a grant
    BLOCKED = "Blocked"
    LOCKED_DOWN = "LockedDown"
    LOCKED_OPEN = "LockedOpen"
    DOUBLE_LOCKED = "DoubleLocked"


class DoorAlarm(StrEnum):
    """What is wrong with the door."""

    NORMAL = "Normal"
    DOOR_FORCED_OPEN = "DoorForcedOpen"
    DOOR_OPEN_TOO_LONG = "DoorOpenTooLong"


class ModeRule(NamedTuple):
    """What a mode means for the door: is an opening that nobody granted an alarm, and does a grant release it?"""

    watched: bool
    admits: bool


MODES = {
    DoorMode.UNKNOWN: ModeRule(watched=False, admits=True),
    DoorMode.LOCKED: ModeRule(watched=True, admits=True),
    DoorMode.UNLOCKED: ModeRule(watched=False, admits=True),
    DoorMode.ACCESSED: ModeRule(watched=True, admits=True),
    DoorMode.BLOCKED: ModeRule(watched=True, admits=False),
    DoorMode.LOCKED_DOWN: ModeRule(watched=True, admits=False),
    DoorMode.LOCKED_OPEN: ModeRule(watched=False, admits=True),
    DoorMode.DOUBLE_LOCKED: ModeRule(watched=True, admits=False),
}


@dataclass(frozen=True, slots=True)
class DoorConfig:
    """A door's times. There is no pre-alarm if `pre_alarm_s` is 0 or not shorter than `held_open_s`."""

    strike_s: float = 3.0  # how long a grant releases the lock
    held_open_s: float = 30.0
    pre_alarm_s: float = 5.0  # before held_open_s is over
    grace_s: float = 1.0  # how late a contact may report an opening within strike_s


@dataclass(frozen=True, slots=True)
class ContactLevel:
    """The contact's level now; None while nobody can say (link down, no contact)."""

    open: bool | None


@dataclass(frozen=True, slots=True)
class GrantGiven:
    """A grant's command leaves for the lock."""

    command_id: str
    access_point: str


@dataclass(frozen=True, slots=True)
class CommandEnded:
    """A lock command came to its end: True it released, False it surely did not, None nobody knows."""

    command_id: str
    released: bool | None


@dataclass(frozen=True, slots=True)
class ModeSet:
    """Somebody with the right to do so, or a schedule, puts the door in a lasting mode (not Accessed)."""

    mode: DoorMode


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went by."""


DoorInput = ContactLevel | GrantGiven | CommandEnded | ModeSet | Tick


@dataclass(frozen=True, slots=True)
class Taken:
    """The door opened on this grant."""

    command_id: str
    access_point: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The door stayed shut through this grant's time."""

    command_id: str
    access_point: str


@dataclass(frozen=True, slots=True)
class ForcedOpen:
    """The door opened and no grant released it."""


@dataclass(frozen=True, slots=True)
class HeldSoon:
    """The door should be shut now: an alarm follows in `pre_alarm_s`."""


@dataclass(frozen=True, slots=True)
class OpenTooLong:
    """The door has been open for `held_open_s`."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The door is shut again; `ended` is the alarm that this ends."""

    ended: DoorAlarm


DoorOutput = Taken | NotTaken | ForcedOpen | HeldSoon | OpenTooLong | Closed
Step = tuple["DoorState", tuple[DoorOutput, ...]]


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant whose release may still stand."""

    command_id: str
    access_point: str
    until: float
    taken: bool = False


@dataclass(frozen=True, slots=True)
class DoorState:
    """All that the machine remembers."""

    base: DoorMode = DoorMode.LOCKED  # the mode without grants
    alarm: DoorAlarm = DoorAlarm.NORMAL
    open: bool | None = None
    open_since: float = 0.0  # start of the held-open time, if open
    warned: bool = False  # the pre-alarm was given
    grants: tuple[Grant, ...] = ()

    @property
    def mode(self) -> DoorMode:
        """The mode to show."""
        return DoorMode.ACCESSED if self.grants and self.base is DoorMode.LOCKED else self.base

    @property
    def admits(self) -> bool:
        """Whether a credential may release the door in this mode: ask before a grant is given."""
        return MODES[self.base].admits


def step(state: DoorState, input: DoorInput, at: float, config: DoorConfig) -> Step:
    """The state after this input at this time, and what there is to say, in order.

    Everything that fell due before `at` comes first, so a late Tick, or none, loses nothing.
    """
    state, due = _pass_time(state, at, config)
    match input:
        case ContactLevel(level):
            state, said = _contact(state, level, at)
        case GrantGiven(command_id, access_point):
            state, said = _granted(state, Grant(command_id, access_point, _until(at, config)), at)
        case CommandEnded(command_id, released):
            state, said = _ended(state, command_id, released, _until(at, config)), ()
        case ModeSet(mode):
            state, said = _set_mode(state, mode, at), ()
        case Tick():
            said = ()
    return state, due + said


def next_tick(state: DoorState, config: DoorConfig) -> float | None:
    """When the state next changes by itself: call `step` with a Tick then."""
    times = [grant.until for grant in state.grants]
    if _is_timed(state):
        times.append(state.open_since + _limit_s(state, config))
    return min(times, default=None)


def _until(at: float, config: DoorConfig) -> float:
    return at + config.strike_s + config.grace_s


def _is_timed(state: DoorState) -> bool:
    return state.open is True and state.alarm is DoorAlarm.NORMAL and MODES[state.base].watched


def _limit_s(state: DoorState, config: DoorConfig) -> float:
    """How long the door may be open before the next word about it."""
    warns = not state.warned and 0 < config.pre_alarm_s < config.held_open_s
    return config.held_open_s - config.pre_alarm_s if warns else config.held_open_s


def _pass_time(state: DoorState, at: float, config: DoorConfig) -> Step:
    over = tuple(grant for grant in state.grants if grant.until <= at)
    unused = [grant for grant in over if not grant.taken and state.open is not None]  # unseen doors say nothing
    said: list[DoorOutput] = [NotTaken(grant.command_id, grant.access_point) for grant in unused]
    if over:
        state = replace(state, grants=tuple(grant for grant in state.grants if grant.until > at))
    while _is_timed(state) and at >= state.open_since + (limit_s := _limit_s(state, config)):
        is_over = limit_s == config.held_open_s
        said.append(OpenTooLong() if is_over else HeldSoon())
        state = replace(state, warned=True, alarm=DoorAlarm.DOOR_OPEN_TOO_LONG if is_over else state.alarm)
    return state, tuple(said)


def _contact(state: DoorState, level: bool | None, at: float) -> Step:
    if level is state.open:
        return state, ()
    if level is None:
        return replace(state, open=None), ()
    if level:
        return _opened(state, at)
    ends = state.open or state.alarm is not DoorAlarm.NORMAL
    said = (Closed(state.alarm),) if ends else ()
    return replace(state, open=False, alarm=DoorAlarm.NORMAL, warned=False), said


def _opened(state: DoorState, at: float) -> Step:
    seen_shut = state.open is False  # an opening that nobody saw is not called forced
    state = replace(state, open=True, open_since=at, warned=False)
    if state.grants:
        return _take(state)
    if seen_shut and MODES[state.base].watched:
        return replace(state, alarm=DoorAlarm.DOOR_FORCED_OPEN), (ForcedOpen(),)
    return state, ()


def _take(state: DoorState) -> Step:
    """Every grant that waits is taken: a contact sees a door, it does not count people."""
    waiting = [grant for grant in state.grants if not grant.taken]
    taken = tuple(replace(grant, taken=True) for grant in state.grants)
    return replace(state, grants=taken), tuple(Taken(grant.command_id, grant.access_point) for grant in waiting)


def _granted(state: DoorState, grant: Grant, at: float) -> Step:
    state = replace(state, grants=(*state.grants, grant))
    if not state.open:
        return state, ()
    return _take(replace(state, open_since=at, warned=False))  # the door stands open: this person passes now


def _ended(state: DoorState, command_id: str, released: bool | None, until: float) -> DoorState:
    if released is None:
        return state
    kept = (grant for grant in state.grants if released or grant.command_id != command_id)
    grants = (replace(grant, until=until) if grant.command_id == command_id else grant for grant in kept)
    return replace(state, grants=tuple(grants))


def _set_mode(state: DoorState, mode: DoorMode, at: float) -> DoorState:
    if mode is DoorMode.ACCESSED:
        raise ValueError("Accessed is a grant's own mode")
    begins = MODES[mode].watched and not MODES[state.base].watched
    state = replace(state, base=mode, open_since=at if begins else state.open_since)
    return state if MODES[mode].watched else replace(state, alarm=DoorAlarm.NORMAL, warned=False)

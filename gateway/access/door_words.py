"""The words of a door: its modes, times, inputs, outputs, and all that it remembers.

Times are seconds on any one clock that never goes back. Words: ONVIF Door Control Service (DoorMode, DoorAlarm).
"""

from dataclasses import dataclass
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


class Fire(StrEnum):
    """The fire release of a door. It is latched: two acts end it, the input's return and a person's reset."""

    CLEAR = "Clear"
    BURNING = "Burning"  # the loop is open: an alarm, or a cut wire
    LATCHED = "Latched"  # the loop is whole again; a person has to reset it


class Relock(StrEnum):
    """When a released lock is secured before its time is over."""

    TIME = "time"  # never
    OPEN = "open"  # once the door has opened
    CLOSE = "close"  # once it is shut again


class ModeRule(NamedTuple):
    """What a mode means for the door."""

    watched: bool  # an opening that nobody granted is an alarm
    admits: bool  # a grant releases it
    free: bool = False  # the lock stands released


MODES = {
    DoorMode.UNKNOWN: ModeRule(watched=False, admits=True),
    DoorMode.LOCKED: ModeRule(watched=True, admits=True),
    DoorMode.UNLOCKED: ModeRule(watched=False, admits=True, free=True),
    DoorMode.ACCESSED: ModeRule(watched=True, admits=True),
    DoorMode.BLOCKED: ModeRule(watched=True, admits=False),
    DoorMode.LOCKED_DOWN: ModeRule(watched=True, admits=False),
    DoorMode.LOCKED_OPEN: ModeRule(watched=False, admits=True, free=True),
    DoorMode.DOUBLE_LOCKED: ModeRule(watched=True, admits=False),
}


@dataclass(frozen=True, slots=True)
class DoorConfig:
    """A door's times. There is no pre-alarm if `pre_alarm_s` is 0 or not shorter than `held_open_s`."""

    strike_s: float = 3.0  # how long a grant releases the lock
    held_open_s: float = 30.0
    pre_alarm_s: float = 5.0  # before held_open_s is over
    grace_s: float = 1.0  # how late a contact may report an opening within strike_s
    extended_s: float = 10.0  # strike_s of those who need longer
    relock: Relock = Relock.TIME
    relock_delay_s: float = 0.0
    rex_pulse_s: float = 0.0  # how long a request to exit releases the lock; 0: it is wired to the lock itself
    rex_shunt_s: float = 5.0  # how long after a request to exit an opening is no alarm; rex_pulse_s at least
    fire_release: bool = True  # fire releases it; a door without an egress way through it may say no
    first_in: bool = False  # the schedule unlocks only once a credential let somebody in


@dataclass(frozen=True, slots=True)
class ContactLevel:
    """The contact's level now; None while nobody can say (link down, no contact)."""

    open: bool | None


@dataclass(frozen=True, slots=True)
class GrantGiven:
    """A grant's command leaves for the lock."""

    command_id: str
    access_point: str
    extended: bool = False  # the person needs longer
    lasts: bool = False  # no mode that admits nobody ends it: it leads out, or was given in spite of such a mode
    leads_in: bool = False  # by a credential, inwards: who takes it may be the first person in


@dataclass(frozen=True, slots=True)
class CommandEnded:
    """A lock command came to its end: True it released, False it surely did not, None nobody knows."""

    command_id: str
    released: bool | None


@dataclass(frozen=True, slots=True)
class ModeSet:
    """A guard puts the door in a mode (not Accessed), for so long or until `ModeReleased`; LockedDown is a lockdown."""

    mode: DoorMode
    for_s: float | None = None


@dataclass(frozen=True, slots=True)
class ModeReleased:
    """The guard's mode ends: the schedule, or rest, decides again."""


@dataclass(frozen=True, slots=True)
class LockdownLevel:
    """Whether a lockdown of the door's zone stands."""

    on: bool


@dataclass(frozen=True, slots=True)
class ScheduleLevel:
    """Whether the door's schedule says unlocked now, and for how long, as far as anybody can say."""

    open: bool
    until: float | None = None


@dataclass(frozen=True, slots=True)
class FireLevel:
    """The supervised fire loop: whole, or not (an alarm, a cut wire), or None while nobody can say, which is fire."""

    whole: bool | None


@dataclass(frozen=True, slots=True)
class FireReset:
    """A person resets the fire release."""


@dataclass(frozen=True, slots=True)
class RexLevel:
    """The request-to-exit's level now; None while nobody can say."""

    active: bool | None


@dataclass(frozen=True, slots=True)
class Resumed:
    """The process has started and has read every input anew: let the lock follow the lasting mode."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went by."""


DoorInput = (
    ContactLevel | GrantGiven | CommandEnded | ModeSet | ModeReleased | LockdownLevel | ScheduleLevel | FireLevel
    | FireReset | RexLevel | Resumed | Tick
)  # fmt: skip


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


@dataclass(frozen=True, slots=True)
class ReleaseLock:
    """Hold the lock released, until `SecureLock`."""


@dataclass(frozen=True, slots=True)
class SecureLock:
    """Secure the lock."""


@dataclass(frozen=True, slots=True)
class PulseLock:
    """Release the lock for so long: somebody asks to leave."""

    seconds: float


@dataclass(frozen=True, slots=True)
class FireReleased:
    """Fire released the door."""


@dataclass(frozen=True, slots=True)
class FireEnded:
    """The fire release was reset, and the loop is whole."""


@dataclass(frozen=True, slots=True)
class FireResetRefused:
    """A reset while the loop is not whole."""


DoorOutput = (
    Taken | NotTaken | ForcedOpen | HeldSoon | OpenTooLong | Closed | ReleaseLock | SecureLock | PulseLock
    | FireReleased | FireEnded | FireResetRefused
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant whose release may still stand."""

    command_id: str
    access_point: str
    until: float
    taken: bool = False
    extended: bool = False
    lasts: bool = False
    leads_in: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """A guard's mode, until a time or for good."""

    mode: DoorMode
    until: float | None = None


@dataclass(frozen=True, slots=True)
class DoorState:
    """All that the machine remembers."""

    resting: DoorMode = DoorMode.LOCKED  # the mode of a door of which nobody asks anything
    alarm: DoorAlarm = DoorAlarm.NORMAL
    open: bool | None = None
    open_since: float = 0.0  # start of the held-open time, if open
    warned: bool = False  # the pre-alarm was given
    grants: tuple[Grant, ...] = ()
    fire: Fire = Fire.CLEAR
    lockdown: bool = False
    order: Order | None = None
    scheduled: bool = False  # the schedule says unlocked
    scheduled_until: float | None = None
    first_in: bool = False  # and the first person came in
    rex: bool | None = None
    rex_until: float | None = None  # so long the lock is released for who leaves
    shunt_until: float | None = None
    relock_at: float | None = None

    @property
    def base(self) -> DoorMode:
        """The mode without grants: that of the highest in PRECEDENCE that holds."""
        if self.fire is not Fire.CLEAR:
            return DoorMode.LOCKED_OPEN
        if self.lockdown:
            return DoorMode.LOCKED_DOWN
        if self.order is not None:
            return self.order.mode
        return DoorMode.UNLOCKED if self.scheduled and self.first_in else self.resting

    @property
    def mode(self) -> DoorMode:
        """The mode to show."""
        return DoorMode.ACCESSED if self.grants and self.base is DoorMode.LOCKED else self.base

    @property
    def admits(self) -> bool:
        """Whether a credential may release the door in this mode: ask before a grant is given."""
        return MODES[self.base].admits

    @property
    def free(self) -> bool:
        """Whether the lock stands released without any grant."""
        return MODES[self.base].free


PRECEDENCE = ("fire release", "lockdown", "guard's mode", "schedule", "rest, where a credential decides")

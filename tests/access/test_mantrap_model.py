"""A mantrap before a laboratory under hard anti-passback, in every order of events, with fire, lockdown and exits."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.access.decision import Granted, Scene, Whereabouts, decide
from gateway.access.door import (
    CommandEnded,
    ContactLevel,
    DoorConfig,
    DoorInput,
    DoorOutput,
    DoorState,
    Fire,
    FireLevel,
    FireReset,
    GrantGiven,
    LockdownLevel,
    PulseLock,
    RexLevel,
    SecureLock,
    Taken,
    Tick,
    step,
)
from gateway.access.generation import build
from gateway.access.interlock import in_the_way, shut
from gateway.access.model import AccessPoint, AccessPolicy, AccessProfile, Passback, Zone, ZoneRules
from gateway.access.presence import PresenceChange
from gateway.access.table import PermissionTable
from tests.access.estate import ALWAYS, NOON, SHANGHAI, card, credential
from tests.access.worlds import SITE, Memory

DOORS, PEOPLE = ("outer", "inner"), (1, 2, 3)
POINTS = {
    ("outer", True): AccessPoint("outer-in", "outer", 1, "estate", "trap"),
    ("outer", False): AccessPoint("outer-out", "outer", 1, "trap", "estate"),
    ("inner", True): AccessPoint("inner-in", "inner", 2, "trap", "lab"),
    ("inner", False): AccessPoint("inner-out", "inner", 2, "lab", "trap"),
}
ROWS = [
    ALWAYS,
    Zone("estate"),
    Zone("trap", "estate"),
    Zone("lab", "trap", rules=ZoneRules(passback=Passback.HARD)),
    AccessProfile("all", 1, (AccessPolicy("always", zone="estate", within=True),)),
    *(credential(n, holder=f"r{n}", profiles=("all",)) for n in PEOPLE),
]
TABLE = PermissionTable.load(build(ROWS, 1), [*POINTS.values()], SHANGHAI, site=SITE)
CONFIG = DoorConfig(strike_s=3, grace_s=1, rex_pulse_s=2, rex_shunt_s=4)
doors, inward = st.sampled_from(DOORS), st.booleans()


class MantrapModel(RuleBasedStateMachine):
    """Two doors, one shut before the other is released; people by card and by button, lamps of fire and lockdown."""

    def __init__(self) -> None:
        super().__init__()
        self.states = {name: DoorState(open=False, rex=False) for name in DOORS}
        self.whereabouts, self.at, self.serial = Whereabouts(), 0.0, 0
        self.given: dict[str, tuple[PresenceChange, ...]] = {}
        self.only_cards = True  # nothing but grants inwards has released a door so far

    def do(self, door: str, input_: DoorInput) -> tuple[DoorOutput, ...]:
        burning = self.states[door].fire is not Fire.CLEAR
        self.states[door], said = step(self.states[door], input_, self.at, CONFIG)
        if burning and self.states[door].fire is not Fire.CLEAR:
            assert SecureLock() not in said  # no relock in fire
        for each in said:
            if isinstance(each, Taken):
                for move in self.given.pop(each.command_id, ()):
                    self.whereabouts.note(move)
        return said

    @rule(wait=st.floats(0, 6))
    def wait(self, wait: float) -> None:
        self.at += wait
        for door in DOORS:
            self.do(door, Tick())

    @rule(door=doors, inward=inward, who=st.sampled_from(PEOPLE))
    def present(self, door: str, inward: bool, who: int) -> None:
        self.wait(0)
        point, other = POINTS[door, inward], DOORS[1 - DOORS.index(door)]
        busy = bool(in_the_way(door, [DOORS], self.states))
        scene = Scene(self.whereabouts, self.states[door].base, busy)
        answer = decide(TABLE, Memory({}, {}), point, card(who), NOON + timedelta(seconds=self.at), scene=scene)
        if not inward:
            assert isinstance(answer, Granted)  # neither interlock, lockdown nor presence keeps anybody inside
            self.only_cards = False
        if not isinstance(answer, Granted):
            return
        if inward:
            assert shut(self.states[other])
            assert not self.states[door].lockdown or self.states[door].fire is not Fire.CLEAR
            assert door == "outer" or f"r{who}" not in self.whereabouts.people.get("lab", {})
        self.serial += 1
        self.given[f"c{self.serial}"] = answer.moves
        self.do(door, GrantGiven(f"c{self.serial}", point.name, lasts=not inward))
        self.do(door, CommandEnded(f"c{self.serial}", True))

    @rule(door=doors)
    def open_if_released(self, door: str) -> None:
        state = self.states[door]
        if state.grants or state.free or state.shunt_until is not None:
            self.do(door, ContactLevel(True))

    @rule(door=doors)
    def close(self, door: str) -> None:
        self.do(door, ContactLevel(False))

    @rule(door=doors)
    def press(self, door: str) -> None:
        """A press releases the lock, whatever stands at the other door."""
        self.only_cards = False
        self.do(door, RexLevel(False))
        said = self.do(door, RexLevel(True))
        assert self.states[door].free or PulseLock(2) in said
        self.do(door, RexLevel(False))

    @rule(whole=st.booleans())
    def fire(self, whole: bool) -> None:
        before = {door: self.states[door].fire for door in DOORS}
        for door in DOORS:
            self.do(door, FireLevel(whole))
            assert self.states[door].free or (whole and before[door] is Fire.CLEAR)
        self.only_cards = self.only_cards and self.states["outer"].fire is Fire.CLEAR

    @rule()
    def reset(self) -> None:
        for door in DOORS:
            self.do(door, FireReset())

    @rule(on=st.booleans())
    def lockdown(self, on: bool) -> None:
        for door in DOORS:
            self.do(door, LockdownLevel(on))

    @precondition(lambda self: self.only_cards)
    @invariant()
    def one_door_at_most_is_not_shut(self) -> None:
        assert sum(not shut(state) for state in self.states.values()) <= 1


TestMantrapModel = MantrapModel.TestCase

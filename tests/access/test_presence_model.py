from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.access.decision import Denied, DenyReason, Granted, Scene, Whereabouts, decide
from gateway.access.door import DoorMode
from gateway.access.generation import build
from gateway.access.model import AccessPoint, AccessPolicy, AccessProfile, Passback, Zone, ZoneRules
from gateway.access.table import PermissionTable
from tests.access.estate import ALWAYS, NOON, SHANGHAI, card, credential
from tests.access.worlds import SITE, Memory

IN, OUT = AccessPoint("in", "d", 1, "estate", "lab"), AccessPoint("out", "d", 1, "lab", "estate")
LIMIT, PEOPLE = 2, (1, 2, 3, 4)
ROWS = [
    ALWAYS,
    Zone("estate"),
    Zone("lab", "estate", rules=ZoneRules(passback=Passback.HARD, limit=LIMIT)),
    AccessProfile("all", 1, (AccessPolicy("always", zone="lab"),)),
    *(credential(n, holder=f"r{n}", profiles=("all",)) for n in PEOPLE),
]
TABLE = PermissionTable.load(build(ROWS, 1), [IN, OUT], SHANGHAI, site=SITE)


class PresenceModel(RuleBasedStateMachine):
    """Passages in every order, some not taken, with amnesties and lockdowns, beside a plain set of who is inside."""

    def __init__(self) -> None:
        super().__init__()
        self.whereabouts, self.inside, self.at = Whereabouts(), set[int](), NOON

    def ask(self, number: int, point: AccessPoint, mode: DoorMode) -> Granted | Denied:
        self.at += timedelta(seconds=1)
        return decide(TABLE, Memory({}, {}), point, card(number), self.at, scene=Scene(self.whereabouts, mode))

    @rule(number=st.sampled_from(PEOPLE), taken=st.booleans(), locked_down=st.booleans())
    def go_in(self, number: int, taken: bool, locked_down: bool) -> None:
        answer = self.ask(number, IN, DoorMode.LOCKED_DOWN if locked_down else DoorMode.LOCKED)
        if isinstance(answer, Denied):
            expected = DenyReason.OCCUPANCY_REACHED
            if number in self.inside:
                expected = DenyReason.PASSBACK_VIOLATION
            assert answer.reason is (DenyReason.DOOR_BLOCKED if locked_down else expected)
            return
        assert not locked_down
        assert number not in self.inside
        assert len(self.inside) < LIMIT
        if taken:
            self.inside.add(number)
            for move in answer.moves:
                self.whereabouts.note(move)

    @rule(number=st.sampled_from(PEOPLE), locked_down=st.booleans())
    def go_out(self, number: int, locked_down: bool) -> None:
        answer = self.ask(number, OUT, DoorMode.LOCKED_DOWN if locked_down else DoorMode.LOCKED)
        assert isinstance(answer, Granted)  # nobody is kept inside, whatever is known of him
        self.inside.discard(number)
        for move in answer.moves:
            self.whereabouts.note(move)

    @rule(number=st.none() | st.sampled_from(PEOPLE))
    def pardon(self, number: int | None) -> None:
        self.whereabouts.pardon("lab", None if number is None else f"r{number}")
        self.inside = set() if number is None else self.inside - {number}

    @invariant()
    def the_count_is_right(self) -> None:
        assert (self.whereabouts.inside("lab") or 0) == len(self.inside)


TestPresenceModel = PresenceModel.TestCase

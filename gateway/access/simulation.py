"""What happens in a world, by the very functions of the door process: build, load, decide, step."""

from datetime import datetime
from typing import Any

from gateway.access import door as machine
from gateway.access.decision import Denied, Granted, LiveUsed, PassageChange, Presented, decide
from gateway.access.door import DoorInput, DoorOutput, DoorState
from gateway.access.generation import build
from gateway.access.interlock import in_the_way
from gateway.access.presence import Moved, OnTheWay, PresenceChange, Scene, Whereabouts
from gateway.access.reasons import sentence
from gateway.access.rights import is_outwards
from gateway.access.table import PermissionTable
from gateway.access.world import Happening, Place, World, id_of, key_of, moment
from gateway.access.world_events import door_input, presented

Result = dict[str, Any]  # JSON values; the words are documented in WORLDS.md
LOCK = {"done": True, "failed": False, "unknown": None}  # what the lock said to a grant's command


def simulate(world: World) -> list[Result]:
    """One result for each happening, in order.

    Raises:
        BadWorld: an event that cannot be, or a row that the table refuses.
    """
    with Place("the world"):
        run = _Run(world)
    return [_happened(run, each) for each in world.happenings]


def _happened(run: "_Run", event: Happening) -> Result:
    with Place(f"event {event.number}", "events", event.number - 1):
        return run.happen(event)


class _Memory:
    """Passage state that starts as the world says."""

    def __init__(self, world: World) -> None:
        said = world.passage
        self._iats = {
            id_of(name): int(moment(value, world.start, world.tz).timestamp())
            for name, value in (said.get("last_iat") or {}).items()
        }
        uses = (said.get("uses") or {}).items()
        self._used = {make(name): int(n) for name, n in uses for make in (id_of, key_of)}  # of a pass, or a credential

    def last_iat(self, handle: bytes) -> int | None:
        return self._iats.get(handle)

    def uses(self, id_: bytes) -> int:
        return self._used.get(id_, 0)

    def note(self, change: PassageChange) -> None:
        if isinstance(change, LiveUsed):
            self._iats[change.handle] = change.iat
        else:
            self._used[change.id] = change.n


class _Run:
    def __init__(self, world: World) -> None:
        self._world = world
        self._table = PermissionTable.load(build(world.rows, 1), world.points, world.tz, site=world.site)
        self._memory = _Memory(world)
        self._whereabouts = _whereabouts(world)
        self._granted: dict[str, tuple[PresenceChange, ...]] = {}  # by command, until the door is taken
        self._doors = {name: state for name, (_, state) in world.doors.items()}
        self._last = world.start

    def happen(self, event: Happening) -> Result:
        """Let everything fall due that is, then this."""
        if event.at < self._last:
            raise ValueError("it happens before the one before it")
        self._last = event.at
        said = [each for name in self._doors for each in self._step(name, machine.Tick(), event.at)]
        result: Result = {"event": event.number, "at": event.at.astimezone(self._world.tz).isoformat()}
        if "present" in event.body:
            result |= self._present(event, said)
        elif "pardon" in event.body:
            self._whereabouts.pardon(event.body["pardon"])
        elif "door" in event.body:
            said += self._step(event.body["door"], door_input(event.body), event.at)
        result |= {"said": said, "doors": {name: _told(state) for name, state in self._doors.items()}}
        expected = event.body.get("expect")
        return result if expected is None else result | {"expected": expected, "ok": _agrees(result, expected)}

    def _present(self, event: Happening, said: list[str]) -> Result:
        body = event.body["present"]
        point, shown = self._table.points[body["point"]], presented(body, self._table, self._world, event.at)
        decision = self._decide(point.door, body["point"], shown, event.at)
        for change in decision.changes:
            self._memory.note(change)
        if isinstance(decision, Denied):
            zh, en = sentence(decision.reason, decision.credential)
            self._note(decision.moves)
            told = {"point": point.name, "decision": "Denied", "reason": decision.reason.value, "zh": zh, "en": en}
            return told | ({"duress": True} if decision.duress else {}) | _freshness(decision)
        command = f"e{event.number}"
        self._granted[command] = decision.moves
        outwards, admits = is_outwards(point, self._table.zones), self._doors[point.door].admits
        grant = machine.GrantGiven(command, point.name, decision.extended, outwards or not admits, not outwards)
        said += self._step(point.door, grant, event.at)
        released = LOCK[event.body.get("lock", "done")]
        said += self._step(point.door, machine.CommandEnded(command, released), event.at)
        if released is False:
            self._granted.pop(command, None)
        elif self._doors[point.door].open is None:  # nobody will see him pass
            self._note(self._granted.pop(command, ()))
        more = {"duress": decision.duress, "extended": decision.extended, "notes": [n.value for n in decision.notes]}
        found = {word: value for word, value in more.items() if value}
        return {"point": point.name, "decision": "Granted", "policy": decision.policy, **found, **_freshness(decision)}

    def _note(self, moves: tuple[PresenceChange, ...]) -> None:
        for move in moves:
            self._whereabouts.note(move)

    def _decide(self, door: str, point: str, shown: Presented, at: datetime) -> Granted | Denied:
        busy = in_the_way(door, self._world.interlocks, self._doors)
        coming = [move for moves in self._granted.values() for move in moves if isinstance(move, Moved)]
        presence = OnTheWay(self._whereabouts, coming) if coming else self._whereabouts
        scene = Scene(presence, self._doors[door].base, bool(busy))
        return decide(self._table, self._memory, self._table.points[point], shown, at, self._world.limits, scene)

    def _step(self, name: str, input_: DoorInput, at: datetime) -> list[str]:
        config, _ = self._world.doors[name]
        seconds = (at - self._world.start).total_seconds()
        self._doors[name], outputs = machine.step(self._doors[name], input_, seconds, config)
        for each in outputs:
            if isinstance(each, machine.Taken):
                self._note(self._granted.pop(each.command_id, ()))
            if isinstance(each, machine.NotTaken):
                self._granted.pop(each.command_id, None)
        return [f"{name}: {_output(each)}" for each in outputs]


def _whereabouts(world: World) -> Whereabouts:
    """Who is where at the start, as the world says."""
    found = Whereabouts()
    for zone, people in (world.passage.get("inside") or {}).items():
        for person in people:
            found.note(Moved(person, "", (zone,), (), world.start.timestamp()))
    return found


def _freshness(decision: Granted | Denied) -> Result:
    age = decision.grounds.age if decision.grounds else None
    return {} if age is None or age.age_s is None else {"freshness": age.freshness.value, "age_s": age.age_s}


def _output(output: DoorOutput) -> str:
    told = getattr(output, "access_point", None)
    return type(output).__name__ + (f" {told}" if told else "")


def _told(state: DoorState) -> Result:
    return {"mode": state.mode.value, "alarm": state.alarm.value, "open": state.open}


def _agrees(result: Result, expected: object) -> bool:
    """Whether the expectation holds: a word is the decision or its reason; a mapping is looked at word by word."""
    if isinstance(expected, str):
        return expected in (result.get("decision"), result.get("reason"))
    if not isinstance(expected, dict):
        raise ValueError("expect is a word or a mapping")
    return all(_holds(result.get(word), wanted) for word, wanted in expected.items())


def _holds(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_holds(found.get(word), each) for word, each in wanted.items())
    return bool(found == wanted)


def faults(results: list[Result]) -> list[Result]:
    """The results that are not what was expected."""
    return [result for result in results if not result.get("ok", True)]

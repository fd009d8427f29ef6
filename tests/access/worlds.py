"""Random small worlds, in which grants and every refusal are frequent."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from gateway.access.checks import Leases, Limits
from gateway.access.door import DoorMode
from gateway.access.mj1 import LiveCode, VisitorPass
from gateway.access.model import (
    ALWAYS,
    AccessPoint,
    AccessPolicy,
    AccessProfile,
    Credential,
    CredentialState,
    CredentialType,
    DeniedPass,
    HolderClass,
    IssuerKey,
    Mark,
    Passback,
    Row,
    Schedule,
    SpecialDay,
    SpecialDays,
    Window,
    Zone,
    ZoneRules,
)
from gateway.access.presence import NO_SCENE, Moved, PresenceChange, Scene, Waits, Whereabouts
from gateway.access.presented import Card, Live, Pass, Presented
from gateway.access.schedule import split

SITE = 7
NOW = 1_800_000_000
ZONES = ("street", "estate", "garage", "block", "floor")
POINTS = ("gate-in", "gate-out", "lobby-in")
SCHEDULES = ("day", "night", "gone", ALWAYS)
SPECIAL = ("holidays", "make-up", "gone")
PROFILES = ("home", "work", "visit", "lost")


def key_of(number: int) -> bytes:
    return number.to_bytes(1, "big") * 16


@dataclass
class Memory:
    """Passage state for tests."""

    iats: dict[bytes, int]
    used: dict[bytes, int]

    def last_iat(self, handle: bytes) -> int | None:
        return self.iats.get(handle)

    def uses(self, id_: bytes) -> int:
        return self.used.get(id_, 0)


@dataclass
class World:
    rows: list[Row]
    points: list[AccessPoint]
    memory: Memory
    limits: Limits
    point: AccessPoint
    presented: Presented
    at: datetime
    seen: list[PresenceChange] = field(default_factory=list)  # what was noted before, in order
    mode: DoorMode | None = None
    interlocked: bool = False

    @property
    def scene(self) -> Scene:
        if not self.seen and self.mode is None and not self.interlocked:
            return NO_SCENE
        presence = Whereabouts()
        for change in self.seen:
            presence.note(change)
        return Scene(presence, self.mode, self.interlocked)


good = st.sampled_from([True] * 9 + [False])
near = st.integers(-120, 120).map(lambda delta: NOW + delta)
windows = st.builds(
    lambda weekday, a, b: Window(weekday, min(a, b), max(a, b) + 1),
    st.integers(1, 7),
    st.integers(0, 1439),
    st.integers(0, 1439),
)
whole_week = st.just(tuple(Window(weekday, 0, 1440) for weekday in range(1, 8)))
nights = st.builds(split, st.integers(1, 7), st.integers(720, 1439), st.integers(0, 719))
nightly = st.lists(nights, max_size=4).map(lambda each: tuple(window for night in each for window in night))
weeks = whole_week | st.lists(windows, max_size=6).map(tuple) | nightly
policies = st.builds(
    AccessPolicy, st.sampled_from(SCHEDULES), zone=st.sampled_from(ZONES), within=st.booleans()
) | st.builds(AccessPolicy, st.sampled_from(SCHEDULES), access_point=st.sampled_from(POINTS))


dates = st.integers(-1, 7).map(lambda day: (date(2027, 1, 15) + timedelta(days=day)).isoformat())  # about NOW
openings = st.tuples(st.integers(0, 1439), st.integers(0, 1440)).filter(lambda ends: ends[0] != ends[1])
days = st.builds(SpecialDay, dates, st.lists(openings, max_size=2).map(tuple)) | st.builds(
    SpecialDay, dates, follows=st.integers(1, 7)
)
day_lists = st.lists(days, max_size=4, unique_by=lambda day: day.date).map(tuple)
zone_rules = st.builds(
    ZoneRules,
    passback=st.sampled_from(Passback),
    passback_s=st.sampled_from([0, 60]),
    limit=st.none() | st.integers(1, 2),
    persons=st.sampled_from([1, 1, 2]),
    supervised=st.booleans(),
    escort=st.booleans(),
    first_in_s=st.sampled_from([0, 0, 100]),
    hold_s=st.sampled_from([15, 100]),
    least=st.sampled_from([0, 0, 2, 3]),
)
marks = st.just(0) | st.lists(st.sampled_from(Mark), max_size=2).map(lambda each: int(sum(set(each))))
pins = st.sampled_from([b"", key_of(100), key_of(101)])


@st.composite
def sights(draw: st.DrawFn) -> PresenceChange:
    """A passage or a first person, noted some time before."""
    who = draw(st.sampled_from(["r", "7", "住", "credential:证-0", "pass:" + key_of(0)[:8].hex()]))
    point, at = draw(st.sampled_from(POINTS)), draw(near)
    if draw(st.booleans()):
        return Waits(who, point, at, draw(marks))
    zones = st.lists(st.sampled_from(ZONES), max_size=2, unique=True).map(tuple)
    return Moved(who, point, draw(zones), draw(zones), at, draw(marks))


@st.composite
def offices(draw: st.DrawFn) -> list[Row]:
    """Zones, schedules, profiles, issuers and denied passes; some names that profiles use are missing."""
    parent = st.none() | st.sampled_from(ZONES)
    ruled = st.none() | st.none() | zone_rules
    rows: list[Row] = [
        Zone(name, draw(parent), draw(st.booleans()), draw(ruled)) for name in ZONES if draw(st.integers(0, 5))
    ]
    heeded = st.lists(st.sampled_from(SPECIAL), max_size=3, unique=True).map(tuple)
    rows += [Schedule(name, draw(weeks), draw(heeded)) for name in SCHEDULES[:2]]
    rows += [SpecialDays(name, draw(day_lists), draw(st.integers(0, 1))) for name in SPECIAL[:2]]
    for number, name in enumerate(PROFILES[:3], 1):
        rows.append(
            AccessProfile(name, number, tuple(draw(st.lists(policies, max_size=4))), draw(good), draw(st.booleans()))
        )
    rows += [IssuerKey(kid, bytes([2]) * 33) for kid in draw(st.sets(st.integers(0, 2)))]
    rows += [DeniedPass(key_of(n)[:8], NOW) for n in draw(st.sets(st.integers(0, 1)))]
    return rows


@st.composite
def credentials(draw: st.DrawFn, number: int) -> Credential:
    return Credential(
        id=f"证-{number}",
        key=key_of(number),
        type=draw(st.sampled_from(CredentialType)),
        holder=draw(st.text("r-7住", max_size=4)),
        holder_class=draw(st.sampled_from(HolderClass)),
        state=draw(st.sampled_from([CredentialState.ENABLED] * 10 + list(CredentialState))),
        profiles=tuple(draw(st.lists(st.sampled_from(PROFILES), max_size=3))),
        valid_from=draw(st.none() | near),
        valid_to=draw(st.none() | near),
        refreshed_at=draw(st.just(0) | near.map(lambda at: at - 100)),
        public_key=draw(st.binary(max_size=33)),
        pin=draw(pins),
        duress_pin=draw(pins),
        marks=draw(marks),
        max_uses=draw(st.sampled_from([0, 0, 0, 1, 3])),
    )


@st.composite
def points(draw: st.DrawFn, name: str, number: int) -> AccessPoint:
    zone = st.sampled_from(ZONES)
    least = st.sampled_from([0, 0, 0, 1, 2, 3])
    by = st.just(()) | st.lists(st.tuples(st.sampled_from(SCHEDULES), least), max_size=2).map(tuple)
    return AccessPoint(name, name, number, draw(zone), draw(zone), draw(least), draw(by))


@st.composite
def live_codes(draw: st.DrawFn) -> LiveCode:
    handle = key_of(draw(st.integers(0, 2)))[:8]
    site = draw(st.sampled_from([SITE] * 9 + [8]))
    iat, flags, door = draw(near), draw(st.integers(0, 3)), draw(st.sampled_from([0, 0, 1, 2]))
    return LiveCode(0, handle, site, iat, flags, door, b"", b"")


@st.composite
def visitor_passes(draw: st.DrawFn) -> VisitorPass:
    id_ = key_of(draw(st.integers(0, 3)))[:8]
    site = draw(st.sampled_from([SITE] * 9 + [8]))
    kid, nbf, exp = draw(st.integers(0, 3)), draw(near), draw(near)
    return VisitorPass(kid, id_, site, nbf, exp, draw(st.integers(1, 4)), 0, draw(st.integers(0, 2)), b"", b"")


numbers = st.integers(0, 4)
presentations = (
    st.builds(Card, numbers.map(key_of), st.integers(0, 1), pins)
    | st.builds(Live, numbers.map(key_of), live_codes(), good, pins)
    | st.builds(Pass, visitor_passes(), good)
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    doors = [draw(points(name, number)) for number, name in enumerate(POINTS, 1)]
    lease = st.none() | st.integers(1, 300)
    limits = Limits(Leases(draw(lease), draw(lease), draw(lease), draw(lease)), static_codes=draw(st.booleans()))
    memory = Memory(
        draw(st.dictionaries(numbers.map(lambda n: key_of(n)[:8]), near)),
        draw(st.dictionaries(numbers.map(lambda n: key_of(n)[:8]) | numbers.map(key_of), st.integers(0, 2))),
    )
    at = datetime.fromtimestamp(draw(near) + draw(st.integers(0, 6)) * 86_400 * draw(st.integers(0, 1)), UTC)
    rows = draw(offices()) + [draw(credentials(number)) for number in range(4)]
    seen = draw(st.lists(sights(), max_size=4))
    mode = draw(st.none() | st.sampled_from(DoorMode))
    point, shown, interlocked = draw(st.sampled_from(doors)), draw(presentations), draw(st.integers(0, 5)) == 5
    world = World(rows, doors, memory, limits, point, shown, at, seen, mode, interlocked)
    return befriended(draw, world) if draw(st.booleans()) else world


def befriended(draw: st.DrawFn, world: World) -> World:
    """The world with what refuses early taken away, so that rights, zones and doors are what decides."""
    mode = draw(st.sampled_from([None, None, None, DoorMode.LOCKED, DoorMode.LOCKED_DOWN, DoorMode.BLOCKED]))
    rows = [_friendly(row) for row in world.rows]
    shown = world.presented
    if not isinstance(shown, Pass):
        number = draw(st.integers(0, 3))
        [who] = [row for row in rows if isinstance(row, Credential) and row.key == key_of(number)]
        shown = Card(who.key, 1, draw(st.sampled_from([b"", b"", who.pin, who.duress_pin])))
    elif shown.code.kid < 3:
        code = replace(shown.code, site=SITE, nbf=NOW - 500, exp=NOW + 700_000, max_uses=3, profile=1)
        shown = Pass(code, signature_ok=True)
        rows = [row for row in rows if not isinstance(row, IssuerKey | DeniedPass)] + [IssuerKey(code.kid, bytes(33))]
    points = [replace(point, min_assurance=0, assurance_by=()) for point in world.points]
    [point] = [point for point in points if point.name == world.point.name]
    return replace(world, rows=rows, points=points, point=point, presented=shown, mode=mode)


def _friendly(row: Row) -> Row:
    match row:
        case Credential():
            return row._replace(
                state=CredentialState.ENABLED, valid_from=None, valid_to=None, refreshed_at=0,
                profiles=(*row.profiles, "home"),
            )  # fmt: skip
        case AccessProfile(id="home"):
            everywhere = tuple(AccessPolicy("day", access_point=point) for point in POINTS)
            return replace(row, policies=(*row.policies, *everywhere))
        case Schedule(id="day"):
            return replace(row, windows=tuple(Window(weekday, 0, 1440) for weekday in range(1, 8)))
        case _:
            return row

"""Random small worlds, in which grants and every refusal are frequent."""

from dataclasses import dataclass
from datetime import UTC, datetime

from hypothesis import strategies as st

from gateway.access.checks import Leases, Limits
from gateway.access.mj1 import LiveCode, VisitorPass
from gateway.access.model import (
    AccessPoint,
    AccessPolicy,
    AccessProfile,
    Credential,
    CredentialState,
    CredentialType,
    DeniedPass,
    HolderClass,
    IssuerKey,
    Row,
    Schedule,
    Window,
    Zone,
)
from gateway.access.presented import Card, Live, Pass, Presented

SITE = 7
NOW = 1_800_000_000
ZONES = ("street", "estate", "garage", "block", "floor")
POINTS = ("gate-in", "gate-out", "lobby-in")
SCHEDULES = ("day", "night", "gone")
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

    def uses(self, pass_id: bytes) -> int:
        return self.used.get(pass_id, 0)


@dataclass
class World:
    rows: list[Row]
    points: list[AccessPoint]
    memory: Memory
    limits: Limits
    point: AccessPoint
    presented: Presented
    at: datetime


near = st.integers(-120, 120).map(lambda delta: NOW + delta)
windows = st.builds(
    lambda weekday, a, b: Window(weekday, min(a, b), max(a, b) + 1),
    st.integers(1, 7),
    st.integers(0, 1439),
    st.integers(0, 1439),
)
whole_week = st.just(tuple(Window(weekday, 0, 1440) for weekday in range(1, 8)))
weeks = whole_week | st.lists(windows, max_size=6).map(tuple)
policies = st.builds(AccessPolicy, st.sampled_from(SCHEDULES), zone=st.sampled_from(ZONES)) | st.builds(
    AccessPolicy, st.sampled_from(SCHEDULES), access_point=st.sampled_from(POINTS)
)


@st.composite
def offices(draw: st.DrawFn) -> list[Row]:
    """Zones, schedules, profiles, issuers and denied passes; some names that profiles use are missing."""
    parent = st.none() | st.sampled_from(ZONES)
    rows: list[Row] = [Zone(name, draw(parent), draw(st.booleans())) for name in ZONES if draw(st.integers(0, 5))]
    rows += [Schedule(name, draw(weeks)) for name in SCHEDULES[:2]]
    for number, name in enumerate(PROFILES[:3], 1):
        rows.append(AccessProfile(name, number, tuple(draw(st.lists(policies, max_size=4)))))
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
    )


@st.composite
def points(draw: st.DrawFn, name: str, number: int) -> AccessPoint:
    zone = st.sampled_from(ZONES)
    return AccessPoint(name, name, number, draw(zone), draw(zone), draw(st.sampled_from([0, 0, 0, 1, 2, 3])))


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


good = st.sampled_from([True] * 9 + [False])
numbers = st.integers(0, 4)
presentations = (
    st.builds(Card, numbers.map(key_of), st.integers(0, 1))
    | st.builds(Live, numbers.map(key_of), live_codes(), good)
    | st.builds(Pass, visitor_passes(), good)
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    doors = [draw(points(name, number)) for number, name in enumerate(POINTS, 1)]
    lease = st.none() | st.integers(1, 300)
    limits = Limits(Leases(draw(lease), draw(lease), draw(lease), draw(lease)))
    memory = Memory(
        draw(st.dictionaries(numbers.map(lambda n: key_of(n)[:8]), near)),
        draw(st.dictionaries(numbers.map(lambda n: key_of(n)[:8]), st.integers(0, 2))),
    )
    at = datetime.fromtimestamp(draw(near) + draw(st.integers(0, 6)) * 86_400 * draw(st.integers(0, 1)), UTC)
    rows = draw(offices()) + [draw(credentials(number)) for number in range(4)]
    return World(rows, doors, memory, limits, draw(st.sampled_from(doors)), draw(presentations), at)

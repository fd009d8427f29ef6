"""Which policies stand for which access point: the office's rules as the file has them, the wiring's doors beside them.

A policy stands for a target: an access point, a zone, or all zones within one. What each target gives to which profile
is written once, when a generation is built, and read when a door is asked for the first time:

    rights    profile u16, schedule u16, next u32: a profile's next right at the same target
    targets   one after the other: the u16 numbers of profiles, then for each the u32 place of its first right
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.access.model import AccessPoint, AccessPolicy, AccessProfile, Zone, ZoneRules
from gateway.access.schedule import NO_TIMES, Times

RIGHT = struct.Struct("<HHI")
NO_NEXT = 2**32 - 1
POINT, ZONE, WITHIN = "point", "zone", "within"
Crossed = tuple[tuple[str, ZoneRules], ...]


@dataclass(frozen=True, slots=True)
class Right:
    """A policy: its name ("profile/schedule"), its profile's and schedule's numbers, and the compiled times."""

    policy: str
    numbers: tuple[int, int]
    times: Times
    responder: bool = False
    visiting: bool = False


ByNumber = Mapping[int, tuple[int, ...]]  # a profile's number to its schedules at one target, in their order


def first_open(rights: Iterable[Right], minute: int, day: int) -> Right | None:
    """The first of them that is open in this minute of the week, on this day."""
    return next((right for right in rights if right.times.open_at(minute, day)), None)


def ancestry(zone: str, zones: Mapping[str, Zone]) -> tuple[str, ...]:
    """The zone and all that it lies in, the innermost first."""
    chain: list[str] = []
    at: str | None = zone
    while at is not None and at not in chain:
        chain.append(at)
        at = zones[at].parent if at in zones else None
    return tuple(chain)


def is_inside(zone: str, container: str, zones: Mapping[str, Zone]) -> bool:
    """Whether `zone` is `container` or lies within it, at any depth."""
    return container in ancestry(zone, zones)


def is_outwards(point: AccessPoint, zones: Mapping[str, Zone]) -> bool:
    """Whether the point surely leads outwards: to a zone that lies around the one it starts in."""
    return point.zone_to != point.zone_from and is_inside(point.zone_from, point.zone_to, zones)


def is_leaving(point: AccessPoint, zones: Mapping[str, Zone]) -> bool:
    """Whether the point leads outwards: to a zone around the one it starts in, or to a zone that has no parent."""
    if point.zone_to == point.zone_from:
        return False
    parent = zones[point.zone_to].parent if point.zone_to in zones else None
    return is_outwards(point, zones) or (parent is None and not is_inside(point.zone_to, point.zone_from, zones))


def targets(point: AccessPoint, zones: Mapping[str, Zone]) -> Iterator[str]:
    """What a policy must name to cover the point: itself, the zone it leads into, or the one it leads outwards of."""
    yield f"{POINT} {point.name}"
    out = (point.zone_from,) if is_leaving(point, zones) else ()  # from a shared garage, nobody gets into each tower
    around: dict[str, None] = {}
    for zone in (point.zone_to, *out):
        yield f"{ZONE} {zone}"
        around |= dict.fromkeys(ancestry(zone, zones))
    for zone in around:
        yield f"{WITHIN} {zone}"


def target(policy: AccessPolicy) -> str:
    """What a policy stands for."""
    if policy.access_point is not None:
        return f"{POINT} {policy.access_point}"
    return f"{WITHIN if policy.within else ZONE} {policy.zone}"


class Index(NamedTuple):
    """The words of the numbers in a file, as JSON has them."""

    profiles: list[str]  # names by number
    numbers: list[int]  # by the same number, what a visitor pass calls it; 0 for a profile without a row
    responders: list[int]
    schedules: list[str]  # names by number
    rights: int  # how many
    targets: dict[str, tuple[int, int]]  # where each begins after the first right, and how many profiles it has
    visiting: Sequence[int] = ()  # numbers of the ways to hosts


def written(profiles: Iterable[AccessProfile], numbers: Mapping[str, int]) -> tuple[Index, bytes]:
    """The rights of all profiles as bytes, with their index.

    Args:
        profiles: the rows.
        numbers: every profile's number, also of those that only credentials name.

    Raises:
        struct.error: more than 65,535 profiles or schedules.
    """
    schedules: dict[str, int] = {}
    found: dict[str, dict[int, list[int]]] = {}  # target to profile to schedules
    called, responders, visiting = [0] * len(numbers), [], []
    for profile in profiles:
        number = numbers[profile.id]
        called[number] = profile.number
        responders += [number] if profile.responder else []
        visiting += [number] if profile.visiting else []
        for policy in profile.policies:
            schedule = schedules.setdefault(policy.schedule, len(schedules))
            found.setdefault(target(policy), {}).setdefault(number, []).append(schedule)
    places: dict[tuple[int, int, int], int] = {}
    blocks, where, at = [], {}, 0
    for name, by_profile in found.items():
        firsts = [_place(places, number, each) for number, each in by_profile.items()]
        blocks.append(struct.pack(f"<{len(firsts)}H{len(firsts)}I", *by_profile, *firsts))
        where[name] = at, len(firsts)
        at += len(blocks[-1])
    index = Index(list(numbers), called, responders, list(schedules), len(places), where, visiting)
    return index, b"".join((*(RIGHT.pack(*right) for right in places), *blocks))


def _place(places: dict[tuple[int, int, int], int], profile: int, schedules: list[int]) -> int:
    """Where the first of these rights stands; equal ones stand once."""
    next_ = NO_NEXT
    for schedule in reversed(schedules):
        next_ = places.setdefault((profile, schedule, next_), len(places))
    return next_


class Rights(dict[tuple[int, int], Right]):
    """By the numbers of profile and schedule, made when asked for. Decisions look at the numbers alone.

    Equal numbers and equal schedules are one object each: there are few of them, so the caches hold them.
    """

    def __init__(self, buffer: bytes | memoryview, at: int, index: Index, times: Mapping[str, Times]) -> None:
        super().__init__()
        self._buffer, self._at, self._index, self._times = buffer, at, index, times
        self._responders, self._visiting = frozenset(index.responders), frozenset(index.visiting)
        self._by_target: dict[str, ByNumber] = {}
        self._numbers = list(range(len(index.profiles)))
        self._schedules: dict[tuple[int, ...], tuple[int, ...]] = {}

    def __missing__(self, numbers: tuple[int, int]) -> Right:
        profile, schedule = numbers
        name = self._index.schedules[schedule]
        policy, times = f"{self._index.profiles[profile]}/{name}", self._times.get(name, NO_TIMES)
        self[numbers] = Right(policy, numbers, times, profile in self._responders, profile in self._visiting)
        return self[numbers]

    def _chain(self, place: int) -> tuple[int, ...]:
        """The schedules of a profile whose first right stands there."""
        found: list[int] = []
        while place != NO_NEXT:
            _, schedule, place = RIGHT.unpack_from(self._buffer, self._at + RIGHT.size * place)
            found.append(schedule)
        schedules = tuple(found)
        return self._schedules.setdefault(schedules, schedules)

    def of(self, name: str) -> ByNumber:
        """What a target gives; nothing for one that no policy names. Read once, and shared by its access points."""
        if name not in self._by_target:
            offset, count = self._index.targets.get(name, (0, 0))
            start = self._at + RIGHT.size * self._index.rights + offset
            numbers = struct.unpack_from(f"<{count}H", self._buffer, start)
            places = struct.unpack_from(f"<{count}I", self._buffer, start + 2 * count)
            shared = map(self._numbers.__getitem__, numbers)
            self._by_target[name] = dict(zip(shared, map(self._chain, places), strict=True))
        return self._by_target[name]


class Crossing(NamedTuple):
    """The zones with rules whose bounds an access point crosses."""

    entering: Crossed
    leaving: tuple[str, ...]

    @property
    def zones(self) -> list[str]:
        """All of them."""
        return [*(zone for zone, _ in self.entering), *self.leaving]


def crossing(point: AccessPoint, zones: Mapping[str, Zone]) -> Crossing | None:
    """Which bounds the access point crosses, if any."""
    before, after = ancestry(point.zone_from, zones), ancestry(point.zone_to, zones)
    ruled = {zone: rules for zone in (*before, *after) if zone in zones and (rules := zones[zone].rules)}
    entering = tuple((zone, ruled[zone]) for zone in after if zone in ruled and zone not in before)
    leaving = tuple(zone for zone in before if zone in ruled and zone not in after)
    return Crossing(entering, leaving) if entering or leaving else None


class Doorway(NamedTuple):
    """What a table has for one access point."""

    covering: tuple[ByNumber, ...]
    crossing: Crossing | None


class Doorways(dict[str, Doorway]):
    """By access point, made when it is asked for the first time. An unknown one has no rights."""

    def __init__(self, points: Mapping[str, AccessPoint], zones: Mapping[str, Zone], rights: Rights) -> None:
        super().__init__()
        self._points, self._zones, self._rights = points, zones, rights

    def __missing__(self, name: str) -> Doorway:
        point = self._points.get(name)
        if point is None:
            return Doorway((), None)
        covering = filter(None, map(self._rights.of, targets(point, self._zones)))
        self[name] = Doorway(tuple(covering), crossing(point, self._zones))
        return self[name]

"""Which policies stand for which access point: the wiring's doors joined with the office's rules, once at load."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gateway.access.model import AccessPoint, AccessPolicy, AccessProfile, Zone, ZoneRules
from gateway.access.schedule import NO_TIMES, Times


class Right(NamedTuple):
    """A policy at one access point: its name ("profile/schedule") and its compiled times."""

    policy: str
    times: Times
    responder: bool = False


ByProfile = dict[str, tuple[Right, ...]]
Target = tuple[str, str]  # ("zone" or "point", its name)


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


def targets(point: AccessPoint, zones: Mapping[str, Zone]) -> tuple[Target, ...]:
    """What a policy must name to cover the point: itself, the zone it leads into, or the zone it leads out of."""
    into = (("point", point.name), ("zone", point.zone_to))
    return into if is_inside(point.zone_to, point.zone_from, zones) else (*into, ("zone", point.zone_from))


def resolve(
    points: Iterable[AccessPoint],
    zones: Mapping[str, Zone],
    times: Mapping[str, Times],
    profiles: Iterable[AccessProfile],
) -> dict[str, tuple[ByProfile, ...]]:
    """For each access point, the rights by profile id, one mapping for each target that covers it.

    Mappings are shared between points; a policy whose schedule is missing is never open.
    """
    wanted = {point.name: targets(point, zones) for point in points}
    rights: dict[Target, ByProfile] = {target: {} for names in wanted.values() for target in names}
    inside = _inside([name for kind, name in rights if kind == "zone"], zones)
    for profile in profiles:
        _add(rights, profile, times, inside)
    return {name: tuple(rights[target] for target in names if rights[target]) for name, names in wanted.items()}


def _inside(wanted: Iterable[str], zones: Mapping[str, Zone]) -> dict[str, list[Target]]:
    """The wanted zones that lie within each zone, itself included."""
    found: dict[str, list[Target]] = {}
    for name in wanted:
        for container in ancestry(name, zones):
            found.setdefault(container, []).append(("zone", name))
    return found


def _add(
    rights: Mapping[Target, ByProfile],
    profile: AccessProfile,
    times: Mapping[str, Times],
    inside: Mapping[str, list[Target]],
) -> None:
    made: dict[str, Right] = {}  # one object for all points of a profile with one schedule
    for policy in profile.policies:
        name = policy.schedule
        if name not in made:
            made[name] = Right(f"{profile.id}/{name}", times.get(name, NO_TIMES), profile.responder)
        for target in _covered(policy, inside):
            by_profile = rights.get(target)
            if by_profile is not None:
                by_profile[profile.id] = (*by_profile.get(profile.id, ()), made[name])


def _covered(policy: AccessPolicy, inside: Mapping[str, list[Target]]) -> Iterable[Target]:
    if policy.access_point is not None:
        return (("point", policy.access_point),)
    return inside.get(policy.zone or "", ()) if policy.within else (("zone", policy.zone or ""),)


class Crossing(NamedTuple):
    """The zones with rules whose bounds an access point crosses."""

    entering: tuple[tuple[str, ZoneRules], ...]
    leaving: tuple[str, ...]


def crossings(points: Iterable[AccessPoint], zones: Mapping[str, Zone]) -> dict[str, Crossing]:
    """For each access point that crosses such bounds: which."""
    found: dict[str, Crossing] = {}
    for point in points:
        before, after = ancestry(point.zone_from, zones), ancestry(point.zone_to, zones)
        ruled = {zone: rules for zone in (*before, *after) if zone in zones and (rules := zones[zone].rules)}
        entering = tuple((zone, ruled[zone]) for zone in after if zone in ruled and zone not in before)
        leaving = tuple(zone for zone in before if zone in ruled and zone not in after)
        if entering or leaving:
            found[point.name] = Crossing(entering, leaving)
    return found

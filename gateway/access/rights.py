"""Which policies stand for which access point: the wiring's doors joined with the office's rules, once at load."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gateway.access import schedule
from gateway.access.model import AccessPoint, AccessPolicy, AccessProfile, Schedule, Zone


class Right(NamedTuple):
    """A policy at one access point: its name ("profile/schedule") and its compiled week."""

    policy: str
    week: bytes


ByProfile = dict[str, tuple[Right, ...]]
Target = tuple[str, str]  # ("zone" or "point", its name)


def is_inside(zone: str, container: str, zones: Mapping[str, Zone]) -> bool:
    """Whether `zone` is `container` or lies within it, at any depth."""
    seen: set[str] = set()
    at: str | None = zone
    while at is not None and at not in seen:
        if at == container:
            return True
        seen.add(at)
        at = zones[at].parent if at in zones else None
    return False


def is_leaving(point: AccessPoint, zones: Mapping[str, Zone]) -> bool:
    """Whether the point leads outwards: to a zone around the one it starts in, or to a zone that has no parent."""
    if point.zone_to == point.zone_from:
        return False
    parent = zones[point.zone_to].parent if point.zone_to in zones else None
    return is_inside(point.zone_from, point.zone_to, zones) or (
        parent is None and not is_inside(point.zone_to, point.zone_from, zones)
    )


def targets(point: AccessPoint, zones: Mapping[str, Zone]) -> tuple[Target, ...]:
    """What a policy must name to cover the point: itself, the zone it leads into, or the zone it leads out of."""
    into = (("point", point.name), ("zone", point.zone_to))
    return into if is_inside(point.zone_to, point.zone_from, zones) else (*into, ("zone", point.zone_from))


def resolve(
    points: Iterable[AccessPoint],
    zones: Mapping[str, Zone],
    schedules: Mapping[str, Schedule],
    profiles: Iterable[AccessProfile],
) -> dict[str, tuple[ByProfile, ...]]:
    """For each access point, the rights by profile id, one mapping for each target that covers it.

    Mappings are shared between points; a policy whose schedule is missing is never open.
    """
    wanted = {point.name: targets(point, zones) for point in points}
    rights: dict[Target, ByProfile] = {target: {} for names in wanted.values() for target in names}
    weeks = {name: schedule.week(row) for name, row in schedules.items()}
    for profile in profiles:
        _add(rights, profile, weeks)
    return {name: tuple(rights[target] for target in names if rights[target]) for name, names in wanted.items()}


def _add(rights: Mapping[Target, ByProfile], profile: AccessProfile, weeks: Mapping[str, bytes]) -> None:
    made: dict[str, tuple[Right]] = {}  # one object for all points of a profile with one schedule
    for policy in profile.policies:
        by_profile = rights.get(_target(policy))
        if by_profile is None:
            continue
        name = policy.schedule
        right = made.setdefault(name, (Right(f"{profile.id}/{name}", weeks.get(name, schedule.NEVER)),))
        by_profile[profile.id] = (*by_profile[profile.id], *right) if profile.id in by_profile else right


def _target(policy: AccessPolicy) -> Target:
    return ("zone", policy.zone or "") if policy.access_point is None else ("point", policy.access_point)

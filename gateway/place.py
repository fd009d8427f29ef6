"""This gateway as questions about rights need it: its folder and its wiring, for a child process too."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from gateway.access.case import DEFAULT_LIMITS, Limits
from gateway.access.holders import Best
from gateway.access.model import AccessPoint, CredentialType
from gateway.site import Site


class Gateway(NamedTuple):
    """What of a gateway a question needs."""

    folder: Path
    points: Sequence[AccessPoint]
    tz: tzinfo
    site: int
    limits: Limits = DEFAULT_LIMITS
    best: Mapping[str, Best] = {}  # by access point
    interlocks: Sequence[Sequence[str]] = ()  # doors


def of_site(folder: Path, site: Site) -> Gateway:
    """The gateway of a site file."""
    limits = Limits(static_codes=site.static_codes)
    return Gateway(folder, site.access_points, site.tz, site.number, limits, site.best, site.interlocks)


def wired(folder: Path, site: Site) -> dict[str, Any]:
    """The same as JSON values."""
    points = [
        [p.name, p.door, p.door_number, p.zone_from, p.zone_to, p.min_assurance, p.assurance_by]
        for p in site.access_points
    ]
    return {
        "folder": str(folder),
        "site": site.number,
        "tz": str(site.tz),
        "points": points,
        "static_codes": site.static_codes,
        "best": site.best,
        "interlocks": site.interlocks,
    }


def unwired(told: Mapping[str, Any]) -> Gateway:
    """The gateway that `wired` told of."""
    points = [
        AccessPoint(name, door, number, start, end, least, tuple((schedule, minimum) for schedule, minimum in by))
        for name, door, number, start, end, least, by in told["points"]
    ]
    best = {point: {CredentialType(word): n for word, n in each.items()} for point, each in told["best"].items()}
    limits = Limits(static_codes=told["static_codes"])
    return Gateway(Path(told["folder"]), points, ZoneInfo(told["tz"]), told["site"], limits, best, told["interlocks"])

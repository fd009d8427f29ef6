"""The estate of the decision benchmark, in plain tuples that every engine can take: nothing here is random twice."""

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.access.generation import build
from gateway.access.model import (
    AccessPoint,
    AccessPolicy,
    AccessProfile,
    Credential,
    CredentialState,
    CredentialType,
    HolderClass,
    Row,
    Schedule,
    Window,
    Zone,
)

RESIDENTS, BUILDINGS, POINTS, PROFILES, SCHEDULES = 100_000, 50, 500, 2_000, 64
EPOCH = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
VALID_TO = int((EPOCH + timedelta(days=4)).timestamp())  # of one credential in ten

Link = tuple[int, tuple[int, ...], int | None]  # resident, profiles, valid_to
Request = tuple[bytes, int, datetime]  # key, point, time


def key_of(resident: int) -> bytes:
    return hashlib.sha256(b"%d" % resident).digest()[:16]


def windows(schedule: int) -> list[tuple[int, int, int]]:
    """Weekday, start, end; schedule 0 is always open."""
    start, end = (0, 1440) if schedule == 0 else (schedule * 9, 720 + schedule * 11)
    return [(weekday, start, end) for weekday in range(1, 8)]


def policies() -> list[tuple[int, int, int]]:
    """Profile, point, schedule: each profile has three or four doors of one building."""
    dice = random.Random(1)
    doors = POINTS // BUILDINGS
    return [
        (profile, profile % BUILDINGS * doors + door, dice.choice([0, dice.randrange(SCHEDULES)]))
        for profile in range(PROFILES)
        for door in dice.sample(range(doors), dice.choice([3, 4]))
    ]


def links() -> Iterator[Link]:
    """Each resident's profiles: two in the own building and, for half of them, one elsewhere."""
    dice = random.Random(2)
    for resident in range(RESIDENTS):
        home = [resident % BUILDINGS + BUILDINGS * dice.randrange(PROFILES // BUILDINGS) for _ in range(2)]
        away = [dice.randrange(PROFILES)] if resident % 2 else []
        yield resident, tuple(dict.fromkeys(home + away)), VALID_TO if resident % 10 == 0 else None


def requests(count: int, seed: int) -> list[Request]:
    """Eight in ten at a door of the own building, one anywhere, one with an unknown card; any minute of the week."""
    dice = random.Random(seed)
    made: list[Request] = []
    for _ in range(count):
        resident, kind = dice.randrange(RESIDENTS), dice.random()
        doors = POINTS // BUILDINGS
        point = resident % BUILDINGS * doors + dice.randrange(doors) if kind < 0.8 else dice.randrange(POINTS)
        key = b"unknown card 16b" if kind > 0.9 else key_of(resident)
        made.append((key, point, EPOCH + timedelta(minutes=dice.randrange(7 * 1440))))
    return made


def access_points() -> list[AccessPoint]:
    return [AccessPoint(f"ap-{n}", f"door-{n}", n + 1, "estate", f"zone-{n}") for n in range(POINTS)]


def rows() -> Iterator[Row]:
    yield from (Zone(f"zone-{n}", "estate") for n in range(POINTS))
    yield from (Schedule(f"s-{n}", tuple(Window(*w) for w in windows(n))) for n in range(SCHEDULES))
    of_profile: dict[int, list[AccessPolicy]] = {}
    for profile, point, schedule in policies():
        of_profile.setdefault(profile, []).append(AccessPolicy(f"s-{schedule}", access_point=f"ap-{point}"))
    yield from (AccessProfile(f"p-{n}", n + 1, tuple(found)) for n, found in of_profile.items())
    for resident, profiles, valid_to in links():
        yield Credential(
            f"card-{resident}",
            key_of(resident),
            CredentialType.CARD,
            f"resident-{resident}",
            HolderClass.RESIDENT,
            CredentialState.ENABLED,
            tuple(f"p-{profile}" for profile in profiles),
            valid_to=valid_to,
            refreshed_at=int(EPOCH.timestamp()),
        )


def write_generation(path: Path) -> None:
    path.write_bytes(build(rows(), 1))

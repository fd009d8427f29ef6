"""The estates of the decision benchmarks, in plain tuples that every engine can take: nothing here is random twice."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
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

SCHEDULES = 64
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


@dataclass(frozen=True)
class Estate:
    """So many residents with one card each, and what they may open."""

    residents: int
    buildings: int
    points: int
    profiles: int

    @property
    def doors(self) -> int:
        """Access points of one building."""
        return self.points // self.buildings

    def policies(self) -> list[tuple[int, int, int]]:
        """Profile, point, schedule: each profile has three or four doors of one building."""
        dice = random.Random(1)
        return [
            (profile, profile % self.buildings * self.doors + door, dice.choice([0, dice.randrange(SCHEDULES)]))
            for profile in range(self.profiles)
            for door in dice.sample(range(self.doors), dice.choice([3, 4]))
        ]

    def links(self) -> Iterator[Link]:
        """Each resident's profiles: two in the own building and, for half of them, one elsewhere."""
        dice, each = random.Random(2), self.profiles // self.buildings
        for resident in range(self.residents):
            home = [resident % self.buildings + self.buildings * dice.randrange(each) for _ in range(2)]
            away = [dice.randrange(self.profiles)] if resident % 2 else []
            yield resident, tuple(dict.fromkeys(home + away)), VALID_TO if resident % 10 == 0 else None

    def requests(self, count: int, seed: int) -> list[Request]:
        """One hour's reads in their order: 8 in 10 at the own building, 1 anywhere, 1 of an unknown card."""
        dice = random.Random(seed)
        start = EPOCH + timedelta(minutes=dice.randrange(7 * 1440 - 60))
        made: list[Request] = []
        for n in range(count):
            resident, kind = dice.randrange(self.residents), dice.random()
            home = resident % self.buildings * self.doors + dice.randrange(self.doors)
            point = home if kind < 0.8 else dice.randrange(self.points)
            key = b"unknown card 16b" if kind > 0.9 else key_of(resident)
            made.append((key, point, start + timedelta(seconds=3600 * n // count)))
        return made

    def access_points(self) -> list[AccessPoint]:
        return [AccessPoint(f"ap-{n}", f"door-{n}", n + 1, "estate", f"zone-{n}") for n in range(self.points)]

    def rows(self) -> Iterator[Row]:
        yield from (Zone(f"zone-{n}", "estate") for n in range(self.points))
        yield from (Schedule(f"s-{n}", tuple(Window(*w) for w in windows(n))) for n in range(SCHEDULES))
        of_profile: dict[int, list[AccessPolicy]] = {}
        for profile, point, schedule in self.policies():
            of_profile.setdefault(profile, []).append(AccessPolicy(f"s-{schedule}", access_point=f"ap-{point}"))
        yield from (AccessProfile(f"p-{n}", n + 1, tuple(found)) for n, found in of_profile.items())
        yield from map(self.credential, self.links())

    def credential(self, link: Link) -> Credential:
        resident, profiles, valid_to = link
        return Credential(
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

    def write_generation(self, path: Path) -> None:
        path.write_bytes(build(self.rows(), 1))


SMALL = Estate(100_000, 50, 500, 2_000)  # the peers can take it
LARGE = Estate(1_000_000, 200, 2_000, 10_000)

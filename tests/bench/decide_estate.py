"""The estates of the decision benchmarks, in plain tuples that every engine can take: nothing here is random twice."""

import hashlib
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

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
    SpecialDay,
    SpecialDays,
    Window,
    Zone,
)

SCHEDULES = 64
EPOCH = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
NOW, DAY_S = int(EPOCH.timestamp()), 86_400
LEASES_S = {"resident": 30 * DAY_S, "staff": 7 * DAY_S}
ASSURANCE = 1  # of what is presented
CALENDAR = {f"2026-{month:02}-{day:02}": follows for month in range(1, 13) for day, follows in ((5, None), (7, 1))}
"""Special days: the weekday that each follows, None is closed. In the requests' week a Thursday and a Saturday."""

Request = tuple[bytes, int, datetime]  # key, point, time


class Holder(NamedTuple):
    """One resident's card, in words that every engine can take."""

    number: int
    profiles: tuple[int, ...]
    state: str
    class_: str
    valid_from: int | None
    valid_to: int | None
    refreshed_at: int


def key_of(resident: int) -> bytes:
    return _dice(resident)[:16]


def _dice(resident: int) -> bytes:
    return hashlib.sha256(b"%d" % resident).digest()


def windows(schedule: int) -> list[tuple[int, int, int]]:
    """Weekday, start, end; schedule 0 is always open, one in three is not at weekends."""
    start, end = (0, 1440) if schedule == 0 else (schedule * 9, 720 + schedule * 11)
    return [(weekday, start, end) for weekday in range(1, 6 if schedule % 3 == 1 else 8)]


def heeds(schedule: int) -> bool:
    """Whether the schedule follows the calendar of special days."""
    return schedule % 3 > 0


def least_assurance(point: int) -> int:
    """What the access point asks for."""
    return 2 if point % 25 == 24 else 1


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

    def profiles_of(self, resident: int) -> tuple[int, ...]:
        """Two in the own building and, for half of the residents, one elsewhere."""
        first, second, third = struct.unpack_from(">III", _dice(resident), 16)
        home = [
            resident % self.buildings + self.buildings * (n % (self.profiles // self.buildings))
            for n in (first, second)
        ]
        return tuple(dict.fromkeys([*home, third % self.profiles] if resident % 2 else home))

    def holder(self, n: int) -> Holder:
        """Lost, staff, not yet or no longer valid, and unconfirmed cards are among them."""
        return Holder(
            n,
            self.profiles_of(n),
            "lost" if n % 50 == 49 else "enabled",
            "staff" if n % 20 == 3 else "resident",
            NOW + 2 * DAY_S if n % 20 == 7 else None,
            NOW + 4 * DAY_S if n % 10 == 0 else None,
            NOW - 29 * DAY_S if n % 30 == 11 else NOW,
        )

    def holders(self) -> Iterator[Holder]:
        return map(self.holder, range(self.residents))

    def requests(self, count: int, seed: int) -> list[Request]:
        """One hour's reads in their order: 8 in 10 at a door of the resident's, 1 at any, 1 of an unknown card."""
        dice, points_of = random.Random(seed), _points_of(self)
        start = EPOCH + timedelta(minutes=dice.randrange(7 * 1440 - 60))
        made: list[Request] = []
        for n in range(count):
            resident, kind = dice.randrange(self.residents), dice.random()
            own = dice.choice(points_of[dice.choice(self.profiles_of(resident))])
            point = own if kind < 0.8 else dice.randrange(self.points)
            key = dice.randbytes(16) if kind > 0.9 else key_of(resident)
            made.append((key, point, start + timedelta(seconds=3600 * n // count)))
        return made

    def access_points(self) -> list[AccessPoint]:
        return [
            AccessPoint(f"ap-{n}", f"door-{n}", n + 1, "estate", f"zone-{n}", least_assurance(n))
            for n in range(self.points)
        ]

    def rows(self) -> Iterator[Row]:
        yield from (Zone(f"zone-{n}", "estate") for n in range(self.points))
        yield SpecialDays("year", tuple(SpecialDay(date, (), follows) for date, follows in CALENDAR.items()))
        for n in range(SCHEDULES):
            yield Schedule(f"s-{n}", tuple(Window(*w) for w in windows(n)), ("year",) if heeds(n) else ())
        of_profile: dict[int, list[AccessPolicy]] = {}
        for profile, point, schedule in self.policies():
            of_profile.setdefault(profile, []).append(AccessPolicy(f"s-{schedule}", access_point=f"ap-{point}"))
        yield from (AccessProfile(f"p-{n}", n + 1, tuple(found)) for n, found in of_profile.items())
        yield from map(self.credential, self.holders())

    def credential(self, holder: Holder) -> Credential:
        return Credential(
            f"card-{holder.number}",
            key_of(holder.number),
            CredentialType.CARD,
            f"resident-{holder.number}",
            HolderClass(holder.class_),
            CredentialState(holder.state),
            tuple(f"p-{profile}" for profile in holder.profiles),
            valid_from=holder.valid_from,
            valid_to=holder.valid_to,
            refreshed_at=holder.refreshed_at,
        )

    def write_generation(self, path: Path) -> None:
        path.write_bytes(build(self.rows(), 1))


@cache
def _points_of(estate: Estate) -> dict[int, list[int]]:
    """The access points of each profile."""
    found: dict[int, list[int]] = {}
    for profile, point, _ in estate.policies():
        found.setdefault(profile, []).append(point)
    return found


SMALL = Estate(100_000, 50, 500, 2_000)  # the peers can take it
LARGE = Estate(1_000_000, 200, 2_000, 10_000)

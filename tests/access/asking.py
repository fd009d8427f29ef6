"""One office, many questions: a world asked again with other presentations, places, times and passages before it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random

from gateway.access.door import DoorMode
from gateway.access.mj1 import LiveCode, VisitorPass
from gateway.access.model import Mark
from gateway.access.presence import Moved, PresenceChange, Waits
from gateway.access.presented import Card, Live, Pass, Presented
from tests.access.worlds import NOW, POINTS, SITE, ZONES, Memory, World, key_of

PEOPLE = ("r", "7", "住", "", "credential:证-0", "pass:" + key_of(0)[:8].hex())
MODES = (None, None, None, *DoorMode)


def asked_anew(world: World, dice: Random, count: int) -> Iterator[World]:
    """The world, then so many others with its rows."""
    yield world
    for _ in range(count):
        yield replace(
            world,
            point=dice.choice(world.points),
            presented=_presented(world, dice),
            at=world.at
            + timedelta(seconds=dice.choice([0, 1, 30, 600, 3_600, 40_000, 86_400, 604_800]) * dice.randint(-1, 1)),
            memory=_memory(dice),
            seen=[_sight(dice) for _ in range(dice.choice([0, 0, 1, 2, 4]))],
            mode=dice.choice(MODES),
            interlocked=dice.random() < 0.1,
        )


def _near(dice: Random) -> int:
    return NOW + dice.randint(-120, 120)


def _presented(world: World, dice: Random) -> Presented:
    now, kind, key = int(world.at.timestamp()), dice.random(), key_of(dice.randrange(5))
    pin = dice.choice([b"", b"", b"", key_of(100), key_of(101)])
    site, good = SITE if dice.random() < 0.95 else SITE + 1, dice.random() < 0.95
    if kind < 0.5:
        return Card(key, dice.randint(0, 1), pin)
    if kind < 0.75:
        iat, door = now + dice.randint(-40, 20), dice.choice([0, 0, 1, 2, 3])
        code = LiveCode(0, key_of(dice.randrange(3))[:8], site, iat, dice.choice([0, 0, 1, 2, 3]), door, b"", b"")
        return Live(key, code, good, pin)
    nbf, exp = now + dice.randint(-200, 100), now + dice.randint(-20, 200)
    kid, profile, uses = dice.randrange(4), dice.randint(1, 4), dice.randint(0, 2)
    return Pass(VisitorPass(kid, key_of(dice.randrange(4))[:8], site, nbf, exp, profile, 0, uses, b"", b""), good)


def _memory(dice: Random) -> Memory:
    iats = {key_of(n)[:8]: _near(dice) for n in range(3) if dice.random() < 0.3}
    used = {key_of(n)[:8]: dice.randint(0, 2) for n in range(4) if dice.random() < 0.3}
    return Memory(iats, used | {key_of(n): dice.randint(0, 3) for n in range(4) if dice.random() < 0.3})


def _sight(dice: Random) -> PresenceChange:
    who, point, at = dice.choice(PEOPLE), dice.choice(POINTS), _near(dice)
    marks = int(dice.choice([0, 0, *Mark]))
    if dice.random() < 0.3:
        return Waits(who, point, at, marks)
    zones = [tuple(dice.sample(ZONES, dice.randint(0, 2))) for _ in range(2)]
    return Moved(who, point, *zones, at, marks)

"""A whole world in one plain dict (a YAML file, a bug report): its rows, its doors, and what happens, as values.

The form of the dict is documented in WORLDS.md beside this file. Unknown words are refused by name.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from gateway.access import world_rows, world_words
from gateway.access.case import Limits
from gateway.access.door import DoorConfig, DoorMode, DoorState, Relock
from gateway.access.identifier import KEY_BYTES
from gateway.access.interlock import Group
from gateway.access.lease import Leases
from gateway.access.model import AccessPoint, Row

Body = Mapping[str, Any]
_WRONG = (ValueError, TypeError, AttributeError, OverflowError, OSError)  # of values, and of a zone that is a folder
DEFAULT_START = "2026-03-04T12:00"  # a Wednesday noon
WORDS = {
    "site",
    "time_zone",
    "start",
    "limits",
    "interlocks",
    "doors",
    "points",
    "passage",
    "events",
    *world_rows.KINDS,
}


class BadWorld(ValueError):
    """The dict is no world; the text says where and why, and `place` is the way there: names, and numbers from 0."""

    def __init__(self, text: str, *place: str | int) -> None:
        super().__init__(text)
        self.place = place


@dataclass(frozen=True, slots=True)
class Happening:
    """One entry of `events`: at this time (UTC, in which seconds are counted), this body."""

    number: int
    at: datetime
    body: Body


@dataclass(frozen=True, slots=True)
class World:
    """All that a simulation needs."""

    site: int
    tz: tzinfo
    start: datetime
    limits: Limits
    rows: tuple[Row, ...]
    points: tuple[AccessPoint, ...]
    doors: Mapping[str, tuple[DoorConfig, DoorState]]
    interlocks: tuple[Group, ...]
    passage: Body
    happenings: tuple[Happening, ...]


# Of each kind, in which of its lists (none: in itself), which words name what.
_REFERENCES = (
    ("zones", "", {"parent": "zones"}),
    ("points", "", {"from": "zones", "to": "zones"}),
    ("profiles", "policies", {"zone": "zones", "access_point": "points", "schedule": "schedules"}),
    ("credentials", "profiles", {"": "profiles"}),
)


def read(body: Body) -> World:
    """The world of a dict.

    Raises:
        BadWorld: a word that is unknown or missing, or a value that cannot be.
    """
    with Place("the world"):
        world_words.known(body, WORDS)
        world_words.check(body)
        tz = ZoneInfo(body.get("time_zone", "Asia/Shanghai"))
        start = moment(body.get("start", DEFAULT_START), None, tz)
    doors = {name: _door(name, each) for name, each in _named(body, "doors")}
    made = World(
        site=int(body.get("site", 1)),
        tz=tz,
        start=start,
        limits=_limits(body),
        rows=tuple(_rows(body, start, tz)),
        points=tuple(_points(body, list(doors))),
        doors=doors,
        interlocks=_interlocks(body, doors),
        passage=_passage(body),
        happenings=tuple(_happenings(body, start, tz)),
    )
    _references(body)
    return made


def key_of(credential: str) -> bytes:
    """The key of a world's credential: no card number stands in a world."""
    return hashlib.sha256(credential.encode()).digest()[:KEY_BYTES]


def id_of(name: str) -> bytes:
    """The 8-byte handle or pass id that stands for a name in a world."""
    return key_of(name)[:8]


def moment(value: object, start: datetime | None, tz: tzinfo) -> datetime:
    """A time in UTC: ISO 8601 (the site's own time if it has no offset), or seconds after the start.

    Raises:
        ValueError: it is neither.
        OverflowError: it is beyond all calendars.
    """
    if isinstance(value, int | float) and start is not None:
        return start + timedelta(seconds=value)
    if isinstance(value, str):
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=tz)).astimezone(UTC)
    raise ValueError(f"not a time: {value!r}")


class Place:
    """Turns what is wrong inside into `BadWorld`, with the place before it."""

    def __init__(self, where: str, *place: str | int) -> None:
        self.where, self.place = where, place

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, KeyError):
            raise BadWorld(f"{self.where}: {error} is unknown or missing", *self.place) from error
        if isinstance(error, _WRONG) and not isinstance(error, BadWorld):
            raise BadWorld(f"{self.where}: {error}", *self.place, *getattr(error, "path", ())) from error


def _named(body: Body, kind: str) -> list[tuple[str, Any]]:
    with Place(kind, kind):
        return [(str(name), {} if each is None else each) for name, each in (body.get(kind) or {}).items()]


def _rows(body: Body, start: datetime, tz: tzinfo) -> Iterator[Row]:
    def unix(value: object) -> int:
        return int(moment(value, start, tz).timestamp())

    holders = dict(_named(body, "residents"))
    for kind, make in world_rows.KINDS.items():
        for name, each in _named(body, kind):
            with Place(f"{kind}.{name}", kind, name):
                if isinstance(each, Mapping):
                    world_words.check(each)
                made = make(name, each, world_rows.Context(holders, unix, key_of))
            if made is not None:
                yield made


def _interlocks(body: Body, doors: Mapping[str, object]) -> tuple[Group, ...]:
    with Place("interlocks", "interlocks"):
        groups = tuple(tuple(map(str, group)) for group in body.get("interlocks") or ())
        if unknown := {door for group in groups for door in group} - set(doors):
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    return groups


def _references(body: Body) -> None:
    """Refuse names that stand for nothing: who is refused for a slip of the pen looks as if a rule refused him."""
    names = {
        kind: {"@always", *map(str, body.get(kind) or ())} for kind in ("zones", "points", "schedules", "profiles")
    }
    for kind, listed, words in _REFERENCES:
        for owner, each in _named(body, kind):
            for n, part in enumerate(each.get(listed) or ()) if listed else [(0, each)]:
                place = (kind, owner, listed, n) if listed else (kind, owner)
                with Place(f"{kind}.{owner}", *place):
                    _check_names(part, words, names)


def _check_names(part: Any, words: Mapping[str, str], names: Mapping[str, set[str]]) -> None:
    for word, kind in words.items():
        found = part.get(word) if word else part
        if found is not None and str(found) not in names[kind]:
            raise ValueError(f"{word + ': ' if word else ''}there are no {kind} called {found!r}")


def _limits(body: Body) -> Limits:
    with Place("limits", "limits"):
        fields = dict(body.get("limits") or {})
        leases = fields.pop("leases", None) or {}
        world_words.check(fields)
        world_words.check(leases, "leases")
        return Limits(leases=Leases(**leases), **fields)


def _passage(body: Body) -> Body:
    with Place("passage", "passage"):
        passage: Body = body.get("passage") or {}
        world_words.known(passage, world_words.PASSAGE)
        world_words.known(passage.get("inside") or (), body.get("zones") or (), "inside")
        return passage


def _door(name: str, each: Body) -> tuple[DoorConfig, DoorState]:
    with Place(f"doors.{name}", "doors", name):
        config = {word: value for word, value in each.items() if word not in ("number", "mode", "contact")}
        world_words.check(config)
        config["relock"] = Relock(each.get("relock", "time"))
        seen = False if each.get("contact", True) else None
        return DoorConfig(**config), DoorState(DoorMode(each.get("mode", "Locked")), open=seen)


def _points(body: Body, doors: list[str]) -> Iterator[AccessPoint]:
    numbers = {name: (each or {}).get("number", doors.index(name) + 1) for name, each in _named(body, "doors")}
    for name, each in _named(body, "points"):
        with Place(f"points.{name}", "points", name):
            fields = dict(each)
            world_words.check(fields)
            door = fields.pop("door")
            zones = str(fields.pop("from")), str(fields.pop("to"))
            yield AccessPoint(name, door, numbers[door], *zones, **world_rows.tuples(fields))


def _happenings(body: Body, start: datetime, tz: tzinfo) -> Iterator[Happening]:
    with Place("events", "events"):
        entries = list(body.get("events") or ())
    places = {"door": body.get("doors") or (), "point": body.get("points") or (), "pardon": body.get("zones") or ()}
    at = start
    for number, each in enumerate(entries, 1):
        with Place(f"event {number}", "events", number - 1):
            world_words.event(each, places)
            after = each.get("after")
            at = at + timedelta(seconds=after) if after is not None else moment(each.get("at", 0), start, tz)
            yield Happening(number, at, each)

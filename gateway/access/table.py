"""The permission table that doors are decided by: immutable, mapped from a generation file, with a small overlay."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from types import MappingProxyType

from gateway.access import generation as file
from gateway.access import office, record
from gateway.access.hours import Hours, Minute
from gateway.access.lease import DEFAULT_LEASES
from gateway.access.mapped import Buffer, CorruptTable, Sections, let_go, sections
from gateway.access.model import (
    ALWAYS,
    AccessPoint,
    Credential,
    DeniedPass,
    IssuerKey,
    Row,
    Schedule,
    SpecialDays,
    Zone,
)
from gateway.access.rights import ByNumber, Crossing, Doorways, Index, Right, Rights, first_open
from gateway.access.schedule import ALL_TIMES, DAY_MINUTES, NO_TIMES, Times, times

__all__ = ["Buffer", "CorruptTable", "NeedsRebuild", "PermissionTable"]


class NeedsRebuild(Exception):
    """The change touches zones, schedules or profiles: it takes a new generation."""


@dataclass(frozen=True, slots=True)
class _Office:
    """The small rows, ready for use."""

    index: Index
    numbers: Mapping[str, int]  # of profiles, in records
    profile_of_number: Mapping[int, str]  # of profiles, in visitor passes
    zones: Mapping[str, Zone]
    schedules: tuple[Schedule | SpecialDays, ...]
    times: Mapping[str, Times]  # by schedule
    issuers: Mapping[int, IssuerKey]
    denied: Mapping[bytes, int]  # pass id to the pass's end


Plain = dict[str, tuple[ByNumber, ...]]
Changed = Mapping[bytes, Credential | None]
Parts = tuple[Plain, Changed, memoryview, int, memoryview, list[Minute]]
"""What is asked for every read, in a plain tuple: the access points where nothing but rights counts, with what covers
them; the overlay by key (None is deleted); the slots (u32) and the mask of the look-up; the whole file; the minute that
was asked for last, alone in a list, so that it can be put anew."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PermissionTable:
    """Who may pass where and when. Make one by `load`; every change gives a new one that shares the base."""

    version: int
    site: int
    tz: tzinfo
    points: Mapping[str, AccessPoint]
    parts: Parts
    hours: Hours
    doorways: Doorways  # by access point
    _made: Rights
    _sections: Sections
    _office: _Office

    @classmethod
    def load(cls, buffer: Buffer, points: Sequence[AccessPoint], tz: tzinfo, *, site: int) -> "PermissionTable":
        """The table in a generation file, its checksum verified.

        Args:
            buffer: the whole file; a map stays open as long as a table stands on it.
            points: this gateway's access points, from the wiring file.
            tz: the site's time zone, in which schedules are read.
            site: the site's number, the audience of codes.

        Raises:
            CorruptTable: the file is truncated, changed, or of another format.
        """
        found = sections(buffer)
        whole = memoryview(buffer)
        try:
            made = _read_office(whole[found.office].tobytes())
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise CorruptTable(f"office rows: {error}") from error
        by_name = MappingProxyType({point.name: point for point in points})
        rights = Rights(whole, found.rights.start, made.index, made.times)
        doorways = Doorways(by_name, made.zones, rights)
        slots = whole[found.slots].cast("I")
        hours = Hours(tz, [made.times.get(name, NO_TIMES) for name in made.index.schedules])
        parts: Parts = _plain(points, doorways), {}, slots, len(slots) - 1, whole, hours.kept
        return cls(found.version, site, tz, by_name, parts, hours, doorways, rights, found, made)

    def __repr__(self) -> str:
        return f"<PermissionTable {self.version}, {self.overlay_size} changed>"  # never what is in it

    @property
    def zones(self) -> Mapping[str, Zone]:
        """Zones by id."""
        return self._office.zones

    @property
    def overlay_size(self) -> int:
        """How many credentials the overlay holds: each change copies it, so rebuild before it grows large."""
        return len(self._changed)

    def find(self, key: bytes) -> Credential | None:
        """The credential with this identifier key."""
        if key in self._changed:
            return self._changed[key]
        place = self._place(key)
        return self.stored(place) if place else None

    def knows(self, key: bytes) -> bool:
        """Whether there is one, without reading it."""
        return self._changed[key] is not None if key in self._changed else self._place(key) != 0

    def _place(self, key: bytes) -> int:
        """Where the file has the record of this key; 0: nowhere."""
        _, _, slots, mask, buffer, _ = self.parts
        slot = file.first_slot(key, mask)
        while place := slots[slot]:
            if buffer[place : place + len(key)] == key:
                break
            slot = (slot + 1) & mask
        return place

    def stored(self, place: int) -> Credential:
        """The credential whose record stands there."""
        return record.unpack(self._buffer, place, self._office.index.profiles)

    def issuer(self, kid: int) -> IssuerKey | None:
        """The key that visitor passes of this `kid` are signed with."""
        return self._office.issuers.get(kid)

    def pass_denied(self, pass_id: bytes) -> bool:
        """Whether the pass was called back."""
        return pass_id in self._office.denied

    def profile_of_number(self, number: int) -> str | None:
        """The profile that a visitor pass names by number."""
        return self._office.profile_of_number.get(number)

    def rights(self, point: str, profiles: Iterable[str]) -> list[Right]:
        """The policies of these profiles that cover the access point, whatever the time."""
        return list(self._rights(point, profiles))

    def first_open(self, point: str, profiles: Iterable[str], minute: int, day: int) -> Right | None:
        """The first of `rights` that is open in this minute of the week, on this day."""
        return first_open(self._rights(point, profiles), minute, day)

    def _rights(self, point: str, profiles: Iterable[str]) -> Iterator[Right]:
        numbers = [self._office.numbers.get(profile, record.NO_PROFILE) for profile in profiles]
        for by_number in self.doorways[point].covering:
            for number in numbers:
                for schedule in by_number.get(number, ()):
                    yield self._made[number, schedule]

    def policy(self, right: tuple[int, int]) -> str:
        """The name ("profile/schedule") of a right by its numbers."""
        return self._made[right].policy

    def schedule_open(self, schedule: str, minute: int, day: int) -> bool:
        """Whether a schedule is open in this minute of the week, on this day; a missing one never is."""
        return self._office.times.get(schedule, NO_TIMES).open_at(minute, day)

    def has_schedule(self, schedule: str) -> bool:
        """Whether there is a schedule of this name."""
        return schedule in self._office.times

    def open_for(self, schedule: str, minute: int, day: int) -> int:
        """For how many minutes a schedule stays open, this one among them; as far as a day ahead."""
        times, first = self._office.times.get(schedule, NO_TIMES), minute % DAY_MINUTES
        ahead = (n for n in range(DAY_MINUTES) if not times.open_at(first + n, day + (first + n) // DAY_MINUTES))
        return next(ahead, DAY_MINUTES)

    def crossing(self, point: str) -> Crossing | None:
        """The bounds of zones with rules that the access point crosses."""
        return self.doorways[point].crossing

    def local(self, now: float) -> tuple[int, int]:
        """The site's minute of the week (0 is Monday 00:00) and its day, by `date.toordinal()`."""
        *_, of_week, day = self.hours.minute(now, DEFAULT_LEASES)
        return of_week, day

    @property
    def _changed(self) -> Changed:
        return self.parts[1]

    @property
    def _buffer(self) -> memoryview:
        return self.parts[4]

    def rows(self) -> Iterator[Row]:
        """Every row, the overlay applied."""
        yield from self._office.zones.values()
        yield from self._office.schedules
        lines = bytes(self._buffer[self._sections.office]).split(b"\n")
        yield from map(office.from_line, lines[2 + int(lines[1]) :])
        yield from self._office.issuers.values()
        yield from (DeniedPass(pass_id, until) for pass_id, until in self._office.denied.items())
        for place in self._sections.records:
            if (found := self.stored(place)).key not in self._changed:
                yield found
        yield from filter(None, self._changed.values())

    def entitled(self, point: str) -> Iterator[Credential]:
        """The credentials one of whose profiles has a right at the access point, at whatever time.

        The file's records are skipped by their numbers: a million of them take a second or two, not half a minute.
        """
        covering = self.doorways[point].covering
        numbers = set().union(*covering)
        changed, buffer = self._changed, self._buffer
        for place in self._sections.records:
            if record.names_any(buffer, place, numbers) and (found := self.stored(place)).key not in changed:
                yield found
        names = {self._office.index.profiles[number] for number in numbers}
        yield from (row for row in changed.values() if row and not names.isdisjoint(row.profiles))

    def held_by(self, holder: str) -> Iterator[Credential]:
        """The credentials of one holder."""
        changed, buffer = self._changed, self._buffer
        wanted = holder.encode()
        for place in self._sections.records:
            if record.holds(buffer, place, wanted):
                found = self.stored(place)
                if found.holder == holder and found.key not in changed:
                    yield found
        yield from (row for row in changed.values() if row and row.holder == holder)

    def let_texts_go(self) -> None:
        """Have the pages of texts no longer resident: an event reads one, and the kernel maps its neighbours too."""
        let_go(self._buffer.obj, self._sections.texts)

    def with_changes(self, upserts: Sequence[Row], deleted_keys: Sequence[bytes], version: int) -> "PermissionTable":
        """A table with these rows over this one. Deletions come first, so a key may pass to another credential.

        The overlay is by key: name the old key in `deleted_keys` when a credential's key changes.

        Raises:
            NeedsRebuild: a row is no Credential, IssuerKey or DeniedPass.
        """
        changed: dict[bytes, Credential | None] = {**self._changed, **dict.fromkeys(deleted_keys)}
        issuers, denied = dict(self._office.issuers), dict(self._office.denied)
        for row in upserts:
            match row:
                case Credential():
                    changed[row.key] = row
                case IssuerKey(kid, b""):
                    issuers.pop(kid, None)
                case IssuerKey(kid):
                    issuers[kid] = row
                case DeniedPass(pass_id, 0):
                    denied.pop(pass_id, None)
                case DeniedPass(pass_id, until):
                    denied[pass_id] = until
                case _:
                    raise NeedsRebuild(f"{type(row).__name__} {row.id}")
        made = replace(self._office, issuers=issuers, denied=denied)
        plain, _, slots, mask, buffer, minute = self.parts
        parts = plain, changed, slots, mask, buffer, minute
        return replace(self, version=version, parts=parts, _office=made)


def _read_office(section: bytes) -> _Office:
    first, count, rest = section.split(b"\n", 2) if section.count(b"\n") > 1 else (*section.split(b"\n"), b"")
    index = Index(*json.loads(first))
    rows = list(map(office.from_line, rest.split(b"\n", int(count))[: int(count)]))
    special = [row for row in rows if isinstance(row, SpecialDays)]
    return _Office(
        index,
        dict(zip(index.profiles, range(len(index.profiles)), strict=True)),
        {called: name for called, name in zip(index.numbers, index.profiles, strict=True) if called},
        {row.id: row for row in rows if isinstance(row, Zone)},
        tuple(row for row in rows if isinstance(row, Schedule | SpecialDays)),
        {ALWAYS: ALL_TIMES} | {row.id: times(row, special) for row in rows if isinstance(row, Schedule)},
        {row.kid: row for row in rows if isinstance(row, IssuerKey)},
        {row.pass_id: row.until for row in rows if isinstance(row, DeniedPass)},
    )


def _plain(points: Iterable[AccessPoint], doorways: Doorways) -> Plain:
    """What covers the points where neither who is where nor the hour changes what they ask for."""
    ready = ((point, doorways[point.name]) for point in points)
    return {point.name: way.covering for point, way in ready if not (way.crossing or point.assurance_by)}

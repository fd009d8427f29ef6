"""The permission table that doors are decided by: immutable, mapped from a generation file, with a small overlay."""

import hashlib
import json
import mmap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import Any

from gateway.access import generation as file
from gateway.access import office
from gateway.access.model import (
    AccessPoint,
    AccessProfile,
    Credential,
    DeniedPass,
    IssuerKey,
    Row,
    Schedule,
    SpecialDays,
    Zone,
)
from gateway.access.rights import ByProfile, Crossing, Right, crossings, resolve
from gateway.access.schedule import DAY_MINUTES, NO_TIMES, Times, times

_slot_at, _record_at, _SLOT_BYTES = file.SLOT.unpack_from, file.RECORD.unpack_from, file.SLOT.size
_head_of = file.KEY_HEAD.unpack_from
_new = tuple.__new__  # a NamedTuple made by its own class takes three times as long
_RECORD_BYTES, _numbers, _MORE = file.RECORD.size, file.profile_numbers, file.MORE  # names looked up once
_TYPES, _CLASSES, _STATES, _ALWAYS, _FOREVER = file.TYPES, file.CLASSES, file.STATES, file.ALWAYS, file.FOREVER
_NO_MORE = (b"", b"", 0, 0)  # no PINs, no marks, no end of uses
QUARTER_S, CLOCK_SIZE = 900, 2_000  # the memo holds three weeks of quarter-hours
Buffer = bytes | mmap.mmap | memoryview


class CorruptTable(ValueError):
    """The file is not a whole generation; `where` says which part. Fall back to the last good one."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


class NeedsRebuild(Exception):
    """The change touches zones, schedules or profiles: it takes a new generation."""


@dataclass(frozen=True, slots=True)
class _Office:
    """The small rows, ready for use."""

    names: Sequence[str]  # profile ids, by their number in records
    zones: Mapping[str, Zone]
    profile_of_number: Mapping[int, str]
    rights: Mapping[str, tuple[ByProfile, ...]]  # by access point
    times: Mapping[str, Times]  # by schedule
    crossings: Mapping[str, Crossing]  # by access point, if it crosses the bounds of a zone with rules
    issuers: Mapping[int, IssuerKey]
    denied: Mapping[bytes, int]  # pass id to the pass's end


@dataclass(frozen=True, slots=True)
class PermissionTable:
    """Who may pass where and when. Make one by `load`; every change gives a new one that shares the base."""

    version: int
    site: int
    tz: tzinfo
    points: Mapping[str, AccessPoint]
    _buffer: Buffer
    _header: tuple[int, int, int, int]  # slot offset, slot mask, office offset, office length
    _office: _Office
    _changed: Mapping[bytes, Credential | None] = field(default_factory=dict)  # overlay by key; None is deleted
    _clock: dict[int, tuple[int, int]] = field(default_factory=dict, repr=False, compare=False)  # memo of `local`

    @classmethod
    def load(cls, buffer: Buffer, points: Sequence[AccessPoint], tz: tzinfo, *, site: int) -> "PermissionTable":
        """The table in a generation file, its checksum verified.

        Args:
            buffer: the whole file; keep a map open as long as a table stands on it.
            points: this gateway's access points, from the wiring file.
            tz: the site's time zone, in which schedules are read.
            site: the site's number, the audience of codes.

        Raises:
            CorruptTable: the file is truncated, changed, or of another format.
        """
        version, header = _verify(buffer)
        try:
            made = _read_office(buffer, header, points)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptTable(f"office rows: {error}") from error
        by_name = MappingProxyType({point.name: point for point in points})
        return cls(version, site, tz, by_name, buffer, header, made)

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
        if self._changed and key in self._changed:
            return self._changed[key]
        slots, mask, _, _ = self._header
        buffer, slot = self._buffer, _head_of(key)[0] & mask  # file.first_slot, without the call
        while offset := _slot_at(buffer, slots + _SLOT_BYTES * slot)[0]:
            fields = _record_at(buffer, offset)
            if fields[0] == key:
                return self._credential(offset, fields)
            slot = (slot + 1) & mask
        return None

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
        covering = self._office.rights.get(point, ())
        return [right for profile in profiles for by_profile in covering for right in by_profile.get(profile, ())]

    def first_open(self, point: str, profiles: Iterable[str], minute: int, day: int) -> Right | None:
        """The first of `rights` that is open in this minute of the week, on this day."""
        covering = self._office.rights.get(point, ())
        place, bit = minute >> 3, minute & 7
        for profile in profiles:
            for by_profile in covering:
                for right in by_profile.get(profile, ()):
                    times = right.times  # a plain week is looked at here: calls would take longer than all the rest
                    if times.open_at(minute, day) if times.special else times.week[place] >> bit & 1:
                        return right
        return None

    def schedule_open(self, schedule: str, minute: int, day: int) -> bool:
        """Whether a schedule is open in this minute of the week, on this day; a missing one never is."""
        return self._office.times.get(schedule, NO_TIMES).open_at(minute, day)

    def crossing(self, point: str) -> Crossing | None:
        """The bounds of zones with rules that the access point crosses."""
        return self._office.crossings.get(point)

    def local(self, now: float) -> tuple[int, int]:
        """The site's minute of the week (0 is Monday 00:00) and its day, by `date.toordinal()`.

        Remembered by quarter-hours: clocks of our time change at whole ones only.
        """
        quarter, rest = divmod(int(now), QUARTER_S)
        start = self._clock.get(quarter)
        if start is None:
            start = self._local(quarter * QUARTER_S)
            if len(self._clock) >= CLOCK_SIZE:
                self._clock.clear()
            self._clock[quarter] = start
        return start[0] + rest // 60, start[1]

    def _local(self, now: int) -> tuple[int, int]:
        local = datetime.fromtimestamp(now, self.tz)
        return local.weekday() * DAY_MINUTES + local.hour * 60 + local.minute, local.toordinal()

    def rows(self) -> Iterator[Row]:
        """Every row, the overlay applied."""
        _, *lines = _office_lines(self._buffer, self._header)
        for row in map(office.from_line, lines):
            if not isinstance(row, IssuerKey | DeniedPass):
                yield row
        yield from self._office.issuers.values()
        yield from (DeniedPass(pass_id, until) for pass_id, until in self._office.denied.items())
        slots, mask, _, _ = self._header
        for (offset,) in file.SLOT.iter_unpack(self._buffer[slots : slots + file.SLOT.size * (mask + 1)]):
            fields = file.RECORD.unpack_from(self._buffer, offset) if offset else None
            if fields and fields[0] not in self._changed:
                yield self._credential(offset, fields)
        yield from filter(None, self._changed.values())

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
                case IssuerKey():
                    issuers[row.kid] = row
                case DeniedPass():
                    denied[row.pass_id] = row.until
                case _:
                    raise NeedsRebuild(f"{type(row).__name__} {row.id}")
        made = replace(self._office, issuers=issuers, denied=denied)
        return replace(self, version=version, _changed=changed, _office=made)

    def _credential(self, offset: int, fields: tuple[Any, ...]) -> Credential:
        key, valid_from, valid_to, refreshed_at, profiles, id_chars, text_bytes, type_, class_, state, key_bytes = (
            fields
        )
        more = self._more(offset, fields) if type_ & _MORE else _NO_MORE
        numbers = _numbers(profiles)
        at = offset + _RECORD_BYTES
        text_at = at + numbers.size
        key_at = text_at + text_bytes
        text = str(self._buffer[text_at:key_at], "utf-8")
        fields = (
            text[:id_chars],
            key,
            _TYPES[type_ & ~_MORE],
            text[id_chars:],
            _CLASSES[class_],
            _STATES[state],
            tuple(map(self._office.names.__getitem__, numbers.unpack_from(self._buffer, at))),
            None if valid_from == _ALWAYS else valid_from,
            None if valid_to == _FOREVER else valid_to,
            refreshed_at,
            bytes(self._buffer[key_at : key_at + key_bytes]) if key_bytes else b"",
            *more,
        )
        return _new(Credential, fields)

    def _more(self, offset: int, fields: tuple[Any, ...]) -> tuple[bytes, bytes, int, int]:
        """The PIN, the PIN that calls for help, the marks and the most uses of a record that has them."""
        _, _, _, _, profiles, _, text_bytes, _, _, _, key_bytes = fields
        at = offset + file.RECORD.size + file.profile_numbers(profiles).size + text_bytes + key_bytes
        pin, duress_pin, marks, max_uses = file.MORE_FIELDS.unpack_from(self._buffer, at)
        return pin if any(pin) else b"", duress_pin if any(duress_pin) else b"", marks, max_uses


def _verify(buffer: Buffer) -> tuple[int, tuple[int, int, int, int]]:
    if len(buffer) < file.HEADER.size + file.DIGEST_BYTES:
        raise CorruptTable("length")
    magic, version, slots_at, slots, office_at, office_length, length = file.HEADER.unpack_from(buffer)
    if magic != file.MAGIC:
        raise CorruptTable("magic")
    if length != len(buffer):
        raise CorruptTable("length")
    end = length - file.DIGEST_BYTES
    with memoryview(buffer) as whole:
        digest = hashlib.sha256(whole[:end]).digest()
    if isinstance(buffer, mmap.mmap):
        buffer.madvise(mmap.MADV_DONTNEED)  # the checksum read every page; let only used ones stay resident
    if digest != buffer[end:]:
        raise CorruptTable("checksum")
    slots_end = slots_at + slots * file.SLOT.size
    if not slots or slots & (slots - 1) or slots_end != office_at or office_at + office_length != end:
        raise CorruptTable("header")
    return version, (slots_at, slots - 1, office_at, office_length)


def _office_lines(buffer: Buffer, header: tuple[int, int, int, int]) -> list[bytes]:
    _, _, at, length = header
    return bytes(buffer[at : at + length]).split(b"\n")


def _read_office(buffer: Buffer, header: tuple[int, int, int, int], points: Sequence[AccessPoint]) -> _Office:
    zones: dict[str, Zone] = {}
    schedules: list[Schedule] = []
    special: list[SpecialDays] = []
    numbers: dict[int, str] = {}
    issuers, denied = {}, {}
    profiles: list[AccessProfile] = []
    names, *lines = _office_lines(buffer, header)
    for row in map(office.from_line, lines):
        match row:
            case Zone():
                zones[row.id] = row
            case Schedule():
                schedules.append(row)
            case SpecialDays():
                special.append(row)
            case AccessProfile():
                numbers[row.number] = row.id
                profiles.append(row)
            case IssuerKey():
                issuers[row.kid] = row
            case DeniedPass():
                denied[row.pass_id] = row.until
    compiled = {row.id: times(row, special) for row in schedules}
    by_point = resolve(points, zones, compiled, profiles)
    crossed = crossings(points, zones)
    return _Office(json.loads(names), zones, numbers, by_point, compiled, crossed, issuers, denied)

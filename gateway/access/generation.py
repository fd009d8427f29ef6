"""One permission table as one flat file, so that the door process maps it and parses nothing large.

Layout, little-endian, offsets from the start of the file:

    HEADER    magic, version, where the sections begin (slots, rights, office), slot count, file length
    records   a credential each (record.py)
    slots     u32 offset of a record, 0 is empty: open addressing by the key's first 4 bytes, linear probing
    rights    what each access point and zone gives to each profile (rights.py)
    office    JSON lines: the index of the rights, how many lines a table reads at once, those lines (zones, schedules,
              issuers... by office.py), then the profiles, which are read when somebody asks for all rows
    SHA-256   of all before it

About 80 MB for 1,000,000 cards with ids and holders of 12 characters.
"""

import hashlib
import json
import struct
import sys
from array import array
from collections.abc import Iterable

from gateway.access import office, record, rights, schedule
from gateway.access.identifier import KEY_BYTES
from gateway.access.model import (
    AccessProfile,
    Credential,
    DeniedPass,
    IssuerKey,
    Row,
    Schedule,
    SpecialDays,
)

MAGIC = b"MENJIN\x00\x03"
HEADER = struct.Struct("<8sQQQQQQ")
SLOT = struct.Struct("<I")
KEY_HEAD = struct.Struct("<I")
DIGEST_BYTES = 32


class BadRows(ValueError):
    """Rows that cannot stand in one table; the text names the row and what is wrong."""


def first_slot(key: bytes, mask: int) -> int:
    """Where the probe for a key begins; keys are keyed hashes, so their bytes are evenly spread."""
    slot: int = KEY_HEAD.unpack_from(key)[0]
    return slot & mask


def build(rows: Iterable[Row], version: int) -> bytes:
    """The whole file for these rows.

    Raises:
        BadRows: a key of the wrong length, two rows of one id, a value that the file cannot hold.
    """
    writer = _Writer()
    for row in rows:
        writer.add(row)
    return writer.file(version)


class _Writer:
    def __init__(self) -> None:
        self.body = bytearray()  # the records, in order of arrival
        self.numbers: dict[str, int] = {}  # every profile id, also of those that only credentials name
        self.records = array("I")
        self.profiles: list[AccessProfile] = []
        self.office: dict[tuple[str, str], bytes] = {}

    def add(self, row: Row) -> None:
        try:
            self._add_credential(row) if isinstance(row, Credential) else self._add_office(row)
        except (struct.error, OverflowError, ValueError) as error:
            raise BadRows(f"{type(row).__name__} {_name(row)}: {error}") from error

    def _add_office(self, row: office.OfficeRow) -> None:
        _check(row)
        names = [_name(row)]
        if isinstance(row, AccessProfile):
            names = [row.id, f"number {row.number}"]
            self._number(row.id)
            self.profiles.append(row)
        for name in names:
            if (type(row).__name__, name) in self.office:
                raise ValueError(f"{name} stands twice")
            self.office[type(row).__name__, name] = b""
        self.office[type(row).__name__, names[0]] = office.to_line(row)

    def _add_credential(self, row: Credential) -> None:
        if len(row.key) != KEY_BYTES:
            raise ValueError(f"the key has {len(row.key)} bytes")
        self.records.append(HEADER.size + len(self.body))
        self.body += record.pack(row, [self._number(name) for name in row.profiles])

    def _number(self, profile: str) -> int:
        number = self.numbers.setdefault(profile, len(self.numbers))
        if number >= record.NO_PROFILE:
            raise ValueError(f"more than {record.NO_PROFILE} profiles")
        return number

    def _slots(self) -> bytes:
        count = 1 << (len(self.records) * 2).bit_length()
        slots = array("I", bytes(count * SLOT.size))
        for offset in self.records:
            key = self._key(offset)
            slot = first_slot(key, count - 1)
            while slots[slot]:
                if self._key(slots[slot]) == key:
                    raise BadRows(f"two credentials have the key {key.hex()}")
                slot = (slot + 1) & (count - 1)
            slots[slot] = offset
        if sys.byteorder == "big":
            slots.byteswap()
        return slots.tobytes()

    def _key(self, offset: int) -> bytes:
        start = offset - HEADER.size
        return bytes(self.body[start : start + KEY_BYTES])

    def _office(self, index: rights.Index) -> bytes:
        """The index and the lines, those of profiles last."""
        last = AccessProfile.__name__
        lines = [line for (kind, _), line in self.office.items() if line and kind != last]
        profiles = [line for (kind, _), line in self.office.items() if line and kind == last]
        first = json.dumps(index, separators=(",", ":")).encode(), str(len(lines)).encode()
        return b"\n".join((*first, *lines, *profiles))

    def file(self, version: int) -> bytes:
        slots = self._slots()
        index, granted = rights.written(self.profiles, self.numbers)
        lines = self._office(index)
        slots_at = HEADER.size + len(self.body)
        rights_at = slots_at + len(slots)
        office_at = rights_at + len(granted)
        length = office_at + len(lines) + DIGEST_BYTES
        header = HEADER.pack(MAGIC, version, slots_at, rights_at, office_at, len(slots) // SLOT.size, length)
        parts = (header, self.body, slots, granted, lines)
        digest = hashlib.sha256()
        for part in parts:
            digest.update(part)
        return b"".join((*parts, digest.digest()))


def _check(row: office.OfficeRow) -> None:
    """Raises ValueError for a row that no decision could use."""
    match row:
        case Schedule():
            schedule.week(row)
        case SpecialDays():
            schedule.special_days(row, schedule.NEVER)
        case AccessProfile(_, number, policies):
            if not 1 <= number <= 65535:
                raise ValueError(f"number {number} is not 1 to 65535")
            if any((policy.zone is None) == (policy.access_point is None) for policy in policies):
                raise ValueError("a policy names exactly one of zone and access point")
        case IssuerKey(kid, _) if not 0 <= kid <= 15:
            raise ValueError("kid is not 0 to 15")


def _name(row: Row) -> str:
    match row:
        case IssuerKey(kid, _):
            return str(kid)
        case DeniedPass(pass_id, _):
            return pass_id.hex()
        case _:
            return row.id

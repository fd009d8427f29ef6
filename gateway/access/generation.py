"""One permission table as one flat file, so that the door process maps it and parses nothing large.

Layout, little-endian, offsets from the start of the file:

    HEADER    magic, version, where the sections begin (records, slots, rights, office), slot count, file length
    texts     of each credential the piece that events tell (record.COLD)
    records   of each the piece that every read asks (record.HOT), on whole cache lines
    slots     u32 offset of a record, 0 is empty: open addressing by the key's first 4 bytes, linear probing
    rights    what each access point and zone gives to each profile (rights.py)
    office    JSON lines: the index of the rights, how many lines a table reads at once, those lines (zones, schedules,
              issuers... by office.py), then the profiles, which are read when somebody asks for all rows
    SHA-256   of all before it

About 84 MB for 1,000,000 cards with ids and holders of 12 characters.
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

MAGIC = b"MENJIN\x00\x04"
HEADER = struct.Struct("<8sQQQQQQQ")
LINE_BYTES = 64  # of a cache
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
        self.texts, self.records = bytearray(), bytearray()  # both in order of arrival
        self.numbers: dict[str, int] = {}  # every profile id, also of those that only credentials name
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
        numbers = [self._number(name) for name in row.profiles]
        hot, cold = record.pack(row, numbers, HEADER.size + len(self.texts))
        self.records += hot
        self.texts += cold

    def _number(self, profile: str) -> int:
        number = self.numbers.setdefault(profile, len(self.numbers))
        if number >= record.NO_PROFILE:
            raise ValueError(f"more than {record.NO_PROFILE} profiles")
        return number

    def _slots(self, records_at: int) -> bytes:
        each, records = record.HOT.size, self.records
        count = 1 << (len(records) // each * 2).bit_length()
        slots = array("I", bytes(count * SLOT.size))
        for start in range(0, len(records), each):
            key = bytes(records[start : start + KEY_BYTES])
            slot = first_slot(key, count - 1)
            while place := slots[slot]:
                if records.startswith(key, place - records_at):
                    raise BadRows(f"two credentials have the key {key.hex()}")
                slot = (slot + 1) & (count - 1)
            slots[slot] = records_at + start
        if sys.byteorder == "big":
            slots.byteswap()
        return slots.tobytes()

    def _office(self, index: rights.Index) -> bytes:
        """The index and the lines, those of profiles last."""
        last = AccessProfile.__name__
        lines = [line for (kind, _), line in self.office.items() if line and kind != last]
        profiles = [line for (kind, _), line in self.office.items() if line and kind == last]
        first = json.dumps(index, separators=(",", ":")).encode(), str(len(lines)).encode()
        return b"\n".join((*first, *lines, *profiles))

    def file(self, version: int) -> bytes:
        self.texts += bytes(-(HEADER.size + len(self.texts)) % LINE_BYTES)
        records_at = HEADER.size + len(self.texts)
        slots_at = records_at + len(self.records)
        slots = self._slots(records_at)
        index, granted = rights.written(self.profiles, self.numbers)
        lines = self._office(index)
        rights_at = slots_at + len(slots)
        office_at = rights_at + len(granted)
        length = office_at + len(lines) + DIGEST_BYTES
        begins = records_at, slots_at, rights_at, office_at
        header = HEADER.pack(MAGIC, version, *begins, len(slots) // SLOT.size, length)
        parts = (header, self.texts, self.records, slots, granted, lines)
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
            schedule.special_days(row, schedule.NOTHING_BEGINS)
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

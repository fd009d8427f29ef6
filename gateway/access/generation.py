"""One permission table as one flat file, so that the door process maps it and parses nothing large.

Layout, little-endian, offsets from the start of the file:

    HEADER    magic, version, slot offset, slot count, office offset, office length, file length
    records   RECORD, then u16 numbers of profiles, then UTF-8 text (id, holder), then the public key
    slots     u32 offset of a record, 0 is empty: open addressing by the key's first 8 bytes, linear probing
    office    JSON lines: the profile ids that records name by number, then the small rows (office.py)
    SHA-256   of all before it

About 85 MB for 1,000,000 cards with ids of 12 characters.
"""

import hashlib
import json
import struct
import sys
from array import array
from collections.abc import Iterable
from functools import cache

from gateway.access import office, schedule
from gateway.access.identifier import KEY_BYTES
from gateway.access.model import (
    AccessProfile,
    Credential,
    CredentialState,
    CredentialType,
    DeniedPass,
    HolderClass,
    IssuerKey,
    Row,
    Schedule,
    SpecialDays,
)

MAGIC = b"MENJIN\x00\x02"
HEADER = struct.Struct("<8sQQQQQQ")
SLOT = struct.Struct("<I")
KEY_HEAD = struct.Struct("<Q")
DIGEST_BYTES = 32

# key, valid_from, valid_to, refreshed_at; profiles, id in characters, text in bytes; type, class, state; key in bytes
# A type with MORE set has PINs and marks behind the public key.
RECORD = struct.Struct("<16sqqqHHHBBBB")
MORE, MORE_FIELDS = 0x80, struct.Struct("<16s16sHH")  # pin, duress pin (zeros are none), marks, max_uses
ALWAYS, FOREVER = -(2**63), 2**63 - 1  # an open valid_from, an open valid_to

# A member's place is its code on disk: append, never reorder.
TYPES = (
    CredentialType.CARD,
    CredentialType.PIN,
    CredentialType.LIVE,
    CredentialType.PASS,
    CredentialType.STATIC,
    CredentialType.IDCARD,
    CredentialType.PLATE,
)
CLASSES = (HolderClass.RESIDENT, HolderClass.STAFF, HolderClass.VISITOR, HolderClass.EMERGENCY)
STATES = (
    CredentialState.ENABLED,
    CredentialState.DISABLED,
    CredentialState.SUSPENDED,
    CredentialState.LOST,
    CredentialState.STOLEN,
    CredentialState.DAMAGED,
)


@cache
def profile_numbers(count: int) -> struct.Struct:
    """The profile numbers of a record that has so many."""
    return struct.Struct(f"<{count}H")


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
        self.profiles: dict[str, int] = {}  # every profile id that a credential names, to its number on disk
        self.records = array("I")
        self.office: dict[tuple[str, str], bytes] = {}

    def add(self, row: Row) -> None:
        try:
            self._add_credential(row) if isinstance(row, Credential) else self._add_office(row)
        except (struct.error, OverflowError, ValueError) as error:
            raise BadRows(f"{type(row).__name__} {_name(row)}: {error}") from error

    def _add_office(self, row: office.OfficeRow) -> None:
        _check(row)
        names = [_name(row)] if not isinstance(row, AccessProfile) else [row.id, f"number {row.number}"]
        for name in names:
            if (type(row).__name__, name) in self.office:
                raise ValueError(f"{name} stands twice")
            self.office[type(row).__name__, name] = b""
        self.office[type(row).__name__, names[0]] = office.to_line(row)

    def _add_credential(self, row: Credential) -> None:
        if len(row.key) != KEY_BYTES:
            raise ValueError(f"the key has {len(row.key)} bytes")
        profiles = [self.profiles.setdefault(name, len(self.profiles)) for name in row.profiles]
        self.records.append(HEADER.size + len(self.body))
        self.body += _record(row, profiles)

    def _slots(self) -> "array[int]":
        count = 1 << (len(self.records) * 3 // 2).bit_length()
        slots = array("I", bytes(count * SLOT.size))
        for offset in self.records:
            key = self._key(offset)
            slot = first_slot(key, count - 1)
            while slots[slot]:
                if self._key(slots[slot]) == key:
                    raise BadRows(f"two credentials have the key {key.hex()}")
                slot = (slot + 1) & (count - 1)
            slots[slot] = offset
        return slots

    def _key(self, offset: int) -> bytes:
        start = offset - HEADER.size
        return bytes(self.body[start : start + KEY_BYTES])

    def file(self, version: int) -> bytes:
        slots = self._slots()
        if sys.byteorder == "big":
            slots.byteswap()
        slot_bytes = slots.tobytes()
        names = json.dumps(list(self.profiles)).encode()
        lines = b"\n".join((names, *filter(None, self.office.values())))
        slots_at = HEADER.size + len(self.body)
        office_at = slots_at + len(slot_bytes)
        length = office_at + len(lines) + DIGEST_BYTES
        header = HEADER.pack(MAGIC, version, slots_at, len(slots), office_at, len(lines), length)
        digest = hashlib.sha256()
        for part in (header, self.body, slot_bytes, lines):
            digest.update(part)
        return b"".join((header, self.body, slot_bytes, lines, digest.digest()))


def _record(row: Credential, profiles: list[int]) -> bytes:
    text = (row.id + row.holder).encode()
    more = b""
    if row.pin or row.duress_pin or row.marks or row.max_uses:
        if len(row.pin) not in (0, KEY_BYTES) or len(row.duress_pin) not in (0, KEY_BYTES):
            raise ValueError("a PIN's key has not 16 bytes")
        more = MORE_FIELDS.pack(row.pin, row.duress_pin, row.marks, row.max_uses)
    fixed = RECORD.pack(
        row.key,
        ALWAYS if row.valid_from is None else row.valid_from,
        FOREVER if row.valid_to is None else row.valid_to,
        row.refreshed_at,
        len(profiles),
        len(row.id),
        len(text),
        TYPES.index(row.type) | (MORE if more else 0),
        CLASSES.index(row.holder_class),
        STATES.index(row.state),
        len(row.public_key),
    )
    return fixed + profile_numbers(len(profiles)).pack(*profiles) + text + row.public_key + more


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

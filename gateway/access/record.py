"""A credential in a generation file, in two pieces: what every read asks, and what an event tells of it.

    HOT       key, refreshed_at, where COLD begins, way, class, three profiles by their numbers; half a cache line
    COLD      valid_from, valid_to, type, state, profiles beyond three, id in characters, text in bytes, public key in
              bytes
    then      u16 numbers of those profiles, UTF-8 text (id, holder), public key, MORE

Little-endian. A record is usual if nothing but time and rights can refuse it: enabled, no MORE, no static code, at most
three profiles. Times are Unix seconds below 2**32 - 1 (the year 2106).
"""

import struct
from collections.abc import Collection, Sequence

from gateway.access.identifier import KEY_BYTES
from gateway.access.model import Credential, CredentialState, CredentialType, HolderClass

HOT = struct.Struct("<16sIIBB3H")
COLD = struct.Struct("<IIBBBHHB")
USUAL = struct.Struct("<16sI4xBB3H")  # HOT without the place of COLD
STANDING = struct.Struct("<IIBB")  # the first of COLD
MORE = struct.Struct("<16s16sHH")  # pin, duress pin (zeros are none), marks, max_uses
HAS_MORE = 0x80  # set in the type
INLINE = 3
NO_PROFILE = 0xFFFF
ALWAYS, FOREVER = 0, 2**32 - 1  # an open valid_from, an open valid_to
UNDATED = 2**32 - 1  # a refreshed_at that nobody noted: no lease ends
UNUSUAL, UNBOUNDED, BOUNDED = 0, 1, 2  # the way of a record: bounded ones have a valid_from or valid_to

# A member's place is its code on disk: append, never reorder. Leases stand in the order of CLASSES too.
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
ENABLED, STATIC = STATES.index(CredentialState.ENABLED), TYPES.index(CredentialType.STATIC)
_PROFILES = struct.Struct("<3H")  # the last of HOT
_PROFILES_AT = HOT.size - _PROFILES.size
_PLACE = struct.Struct("<I")  # where COLD begins
_PLACE_AT = 20
Buffer = bytes | memoryview


def pack(row: Credential, numbers: Sequence[int], cold_at: int) -> tuple[bytes, bytes]:
    """The two pieces of a credential whose profiles have these numbers; the second will stand at `cold_at`.

    Raises:
        ValueError, struct.error: a value that the record cannot hold.
    """
    more = _more(row)
    start = ALWAYS if row.valid_from is None else row.valid_from
    end = FOREVER if row.valid_to is None else row.valid_to
    text = (row.id + row.holder).encode()
    beyond = numbers[INLINE:]
    hot = HOT.pack(
        row.key,
        row.refreshed_at or UNDATED,
        cold_at,
        UNUSUAL if more or beyond else _way(row),
        CLASSES.index(row.holder_class),
        *(*numbers[:INLINE], NO_PROFILE, NO_PROFILE, NO_PROFILE)[:INLINE],
    )
    cold = COLD.pack(
        start,
        end,
        TYPES.index(row.type) | (HAS_MORE if more else 0),
        STATES.index(row.state),
        len(beyond),
        len(row.id),
        len(text),
        len(row.public_key),
    )
    return hot, cold + struct.pack(f"<{len(beyond)}H", *beyond) + text + row.public_key + more


def _way(row: Credential) -> int:
    if row.state is not CredentialState.ENABLED or row.type is CredentialType.STATIC:
        return UNUSUAL
    return UNBOUNDED if row.valid_from is None and row.valid_to is None else BOUNDED


def _more(row: Credential) -> bytes:
    if not (row.pin or row.duress_pin or row.marks or row.max_uses):
        return b""
    if len(row.pin) not in (0, KEY_BYTES) or len(row.duress_pin) not in (0, KEY_BYTES):
        raise ValueError("a PIN's key has not 16 bytes")
    return MORE.pack(row.pin, row.duress_pin, row.marks, row.max_uses)


def names_any(buffer: Buffer, at: int, numbers: Collection[int]) -> bool:
    """Whether the record names one of these profiles."""
    first, second, third = _PROFILES.unpack_from(buffer, at + _PROFILES_AT)
    if first in numbers or second in numbers or third in numbers:
        return True
    if third == NO_PROFILE:
        return False
    cold_at = _cold_at(buffer, at)
    beyond = COLD.unpack_from(buffer, cold_at)[4]
    return any(number in numbers for number in struct.unpack_from(f"<{beyond}H", buffer, cold_at + COLD.size))


def holds(buffer: Buffer, at: int, holder: bytes) -> bool:
    """Whether the record's text ends as this holder's does; another holder's may too."""
    cold_at = _cold_at(buffer, at)
    _, _, _, _, beyond, _, text_bytes, _ = COLD.unpack_from(buffer, cold_at)
    end = cold_at + COLD.size + 2 * beyond + text_bytes
    return buffer[end - len(holder) : end] == holder


def _cold_at(buffer: Buffer, at: int) -> int:
    place: int = _PLACE.unpack_from(buffer, at + _PLACE_AT)[0]
    return place


def standing(buffer: Buffer, at: int) -> tuple[int, int, int, int]:
    """The record's valid_from, valid_to, type and state, as they are stored."""
    start, end, type_, state = STANDING.unpack_from(buffer, _cold_at(buffer, at))
    return start, end, type_, state


def unpack(buffer: Buffer, at: int, names: Sequence[str]) -> Credential:
    """The credential whose record begins at `at`; `names` are the profiles by their numbers."""
    key, refreshed_at, cold_at, _, class_, *numbers = HOT.unpack_from(buffer, at)
    valid_from, valid_to, type_, state, beyond, id_chars, text_bytes, key_bytes = COLD.unpack_from(buffer, cold_at)
    text_at = cold_at + COLD.size + 2 * beyond
    key_at = text_at + text_bytes
    text = str(buffer[text_at:key_at], "utf-8")
    if beyond:
        numbers += struct.unpack_from(f"<{beyond}H", buffer, cold_at + COLD.size)
    pin, duress_pin, marks, max_uses = b"", b"", 0, 0
    if type_ & HAS_MORE:
        pin, duress_pin, marks, max_uses = MORE.unpack_from(buffer, key_at + key_bytes)
    return Credential(
        id=text[:id_chars],
        key=key,
        type=TYPES[type_ & ~HAS_MORE],
        holder=text[id_chars:],
        holder_class=CLASSES[class_],
        state=STATES[state],
        profiles=tuple(names[number] for number in numbers if number != NO_PROFILE),
        valid_from=None if valid_from == ALWAYS else valid_from,
        valid_to=None if valid_to == FOREVER else valid_to,
        refreshed_at=0 if refreshed_at == UNDATED else refreshed_at,
        public_key=bytes(buffer[key_at : key_at + key_bytes]),
        pin=pin if any(pin) else b"",
        duress_pin=duress_pin if any(duress_pin) else b"",
        marks=marks,
        max_uses=max_uses,
    )

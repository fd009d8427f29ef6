"""MJ1: the signed codes that a door verifies offline. Text to values and back; signatures are the caller's.

`MJ1:` + base45 of a fixed body and a raw ES256 signature (r then s, 64 bytes) over DOMAIN + body. Big-endian.
The fields stand in LIVE and PASS below, and as tables in CODES.md. Both fit a version 6-M QR code.
"""

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gateway.access import base45

DOMAIN = b"MJ1\0"
PREFIX = "MJ1:"
SIGNATURE_BYTES = 64
KEY_BYTES = 33  # a public key: a point of P-256, compressed
DURESS, SOFTWARE_KEY = 1, 2  # flags of a live code

_LIVE, _PASS = 0x11, 0x21
_ES256 = 1
LONGEST_TEXT = 139


class Field(NamedTuple):
    """One field of a body: its name, its form (of `struct`), and what it says."""

    name: str
    form: str
    says: str


LIVE = (
    Field("type", "B", "0x11"),
    Field("alg, kid", "B", "high nibble 1: ES256; low nibble: which of the phone's keys, 0 to 15"),
    Field("handle", "8s", "random name of the credential, new at each enrolment; nothing of the person"),
    Field("site", "I", "the site's number: no other site takes the code"),
    Field("iat", "I", "when it was signed, Unix seconds"),
    Field("flags", "B", "1: duress; 2: the key is in software"),
    Field("door", "H", "the door's number; 0 for any"),
)
PASS = (
    Field("type", "B", "0x21"),
    Field("alg, kid", "B", "high nibble 1: ES256; low nibble: which issuer's key, 0 to 15"),
    Field("pass id", "8s", "random; its uses are counted and it is called back by it"),
    Field("site", "I", "the site's number"),
    Field("nbf", "I", "from when on, Unix seconds"),
    Field("exp", "I", "until when, exclusive"),
    Field("profile", "H", "the number of an access profile"),
    Field("flags", "B", "0"),
    Field("max_uses", "B", "so many passages"),
)


def _body(fields: Iterable[Field]) -> struct.Struct:
    return struct.Struct(">" + "".join(field.form for field in fields))


_BODIES = {_LIVE: _body(LIVE), _PASS: _body(PASS)}


class Malformed(ValueError):
    """A text that is no MJ1 code; `reason` names the first thing that is wrong."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class LiveCode:
    """A resident's code, signed by the phone some seconds ago."""

    kid: int
    handle: bytes  # 8 bytes
    site: int
    iat: int  # Unix seconds
    flags: int
    door: int  # 0 is any
    signed: bytes  # DOMAIN and the body: what the signature is over
    signature: bytes


@dataclass(frozen=True, slots=True)
class VisitorPass:
    """A visitor's pass, signed by an issuer."""

    kid: int
    pass_id: bytes  # 8 bytes
    site: int
    nbf: int  # Unix seconds
    exp: int  # Unix seconds, exclusive
    profile: int  # AccessProfile.number
    flags: int
    max_uses: int
    signed: bytes
    signature: bytes


def parse(text: str) -> LiveCode | VisitorPass:
    """The code in a scanned text, which may be anything.

    Raises:
        Malformed: the text is not exactly one code.
    """
    if len(text) > LONGEST_TEXT:
        raise Malformed("length")
    if not text.startswith(PREFIX):
        raise Malformed("prefix")
    try:
        data = base45.decode(text[len(PREFIX) :])
    except ValueError as error:
        raise Malformed(f"base45 {error}") from error
    return _code(data)


def _code(data: bytes) -> LiveCode | VisitorPass:
    body = _BODIES.get(data[0]) if data else None
    if body is None:
        raise Malformed("type")
    if len(data) != body.size + SIGNATURE_BYTES:
        raise Malformed("length")
    algorithm, kid = divmod(data[1], 16)
    if algorithm != _ES256:
        raise Malformed("algorithm")
    _, _, *fields = body.unpack_from(data)
    made: Callable[..., LiveCode | VisitorPass] = LiveCode if data[0] == _LIVE else VisitorPass
    return made(kid, *fields, DOMAIN + data[: body.size], data[body.size :])


def join_keys(keys: Mapping[int, bytes]) -> bytes:
    """A phone's public keys by their kid as a credential holds them: each behind its kid. Two while it changes keys."""
    return b"".join(bytes((kid,)) + key for kid, key in sorted(keys.items()))


def key_of(keys: bytes, kid: int) -> bytes:
    """The one of a phone's keys with this kid; empty if none has it. A bare key of 33 bytes has kid 0."""
    if len(keys) == KEY_BYTES:
        keys = b"\0" + keys
    for at in range(0, len(keys), 1 + KEY_BYTES):
        if keys[at] == kid:
            return keys[at + 1 : at + 1 + KEY_BYTES]
    return b""


def live_signed(kid: int, handle: bytes, site: int, iat: int, flags: int = 0, door: int = 0) -> bytes:
    """What a phone signs for a live code: DOMAIN and the body.

    Raises:
        ValueError: a field does not fit its place.
    """
    return _signed(_LIVE, kid, handle, site, iat, flags, door)


def pass_signed(
    kid: int, pass_id: bytes, site: int, nbf: int, exp: int, profile: int, max_uses: int, flags: int = 0
) -> bytes:
    """What an issuer signs for a visitor pass: DOMAIN and the body.

    Raises:
        ValueError: a field does not fit its place.
    """
    return _signed(_PASS, kid, pass_id, site, nbf, exp, profile, flags, max_uses)


def encode(signed: bytes, signature: bytes) -> str:
    """The text to show, from what was signed and its signature.

    Raises:
        ValueError: the signature is not 64 bytes, or `signed` does not begin with DOMAIN.
    """
    if len(signature) != SIGNATURE_BYTES or not signed.startswith(DOMAIN):
        raise ValueError("encode needs DOMAIN and a body, and a raw signature of 64 bytes")
    return PREFIX + base45.encode(signed.removeprefix(DOMAIN) + signature)


def _signed(type_: int, kid: int, id_: bytes, *fields: int) -> bytes:
    if not 0 <= kid <= 15 or len(id_) != 8:
        raise ValueError(f"kid {kid} is not 0 to 15, or the id of {len(id_)} bytes is not 8")
    try:
        return DOMAIN + _BODIES[type_].pack(type_, _ES256 << 4 | kid, id_, *fields)
    except struct.error as error:
        raise ValueError(str(error)) from error

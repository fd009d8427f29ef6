"""MJ1: the signed codes that a door verifies offline. Text to values and back; signatures are the caller's.

`MJ1:` + base45 of a fixed body and a raw ES256 signature (r then s, 64 bytes) over DOMAIN + body. Big-endian:

    live code, 85 bytes     type 0x11, alg/kid 1, handle 8, site 4, iat 4, flags 1, door 2, signature
    visitor pass, 90 bytes  type 0x21, alg/kid 1, pass id 8, site 4, nbf 4, exp 4, profile 2, flags 1, uses 1, signature

alg is the high nibble (1: ES256), kid the low one. Both fit a version 6-M QR code.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from gateway.access import base45

DOMAIN = b"MJ1\0"
PREFIX = "MJ1:"
SIGNATURE_BYTES = 64
DURESS, SOFTWARE_KEY = 1, 2  # flags of a live code

_LIVE, _PASS = 0x11, 0x21
_ES256 = 1
_LIVE_BODY = struct.Struct(">BB8sIIBH")
_PASS_BODY = struct.Struct(">BB8sIIIHBB")
_BODIES = {_LIVE: _LIVE_BODY, _PASS: _PASS_BODY}
_LONGEST_TEXT = 139


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
    if len(text) > _LONGEST_TEXT:
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

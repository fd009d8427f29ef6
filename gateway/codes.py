"""Signatures of MJ1 codes: ES256 over P-256, raw r and s."""

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

HALF_BYTES = 32
_ES256 = ECDSA(SHA256())


def verifies(public_key: bytes, signed: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes, r then s) is over `signed` by this key (33 bytes, compressed P-256)."""
    try:
        r, s = (int.from_bytes(half) for half in (signature[:HALF_BYTES], signature[HALF_BYTES:]))
        _key(public_key).verify(encode_dss_signature(r, s), signed, _ES256)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=4096)
def _key(public_key: bytes) -> EllipticCurvePublicKey:
    """Raises ValueError for bytes that are no point of the curve."""
    return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), public_key)

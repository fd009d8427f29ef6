"""The private key that signs visitor passes, and its signature."""

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key


class BadIssuerKey(Exception):
    """The issuer key file does not hold a P-256 private key, or no key number is free."""


def load_issuer_key(pem: bytes) -> EllipticCurvePrivateKey:
    """The private key that signs passes. Raises `BadIssuerKey`."""
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise BadIssuerKey("the issuer key file is not a PEM private key without a password") from error
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise BadIssuerKey("the issuer key must be on P-256")
    return key


def public_of(key: EllipticCurvePrivateKey) -> bytes:
    """The public key: 33 bytes, a compressed point."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def sign(key: EllipticCurvePrivateKey, signed: bytes) -> bytes:
    """ES256 as r then s, 32 bytes each."""
    r, s = decode_dss_signature(key.sign(signed, ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")

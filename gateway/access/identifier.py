"""How a card number, handle or PIN is looked up without being kept.

A plain hash of 26 bits is reversed in seconds, so identifiers are keyed with the site key (HMAC-SHA-256, 16 bytes).
The same digits in two formats are two identifiers.
"""

import hashlib
import hmac

KEY_BYTES = 16


def identifier_key(site_key: bytes, type_: str, format_: str, value: str) -> bytes:
    """The 16-byte key of (type, format, value) under the site key."""
    message = "\x1f".join((type_, format_, value)).encode()
    return hmac.digest(site_key, message, hashlib.sha256)[:KEY_BYTES]


def pin_key(site_key: bytes, key: bytes, pin: str) -> bytes:
    """The 16-byte key of the PIN that goes with the credential of this key: equal PINs of two people differ."""
    return identifier_key(site_key, "pin", key.hex(), pin)


def card_value(facility: int, card: int) -> str:
    """The canonical value of a card: facility 0 where the format has none."""
    return f"{facility}-{card}"

"""How a card number, handle or PIN is looked up without being kept.

A plain hash of 26 bits is reversed in seconds, so identifiers are keyed with the site key (HMAC-SHA-256, 16 bytes).
The same digits in two formats are two identifiers.
"""

import hashlib
import hmac
import re

KEY_BYTES = 16
_PLATE = re.compile(r"(?=(.*[A-Z0-9]){4})[\u4e00-\u9fffA-Z0-9]{4,12}")  # "无牌车", as cameras say, is none
_AS_WRITTEN = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | dict.fromkeys(map(ord, "·•. -　．－"))


def identifier_key(site_key: bytes, type_: str, format_: str, value: str) -> bytes:
    """The 16-byte key of (type, format, value) under the site key."""
    message = "\x1f".join((type_, format_, value)).encode()
    return hmac.digest(site_key, message, hashlib.sha256)[:KEY_BYTES]


def pin_key(site_key: bytes, key: bytes, pin: str) -> bytes:
    """The 16-byte key of the PIN that goes with the credential of this key: equal PINs of two people differ."""
    return identifier_key(site_key, "pin", key.hex(), pin)


def plate_value(text: str) -> str | None:
    """A number plate (GA 36) as it is looked up: upper case, no separators, no wide letters; None when it is none.

    京A·12345 is 京A12345.
    """
    plate = text.translate(_AS_WRITTEN).upper()
    return plate if _PLATE.fullmatch(plate) else None


def card_value(facility: int, card: int) -> str:
    """The canonical value of a card: facility 0 where the format has none."""
    return f"{facility}-{card}"

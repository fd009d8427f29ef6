"""The 18-digit citizen identification number (GB 11643-1999) and how numbers are shown."""

from datetime import date

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999 clause 6: 2^(17-i) mod 11
_CHECK = "10X98765432"


def is_id_number(text: str) -> bool:
    """Whether `text` is well formed: 17 digits with a real birth date, and the ISO 7064 MOD 11-2 check character."""
    if len(text) != 18 or not text.isascii() or not text[:17].isdigit():
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, text[:17], strict=True))
    return _CHECK[total % 11] == text[17].upper()


def masked_id_number(text: str) -> str:
    """Region and check character stay: 110101********123X shows as 110***********003X."""
    return text[:3] + "*" * (len(text) - 7) + text[-4:] if len(text) == 18 else ""


def masked_phone(text: str) -> str:
    """138****1234."""
    return text[:3] + "****" + text[-4:] if len(text) >= 8 else "*" * len(text)


def masked_name(text: str) -> str:
    """The family name stays: 王小明 shows as 王**."""
    return text[:1] + "*" * (len(text) - 1)

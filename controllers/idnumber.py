"""The citizen identification number, GB 11643-1999."""

from datetime import date

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # 2^(18-i) mod 11
CHECKS = "10X98765432"


def is_id_number(text: str) -> bool:
    """Whether this is 17 digits with a real birth date and the right check character (X in upper case)."""
    digits = text[:17]
    if len(text) != 18 or not (digits.isascii() and digits.isdigit()):
        return False
    try:
        date.fromisoformat(f"{text[6:10]}-{text[10:12]}-{text[12:14]}")
    except ValueError:
        return False
    return CHECKS[sum(int(digit) * weight for digit, weight in zip(digits, WEIGHTS, strict=True)) % 11] == text[17]

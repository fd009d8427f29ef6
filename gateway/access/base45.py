"""Base45 (RFC 9285), strict: two bytes are three characters of a QR code's alphanumeric mode."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {character: value for value, character in enumerate(ALPHABET)}


def encode(data: bytes) -> str:
    """The only text that decodes to these bytes."""
    groups = []
    for start in range(0, len(data), 2):
        pair = data[start : start + 2]
        value, characters = int.from_bytes(pair, "big"), len(pair) + 1
        groups.append("".join(ALPHABET[value // 45**place % 45] for place in range(characters)))
    return "".join(groups)


def decode(text: str) -> bytes:
    """The bytes of a text.

    Raises:
        ValueError: a character outside the alphabet, a length that no bytes give, or a group above its bytes' range.
    """
    if len(text) % 3 == 1:
        raise ValueError("length")
    return b"".join(_group(text[start : start + 3]) for start in range(0, len(text), 3))


def _group(characters: str) -> bytes:
    try:
        value: int = sum(_VALUES[character] * 45**place for place, character in enumerate(characters))
        return value.to_bytes(len(characters) - 1, "big")
    except KeyError:
        raise ValueError("character") from None
    except OverflowError:
        raise ValueError("range") from None

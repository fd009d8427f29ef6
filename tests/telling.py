"""Whether a text tells a number that it must not."""

import re


def told(number: str, text: str) -> bool:
    """Whether `number` stands in `text` by itself: hashes and times hold any four digits now and then."""
    return re.search(rf"(?<![0-9a-f.]){number}(?![0-9a-f])", text) is not None

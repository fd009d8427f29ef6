"""The small types of what central sends: ids, texts, times. Strict, and fast enough for a hundred thousand records."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

_LAST = r"(?!\n)"  # behind `$`, which in Python also matches before a last newline
ID_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,63}$"
PLAIN = r"^[^\x00-\x1f\x7f]*$" + _LAST
Id = Annotated[str, Meta(pattern=ID_PATTERN + _LAST)]
Text = Annotated[str, Meta(min_length=1, max_length=200, pattern=PLAIN)]
Clock = Annotated[str, Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$" + _LAST)]
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" + _LAST)]
Weekday = Annotated[int, Meta(ge=1, le=7)]  # ISO: Monday is 1
Seconds = Annotated[int, Meta(ge=0, le=31 * 86_400)]
Moment = Annotated[datetime, Meta(tz=True)]
Phone = Annotated[str, Meta(pattern=r"^\+?[0-9][0-9 -]{4,19}$" + _LAST)]
Pin = Annotated[str, Meta(pattern=r"^[0-9]{4,12}$" + _LAST)]
Handle = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{16}$" + _LAST)]
PublicKey = Annotated[str, Meta(pattern=r"^0[23][0-9a-fA-F]{64}$" + _LAST)]
FormatName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,32}$" + _LAST)]
Short = Annotated[str, Meta(max_length=64, pattern=PLAIN)]


class Body(Struct, forbid_unknown_fields=True, omit_defaults=True, frozen=True, kw_only=True):
    """A record's content; unknown members are refused. Its digest covers what differs from the defaults."""


class Label(Body, frozen=True, kw_only=True):
    """A name for people, in both languages."""

    zh: Text
    en: Text

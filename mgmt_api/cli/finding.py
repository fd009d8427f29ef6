"""One thing that `menjin doctor` looked at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, whether it is good, and in words what was found or what to do."""

    what: str
    ok: bool
    say: str

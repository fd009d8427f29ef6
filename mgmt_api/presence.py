"""Which gateways are there: by their last request, and by the watch that they hold open."""

from dataclasses import dataclass

SILENT_S = 75.0  # inventory comes every 30 s: two may be lost
REJOIN_S = 5.0  # a dropped watch has this long to come back


@dataclass(slots=True)
class _Seen:
    at: float = 0.0
    watch: object | None = None
    dropped_at: float | None = None


class Presence:
    """Times are the caller's; one event loop's thread writes, any thread reads."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    def heard(self, gateway: str, now: float) -> None:
        """A request came from the gateway."""
        self._seen.setdefault(gateway, _Seen()).at = now

    def watch(self, gateway: str, now: float) -> object:
        """The gateway opened a watch; the one before it counts no more. Its token."""
        seen = self._seen.setdefault(gateway, _Seen())
        seen.at, seen.watch, seen.dropped_at = now, object(), None
        return seen.watch

    def watches(self, gateway: str, token: object) -> bool:
        """Whether this watch is still the gateway's newest."""
        seen = self._seen.get(gateway)
        return seen is not None and seen.watch is token

    def unwatch(self, gateway: str, token: object, now: float) -> None:
        """The watch ended."""
        if self.watches(gateway, token):
            seen = self._seen[gateway]
            seen.watch, seen.dropped_at = None, now

    def online(self, gateway: str, now: float) -> bool:
        """Whether the gateway is there."""
        seen = self._seen.get(gateway)
        if seen is None or now - seen.at > SILENT_S:
            return False
        return seen.dropped_at is None or now - max(seen.dropped_at, seen.at) <= REJOIN_S

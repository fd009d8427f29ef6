"""An RS-485 adapter that hears itself: what we say comes back, and is taken out of what the readers say."""

ECHO_S = 0.1  # an echo that has not come by then does not come


class Echo:
    """Compares what comes in with what went out. What only began like an echo is given back whole."""

    def __init__(self) -> None:
        self._expected = b""
        self._held = b""
        self._until_s = 0.0

    def sent(self, data: bytes, now_s: float) -> None:
        """These bytes went out at monotonic `now_s`."""
        self._expected = (self._expected if self._held else b"") + data
        self._until_s = now_s + ECHO_S

    def heard(self, data: bytes, now_s: float) -> bytes:
        """What of these bytes is no echo. Call it with none now and then, so that held ones come out."""
        held, self._held = self._held + data, b""
        if now_s <= self._until_s and len(held) < len(self._expected) and self._expected.startswith(held):
            self._held = held
            return b""
        said, self._expected = self._expected, b""
        return held.removeprefix(said) if now_s <= self._until_s else held

"""Which key a device's secure channel is opened with: its own, or the next one while keys change.

Inside a window that a person opened also the published default key (SCBK-D); over it nothing is said but our key.
"""

from collections.abc import Callable, Sequence
from enum import Enum

from controllers.osdp_frame import Frame
from controllers.osdp_secure import (
    CHALLENGE,
    RANDOM_BYTES,
    SCBK_SELECTOR,
    SCBKD_SELECTOR,
    SERVER,
    DefaultKeyOffered,
    Handshake,
    SecureChannel,
    SessionBroken,
)
from controllers.vault import DEFAULT_KEY, check_key

Message = tuple[bytes, bytes]  # data, security block


class Opened(Enum):
    """With which key a channel was opened."""

    CURRENT = "current"
    NEXT = "next"
    DEFAULT = "default"


class Greeting:
    """The four steps of opening a channel, with one key after the other until one fits."""

    def __init__(self, name: str, keys: Sequence[bytes], random: Callable[[int], bytes]) -> None:
        """`keys`: the current one and, while keys change, the next one."""
        self._name = name
        self._keys = [check_key(name, key) for key in keys]
        self._random = random
        self._window_until = 0.0
        self._trial = 0  # into the keys; behind them stands the default key
        self._handshake = Handshake(self._keys[0], random(RANDOM_BYTES))
        self._default = False

    @property
    def newest(self) -> bytes:
        """The key that the device shall have."""
        return self._keys[-1]

    @property
    def changing(self) -> bool:
        """Whether the device may still have the old key."""
        return len(self._keys) > 1

    def change(self, key: bytes) -> None:
        """From now on the device shall have this key; until it proves that it has, the present one is good too."""
        self._keys, self._trial = [self._keys[0], check_key(self._name, key)], 0

    def open_window(self, until: float) -> None:
        """A blank device may be given our key until then (monotonic seconds); a time that has passed closes it."""
        self._window_until, self._trial = until, 0

    def window_s(self, now: float) -> float:
        """How long the window is still open; 0 when it is closed."""
        return max(self._window_until - now, 0.0)

    def installing(self, now: float) -> bool:
        """Whether the window is open."""
        return now < self._window_until

    def challenge(self, now: float) -> Message:
        """CHLNG's content."""
        choices = [(key, SCBK_SELECTOR) for key in self._keys]
        if self.installing(now):
            choices.append((DEFAULT_KEY, SCBKD_SELECTOR))
        self._trial %= len(choices)
        key, selector = choices[self._trial]
        self._default = selector == SCBKD_SELECTOR
        self._handshake = Handshake(key, self._random(RANDOM_BYTES), selector)
        return self._handshake.challenge, bytes((CHALLENGE, selector))

    def answer(self, frame: Frame) -> Message:
        """SCRYPT's content. Raises `SessionBroken`: the next attempt takes the next key."""
        try:
            data = self._handshake.answer(frame.security, frame.data)
        except DefaultKeyOffered:
            self._trial = len(self._keys)  # if the window is open
            raise
        except SessionBroken:
            self._trial += 1
            raise
        return data, bytes((SERVER, SCBKD_SELECTOR if self._default else SCBK_SELECTOR))

    def finish(self, frame: Frame, now: float) -> tuple[SecureChannel, Opened]:
        """The open channel. Raises `SessionBroken` as `answer` does, and when the window was closed meanwhile."""
        try:
            channel = self._handshake.finish(frame.security, frame.data)
        except SessionBroken:
            self._trial += 1
            raise
        if self._default:
            if not self.installing(now):
                raise SessionBroken("installation is closed")
            return channel, Opened.DEFAULT
        if self.changing and self._trial == 1:
            self._keys, self._trial = self._keys[1:], 0
            return channel, Opened.NEXT
        return channel, Opened.CURRENT

    def loaded(self) -> None:
        """The device took the newest key: that one is tried next, and the window is closed."""
        self._trial, self._window_until = len(self._keys) - 1, 0.0

    def passed(self) -> None:
        """The device said what is no part of the four steps: try the next key."""
        self._trial += 1

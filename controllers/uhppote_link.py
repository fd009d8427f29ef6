"""Questions to one UHPPOTE / Weigeng (微耕) board, pinned by its serial number and address.

Packets are PyPI `uhppoted`'s (MIT). Each question has a socket of its own, connected to the board's address: the kernel
drops what others send, and a late answer finds nobody.
"""

import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from uhppoted.uhppote_async import UhppoteAsync  # type: ignore[import-untyped] # the library has no types

from controllers.wiegand import find

PORT = 60000
DOORS = (1, 2, 3, 4)
DECIMAL_CARDS = 100_000  # 10058400 is facility 100, card 58400
NO_CARD = (0, 0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class BoardReader:
    """A reader of a board: door 1 to 4, direction 1 in or 2 out."""

    name: str
    door: int
    direction: int = 1


@dataclass(frozen=True, slots=True)
class UhppoteBoard:
    """A board as the electrician wired it."""

    name: str
    serial: int
    address: str  # IPv4, or IPv4:port
    readers: tuple[BoardReader, ...] = ()
    format: str = "H10301"
    decimal: bool = True  # its numbers are facility * 100000 + card, as printed; else the card's bits as one number

    def parts(self, number: int) -> tuple[int, int]:
        """Facility and card of a number as this board gives it."""
        return divmod(number, DECIMAL_CARDS) if self.decimal else divmod(number, 1 << self._card_bits)

    def number(self, facility: int, card: int) -> int | None:
        """The number by which this board knows a card; None where it cannot."""
        unit = DECIMAL_CARDS if self.decimal else 1 << self._card_bits
        number = facility * unit + card
        return number if card < unit and number not in NO_CARD and number < 1 << 32 else None

    @property
    def _card_bits(self) -> int:
        return len(find(self.format).fields["C"])

    @property
    def host(self) -> str:
        """The address without its port."""
        return self.address.partition(":")[0]


@dataclass(frozen=True, slots=True)
class BoardLimits:
    """How a board is asked."""

    alive_s: float = 10.0  # PC control lapses after 30 s
    retry_s: float = 2.0
    timeout_s: float = 1.0
    misses: int = 3  # questions in a row without an answer until it is off line
    bell_s: float = 0.4  # what a packet announced is asked for twice, each time for so long
    grace_s: float = 1.0  # an event's own packet may still be under way
    old_s: float = 5.0  # an event older than this by the board's own clock is stale
    clock_s: float = 2.0  # a clock further off than this is set
    backlog: int = 2000  # events that are fetched after a pause; older ones stay on the board
    leap: int = 1000  # an index that jumps further is not believed


class NoAnswer(Exception):
    """The board did not answer in time, or not to what it was asked."""


class BoardLink:
    """Asks one board."""

    def __init__(self, board: UhppoteBoard, timeout_s: float) -> None:
        port = board.address.partition(":")[2] or PORT
        self._id = (board.serial, f"{board.host}:{port}")
        self._timeout_s = timeout_s
        self._api = UhppoteAsync()

    async def ask(self, method: str, *arguments: object, timeout_s: float | None = None) -> Any:
        """One request by its name in the library. Raises `NoAnswer`."""
        call: Callable[..., Awaitable[Any]] = getattr(self._api, method)
        wait_s = self._timeout_s if timeout_s is None else max(timeout_s, 0.001)
        try:
            reply = await call(self._id, *arguments, timeout=wait_s)
        except (OSError, ValueError, TypeError, struct.error) as error:
            raise NoAnswer(f"{method}: {type(error).__name__}") from error
        if reply is None or reply.controller != self._id[0]:
            raise NoAnswer(f"{method}: another board answered")
        return reply

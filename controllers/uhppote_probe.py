"""Which UHPPOTE boards answer: the wired ones each at its address, and whatever calls back on the network."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from uhppoted.uhppote_async import UhppoteAsync  # type: ignore[import-untyped] # the library has no types

from controllers.uhppote_link import BoardLink, NoAnswer, UhppoteBoard

BROADCAST = "255.255.255.255:60000"


@dataclass(frozen=True, slots=True)
class FoundBoard:
    """A board that called back."""

    serial: int
    address: str


def found(timeout_s: float = 1.5, broadcast: str = BROADCAST) -> list[FoundBoard]:
    """Boards on the networks of this machine. Empty where none answer or broadcasts do not go."""
    try:
        answers = asyncio.run(UhppoteAsync(broadcast=broadcast).get_all_controllers(timeout=timeout_s))
    except OSError:
        return []
    return [FoundBoard(each.controller, str(each.ip_address)) for each in answers]


def faults(boards: Sequence[UhppoteBoard], timeout_s: float = 1.5) -> dict[str, str]:
    """For each wired board what is wrong with it; empty when it answers."""

    async def ask(board: UhppoteBoard) -> str:
        try:
            await BoardLink(board, timeout_s).ask("get_time")
        except NoAnswer:
            return f"{board.serial} does not answer at {board.address}; look at its power, address and serial number"
        return ""

    async def ask_all() -> list[str]:
        return await asyncio.gather(*map(ask, boards))

    return dict(zip((board.name for board in boards), asyncio.run(ask_all()), strict=True))

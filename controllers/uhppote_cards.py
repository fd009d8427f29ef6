"""A board's own list of cards, by which it decides when the host has been silent for 30 s."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from controllers.uhppote_link import BoardLink, NoAnswer

NONE, DELETED = 0, 0xFFFFFFFF
PACE_S = 0.002  # commands go before


@dataclass(frozen=True, slots=True)
class BoardCard:
    """A card's rights. Days are whole and included; each door: 0 never, 1 always, 2 to 254 a time profile there."""

    start: date
    end: date
    doors: tuple[int, int, int, int]


class CardList:
    """Keeps one board's list equal to ours."""

    def __init__(self, link: BoardLink) -> None:
        self._link = link
        self._have: dict[int, BoardCard] | None = None  # None: not read yet

    def forget(self) -> None:
        """Read the list anew before the next change."""
        self._have = None

    async def keep(self, wanted: Mapping[int, BoardCard]) -> int:
        """Make the board's list this one, removals first; how many changes it took. Raises `NoAnswer`: try again."""
        if self._have is None:
            self._have = await self._read()
        have, changes = self._have, 0
        for number in [number for number in have if number not in wanted]:
            await self._link.ask("delete_card", number)
            del have[number]
            changes += 1
        for number, card in wanted.items():
            if have.get(number) == card:
                continue
            reply = await self._link.ask("put_card", number, card.start, card.end, *card.doors, 0)
            if not reply.stored:
                raise NoAnswer("put_card: not stored")
            have[number] = card
            changes += 1
            await asyncio.sleep(PACE_S)
        return changes

    async def _read(self) -> dict[int, BoardCard]:
        count, index = (await self._link.ask("get_cards")).cards, 0
        found: dict[int, BoardCard] = {}
        while len(found) < count:
            index += 1
            card = await self._link.ask("get_card_by_index", index)
            if card.card_number == NONE:
                break
            if card.card_number != DELETED:
                doors = (card.door_1, card.door_2, card.door_3, card.door_4)
                found[card.card_number] = BoardCard(card.start_date, card.end_date, doors)
            await asyncio.sleep(PACE_S)
        return found

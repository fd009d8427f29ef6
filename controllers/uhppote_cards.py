"""A board's own list of cards, by which it decides when the host has been silent for 30 s."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from controllers.uhppote_link import BoardLink, NoAnswer

NONE, DELETED = 0, 0xFFFFFFFF
PACE_S = 0.002  # between two questions, so that commands go before
SILENCES = 3  # in a row: the board is gone, and the rest is not tried
LONGEST = 250_000  # no board has more cards


@dataclass(frozen=True, slots=True)
class BoardCard:
    """A card's rights. Days are whole and included; each door: 0 never, 1 always, 2 to 254 a time profile there."""

    start: date
    end: date
    doors: tuple[int, int, int, int]


@dataclass(slots=True)
class Report:
    """What bringing a list in step came to, in cards. Those in `failed` are tried again at the next turn."""

    unchanged: int = 0
    updated: int = 0
    added: int = 0
    deleted: int = 0
    failed: int = 0
    errors: list[str] = field(default_factory=list)  # the first few


async def pause() -> None:
    """The pace of questions that can wait."""
    await asyncio.sleep(PACE_S)


class CardList:
    """One board's list as it was read, kept equal to ours. `pace` is awaited after each question; it may end it all."""

    def __init__(self, link: BoardLink, pace: Callable[[], Awaitable[None]] = pause) -> None:
        self._link = link
        self._pace = pace
        self._have: dict[int, BoardCard] | None = None  # None: not read yet

    def forget(self) -> None:
        """Read the list anew before the next change."""
        self._have = None

    async def have(self) -> Mapping[int, BoardCard]:
        """The list as the board has it. Raises `NoAnswer`."""
        if self._have is None:
            self._have = await self._read()
        return self._have

    async def keep(self, wanted: Mapping[int, BoardCard]) -> Report:
        """Make the board's list this one, removals first. Raises `NoAnswer` when it cannot even be read."""
        have, report = dict(await self.have()), Report()
        steps = self._steps(have, wanted, report)
        silences = 0
        for kind, number in steps:
            try:
                await (self._put(number, wanted[number]) if number in wanted else self._delete(number))
                setattr(report, kind, getattr(report, kind) + 1)
                silences = 0
            except NoAnswer as error:
                silences += 1
                report.failed += 1
                report.errors = [*report.errors, str(error)][:SILENCES]
            if silences == SILENCES:
                report.failed += sum(1 for _ in steps)
            await self._pace()
        return report

    def _steps(
        self, have: Mapping[int, BoardCard], wanted: Mapping[int, BoardCard], report: Report
    ) -> Iterator[tuple[str, int]]:
        yield from (("deleted", number) for number in have if number not in wanted)
        for number, card in wanted.items():
            if have.get(number) == card:
                report.unchanged += 1
            else:
                yield "updated" if number in have else "added", number

    async def _put(self, number: int, card: BoardCard) -> None:
        known = self._known()
        known.pop(number, None)  # unknown until it is answered
        if not (await self._link.ask("put_card", number, card.start, card.end, *card.doors, 0)).stored:
            raise NoAnswer("put_card: not stored")
        known[number] = card

    async def _delete(self, number: int) -> None:
        if not (await self._link.ask("delete_card", number)).deleted:
            self.forget()  # somebody else writes this list too
            raise NoAnswer("delete_card: not there")
        self._known().pop(number, None)

    def _known(self) -> dict[int, BoardCard]:
        return {} if self._have is None else self._have

    async def _read(self) -> dict[int, BoardCard]:
        count, found = (await self._link.ask("get_cards")).cards, {}  # type: int, dict[int, BoardCard]
        for index in range(1, LONGEST):
            if len(found) >= count:
                break
            card = await self._link.ask("get_card_by_index", index)
            if card.card_number == NONE:
                break
            if card.card_number != DELETED:
                doors = (card.door_1, card.door_2, card.door_3, card.door_4)
                found[card.card_number] = BoardCard(card.start_date, card.end_date, doors)
            await self._pace()
        return found

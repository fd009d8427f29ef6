"""What a board saw: events once each, in whatever way they come, and the levels of its inputs and relays.

A swipe that the host is to decide has reason 5. Events come by UDP, and some are lost; the board keeps them all by a
rising index. What is fetched later by index is stale: it is written down, never granted.

A packet has no sum of its own and no proof of its sender. So it is no more than a bell: what happened is asked of the
board itself, by index, and only its answer is believed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from controllers.driver import CardRead, DeviceEvent, DeviceRecord, InputState, OutputState
from controllers.errors import ControllerError
from controllers.serial_frames import Card
from controllers.session import Moment
from controllers.uhppote_link import DOORS, NO_CARD, BoardLimits, UhppoteBoard
from controllers.wiegand import encode

ASK_HOST = 5
REASONS = {
    1: "swipe", ASK_HOST: "asked the host", 6: "no privilege", 7: "wrong PIN", 8: "anti-passback", 9: "more cards",
    10: "first card", 11: "door is normally closed", 12: "interlock", 13: "limited times", 15: "outside its times",
    18: "unknown card",
}  # fmt: skip # of uhppoted's event reasons, those that concern a card
LEVELS = tuple(f"door_{door}_{what}" for what in ("open", "button") for door in DOORS)


@dataclass(frozen=True, slots=True)
class BoardEvent:
    """An event, however it came. Times are the board's, without a zone; None where they are no times."""

    index: int
    granted: bool
    door: int
    direction: int
    card: int
    reason: int
    at: datetime | None
    sent: datetime | None = None

    @classmethod
    def last(cls, packet: Any) -> "BoardEvent":
        """The last one, from a status or from the packet that a board sends by itself."""
        day, clock = packet.system_date, packet.system_time
        sent = datetime.combine(day, clock) if day and clock else None
        return cls(
            packet.event_index, packet.event_access_granted, packet.event_door, packet.event_direction,
            packet.event_card, packet.event_reason, packet.event_timestamp, sent,
        )  # fmt: skip

    @classmethod
    def stored(cls, answer: Any, sent: datetime | None = None) -> "BoardEvent":
        """From the answer to a question by index; `sent` is the board's time then."""
        return cls(
            answer.index, answer.access_granted, answer.door, answer.direction, answer.card, answer.reason,
            answer.timestamp, sent,
        )  # fmt: skip


class EventLog:
    """Which of a board's events were handed over already."""

    def __init__(self, limits: BoardLimits) -> None:
        self._limits = limits
        self._known = False
        self.caught = 0  # all up to here are done with
        self.newest = 0
        self._live: set[int] = set()  # done with, above `caught`

    def resume(self, newest: int, read: int) -> None:
        """The board has events up to `newest`; its register says that `read` were taken."""
        if not self._known or newest < self.caught:  # a new board, or one that was wiped
            self.caught = read if read <= newest else newest
            self._live.clear()
            self._known = True
        self.caught = max(self.caught, newest - self._limits.backlog)
        self._live = {index for index in self._live if self.caught < index}
        self.newest = max(newest, *self._live, 0)  # a packet may have overtaken the answer

    def may_be_new(self, index: int) -> bool:
        """Whether an event of this index was not handed over yet."""
        return self.caught < index <= self.newest + self._limits.leap and index not in self._live

    def is_new(self, index: int) -> bool:
        """Whether an event is to be handed over; from now on it is not."""
        new = self.may_be_new(index)
        if new:
            self._live.add(index)
            self.newest = max(self.newest, index)
        return new

    @property
    def behind(self) -> bool:
        """Whether some were never sent to us."""
        return self.newest > self.caught + len(self._live)

    def missing(self) -> Iterator[int]:
        """The indexes to fetch, in order. Going on to the next says that the last is done with."""
        for index in range(self.caught + 1, self.newest + 1):
            if index not in self._live:
                yield index
            self._live.discard(index)
            self.caught = index


class EventReader:
    """Turns a board's events into ours."""

    def __init__(self, board: UhppoteBoard, timezone: tzinfo, limits: BoardLimits) -> None:
        self._board = board
        self._timezone = timezone
        self._limits = limits
        self._readers = {(reader.door, reader.direction): reader.name for reader in board.readers}
        self._levels: dict[Callable[..., DeviceEvent], tuple[bool, ...]] = {}

    def forget_levels(self) -> None:
        """Tell all levels anew."""
        self._levels.clear()

    def card_event(self, event: BoardEvent, stale: bool, now: Moment) -> Iterator[DeviceEvent]:
        """A swipe for the host to decide, or what the board decided by itself."""
        if event.reason not in REASONS or event.card in NO_CARD:
            return
        name = self._readers.get((event.door, event.direction), "")
        card = self._card(event.card)
        if name and card and event.reason == ASK_HOST and not event.granted:
            yield CardRead(name, card.bits, card.bit_count, now.seen(stale))
            return
        yield DeviceRecord(
            self._board.name,
            name,
            f"{self._board.serial}-{event.index}",
            event.granted,
            REASONS[event.reason],
            now.seen(stale),
            event.at.replace(tzinfo=self._timezone).timestamp() if event.at else None,
            card.bits if card else 0,
            card.bit_count if card else 0,
        )

    def is_old(self, event: BoardEvent) -> bool:
        """Whether an event had waited on the board when it was sent, by the board's own clock."""
        if event.at is None or event.sent is None:
            return True
        return abs(event.sent - event.at) > timedelta(seconds=self._limits.old_s)

    def levels(self, state: Any, now: Moment) -> Iterator[DeviceEvent]:
        """Inputs (doors 1 to 4 open, buttons 1 to 4 pressed) and relays, when they changed."""
        inputs = tuple(bool(getattr(state, name)) for name in LEVELS)
        relays = tuple(bool(state.relays >> place & 1) for place in range(len(DOORS)))
        for make, levels in ((InputState, inputs), (OutputState, relays)):
            if self._levels.get(make) != levels:
                self._levels[make] = levels
                yield make(self._board.name, levels, now.seen())

    def _card(self, number: int) -> Card | None:
        try:
            return Card(*encode(self._board.format, *self._board.parts(number)))
        except ControllerError:
            return None

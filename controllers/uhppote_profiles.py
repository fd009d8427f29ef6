"""A board's time profiles: weeks of opening times, by which its own list limits a card at a door.

A profile is some days of the week, three segments and the number of a next one; a week that needs more is a chain of
them. Numbers 2 to 254 are free to use. None can be deleted alone, so those no longer needed are written over.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from controllers.uhppote_cards import pause
from controllers.uhppote_link import BoardLink, NoAnswer

Segment = tuple[int, int]  # minutes of the day, the end exclusive
LAST_MINUTE = 1439  # where a board's day ends
Week = tuple[tuple[Segment, ...], ...]  # seven days, Monday first
NEVER: Week = ((),) * 7
ALWAYS: Week = (((0, 1440),),) * 7
FIRST, LAST = date(2000, 1, 1), date(2099, 12, 31)  # what a board can write down
NUMBERS = range(2, 255)
SEGMENTS = 3


@dataclass(frozen=True, slots=True)
class Profile:
    """One record: which days, and up to three segments."""

    days: tuple[bool, ...]  # seven, Monday first
    segments: tuple[Segment, ...]


Chain = tuple[Profile, ...]


def chain(week: Week) -> Chain:
    """The records of a week: days with the same segments share theirs."""
    made: list[Profile] = []
    for day in dict.fromkeys(day for day in week if day):
        days = tuple(each == day for each in week)
        segments = tuple((start, min(end, LAST_MINUTE)) for start, end in day)
        made += [Profile(days, segments[at : at + SEGMENTS]) for at in range(0, len(segments), SEGMENTS)]
    return tuple(made)


class TimeProfiles:
    """The profiles of one board."""

    def __init__(self, link: BoardLink, pace: Callable[[], Awaitable[None]] = pause) -> None:
        self._link = link
        self._pace = pace
        self._have: dict[int, tuple[Profile, int]] | None = None  # by number: the record, and the next one's number

    def forget(self) -> None:
        """Read them anew before the next change."""
        self._have = None

    async def numbers(self, weeks: Collection[Week], held: Collection[int] = ()) -> dict[Week, int]:
        """What a card says at a door for each of these weeks: 0, 1 or a profile, which the board then has.

        Profiles `held` by cards as they stand are not written over. A week for which there is no room is left out.
        Raises `NoAnswer`.
        """
        if self._have is None:
            self._have = await self._read()
        found, kept = {NEVER: 0, ALWAYS: 1}, self._chains()
        missing = []
        for week in sorted(set(weeks) - found.keys()):
            if (first := kept.get(chain(week))) is None:
                missing.append(week)
            else:
                found[week] = first
        used = {number for first in (*found.values(), *held) for number in self._follow(first)}
        free = [number for number in NUMBERS if number not in used]
        for week in missing:
            records = chain(week)
            if len(records) <= len(free):
                places, free = free[: len(records)], free[len(records) :]
                await self._write(places, records)
                found[week] = places[0]
        return found

    async def _write(self, places: Sequence[int], records: Chain) -> None:
        """The last first, so that a profile never leads to one that is not there yet."""
        known = self._have if self._have is not None else {}
        for number, record, following in reversed(list(zip(places, records, (*places[1:], 0), strict=True))):
            known.pop(number, None)
            reply = await self._link.ask(
                "set_time_profile", number, FIRST, LAST, *record.days, *_clocks(record.segments), following
            )
            if not reply.stored:
                raise NoAnswer("set_time_profile: not stored")
            known[number] = (record, following)
            await self._pace()

    def _chains(self) -> dict[Chain, int]:
        known = self._have or {}
        return {tuple(known[each][0] for each in self._follow(first)): first for first in reversed(known)}

    def _follow(self, first: int) -> Iterator[int]:
        known, at, seen = self._have or {}, first, set()  # type: dict[int, tuple[Profile, int]], int, set[int]
        while at in known and at not in seen:
            seen.add(at)
            yield at
            at = known[at][1]

    async def _read(self) -> dict[int, tuple[Profile, int]]:
        found = {}
        for number in NUMBERS:
            told = await self._link.ask("get_time_profile", number)
            if told.profile_id == number and (told.start_date, told.end_date) == (FIRST, LAST):
                found[number] = (_record(told), told.linked_profile_id)
            await self._pace()
        return found


def _record(told: Any) -> Profile:
    days = (told.monday, told.tuesday, told.wednesday, told.thursday, told.friday, told.saturday, told.sunday)
    ends = [(getattr(told, f"segment_{at}_start"), getattr(told, f"segment_{at}_end")) for at in range(1, SEGMENTS + 1)]
    return Profile(days, tuple((_minute(a), _minute(b)) for a, b in ends if a is not None and b is not None and a < b))


def _clocks(segments: Sequence[Segment]) -> Iterator[time]:
    """Starts and ends of three segments."""
    for at in range(SEGMENTS):
        for minute in segments[at] if at < len(segments) else (0, 0):
            yield time(*divmod(minute, 60))


def _minute(clock: time) -> int:
    return clock.hour * 60 + clock.minute

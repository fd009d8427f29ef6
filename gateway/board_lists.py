"""`python -m gateway.board_lists`: keeps UHPPOTE boards' own lists in step, in a process of its own at low priority.

Standard input brings a `Setup`, then a `Round` a line; each is answered with its reports, by board. It ends with its
standard input. Card numbers stand nowhere here: a board's own list tells which cards it holds, and only for those that
it lacks is the management plane asked, by key. A number is held until the board has it.
"""

import asyncio
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from controllers.uhppote_cards import BoardCard, CardList, Report, pause
from controllers.uhppote_link import BoardLimits, BoardLink, NoAnswer, UhppoteBoard
from controllers.uhppote_profiles import TimeProfiles
from controllers.wiegand import find
from gateway.access.generation import build
from gateway.access.identifier import card_value, identifier_key
from gateway.access.model import AccessPoint, Credential
from gateway.access.table import PermissionTable
from gateway.board_rights import Listed, listed, moment
from gateway.pull import open_client
from gateway.store import Stand, Store

ASK_KEYS = 500
NONCE_BYTES = 12
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ListedBoard:
    """A board, and the access points of its doors 1 to 4."""

    board: UhppoteBoard
    doors: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Setup:
    """What the process needs; it comes by a pipe, since it holds keys."""

    url: str
    token: str = field(repr=False)
    gateway: str
    store: str
    site_key: bytes = field(repr=False)
    site: int
    timezone: str
    points: tuple[AccessPoint, ...]
    boards: tuple[ListedBoard, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """One turn: the boards on line, those of them whose list must be read anew, and the time."""

    boards: tuple[str, ...]
    forget: tuple[str, ...]
    now: float  # Unix seconds


class Orphaned(Exception):
    """The door process is gone: a board must hear nobody, so that it decides by itself."""


class Numbers:
    """Card numbers from the management plane."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        key = HKDF(SHA256(), 32, salt=None, info=b"menjin/api/card number").derive(setup.site_key)
        self._opener = AESGCM(key)

    def key(self, format_: str, facility: int, card: int) -> bytes:
        """The key that the table knows a card by."""
        return identifier_key(self._setup.site_key, "card", find(format_).name, card_value(facility, card))

    async def of(self, format_: str, keys: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
        """Facility and card of those keys that are of this format and that the plane keeps. Raises `HTTPError`."""
        found = {}
        async with open_client(self._setup.url, self._setup.token) as client:
            for at in range(0, len(keys), ASK_KEYS):
                body = {"format": format_, "keys": [key.hex() for key in keys[at : at + ASK_KEYS]]}
                answer = await client.post(f"/gateways/{self._setup.gateway}/card-numbers", json=body)
                answer.raise_for_status()
                for key, sealed in answer.json()["numbers"].items():
                    if (number := self._open(format_, bytes.fromhex(key), bytes.fromhex(sealed))) is not None:
                        found[bytes.fromhex(key)] = number
        return found

    def _open(self, format_: str, key: bytes, sealed: bytes) -> tuple[int, int] | None:
        """A number that has this very key, or nothing."""
        try:
            text = self._opener.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], key).decode()
            facility, card = map(int, text.split("-"))
        except (InvalidTag, ValueError):
            return None
        return (facility, card) if self.key(format_, facility, card) == key else None


class BoardKeeper:
    """One board's list and profiles."""

    def __init__(self, wired: ListedBoard, numbers: Numbers, limits: BoardLimits | None = None) -> None:
        self.name, self.doors = wired.board.name, wired.doors
        self._board, self._numbers = wired.board, numbers
        link = BoardLink(wired.board, (limits or BoardLimits()).timeout_s)
        self._parent = os.getppid()
        self._cards, self._profiles = CardList(link, self._pace), TimeProfiles(link, self._pace)

    def forget(self) -> None:
        """Somebody else may have written the board."""
        self._cards.forget()
        self._profiles.forget()

    async def keep(self, cards: dict[bytes, Listed]) -> Json:
        """Bring the board in step; the report. `missing` are cards whose number the plane does not give."""
        try:
            have = await self._cards.have()
            numbers, missing, fault = await self._numbered(have, cards)
            held = {door for card in have.values() for door in card.doors if door > 1}
            profiles = await self._profiles.numbers({week for each in cards.values() for week in each.weeks}, held)
            wanted = {
                number: BoardCard(card.start, card.end, tuple(profiles.get(week, 0) for week in card.weeks))  # type: ignore[arg-type] # four doors
                for number, card in numbers.items()
            }
            report = await self._cards.keep(wanted)
        except NoAnswer as error:
            report, missing, fault = Report(failed=len(cards), errors=[str(error)]), 0, ""
        report.errors += [fault] if fault else []
        return asdict(report) | {"missing": missing}

    async def _numbered(self, have: Iterable[int], cards: dict[bytes, Listed]) -> tuple[dict[int, Listed], int, str]:
        """Cards by the board's numbers: those that it has, and those that the plane gives; how many are not known."""
        left, numbers, error = dict(cards), {}, ""
        for number in have:
            key = self._numbers.key(self._board.format, *self._board.parts(number))
            if (card := left.pop(key, None)) is not None:
                numbers[number] = card
        try:
            given = await self._numbers.of(self._board.format, list(left)) if left else {}
        except (httpx2.HTTPError, ValueError, KeyError) as failed:
            given, error = {}, f"the plane gives no numbers: {type(failed).__name__}"
        for key, parts in given.items():
            if (new := self._board.number(*parts)) is not None:
                numbers[new] = left.pop(key)
        return numbers, len(left), error

    async def _pace(self) -> None:
        if os.getppid() != self._parent:
            raise Orphaned
        await pause()


class BoardLists:
    """All boards' lists, from the mirror of the permission table."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        numbers = Numbers(setup)
        self._keepers = {wired.board.name: BoardKeeper(wired, numbers) for wired in setup.boards}
        self._store = Store(Path(setup.store))
        self._made: tuple[Stand, PermissionTable, list[Credential]] | None = None

    async def turn(self, round_: Round) -> dict[str, Json]:
        """One round; nothing before the first table is there."""
        # The library's sockets do not expect "connection refused" and complain; the question times out anyhow.
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        for name in round_.forget:
            self._keepers[name].forget()
        table = self._table()
        if table is None:
            return {}
        now, cards = moment(round_.now), self._made[2] if self._made else []
        keepers = [self._keepers[name] for name in round_.boards]
        wanted = [listed(table, each.doors, cards, now) for each in keepers]
        reports = await asyncio.gather(*(each.keep(its) for each, its in zip(keepers, wanted, strict=True)))
        return {each.name: report for each, report in zip(keepers, reports, strict=True)}

    def _table(self) -> PermissionTable | None:
        with self._store.reading() as stand:
            if stand.version is None:
                return None
            if self._made is None or self._made[0] != stand:
                rows = list(self._store.rows())
                setup = self._setup
                table = PermissionTable.load(
                    build(rows, stand.version), setup.points, ZoneInfo(setup.timezone), site=setup.site
                )
                self._made = (stand, table, [row for row in rows if isinstance(row, Credential)])
        return self._made[1]


def main() -> int:
    """Run as a child process."""
    lists = BoardLists(msgspec.json.decode(sys.stdin.buffer.readline(), type=Setup))
    for line in sys.stdin.buffer:
        try:
            reports = asyncio.run(lists.turn(msgspec.json.decode(line, type=Round)))
        except Orphaned:
            return 1
        sys.stdout.buffer.write(msgspec.json.encode(reports) + b"\n")
        sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())

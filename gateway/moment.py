"""A past moment of this gateway, read from its folder: the rows then in force, and what passages had left behind."""

import contextlib
import json
import math
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway import history, journal_db, wire
from gateway.access.case import NOBODY, person
from gateway.access.door_words import DoorMode
from gateway.access.event import EventKind
from gateway.access.generation import build
from gateway.access.model import AccessPoint, Credential, Row
from gateway.access.presence import Scene
from gateway.access.presented import Unreadable
from gateway.access.table import PermissionTable
from gateway.clock import Clock
from gateway.elsewhere import put_back
from gateway.passage import Passage, Spent
from gateway.place import Gateway
from gateway.shown import again, code_id

OFFICE = ("zone", "special", "schedule", "profile", "issuer", "denied")
DECISIONS = (EventKind.GRANTED, EventKind.DENIED)
Event = dict[str, Any]


class NoAnswer(Exception):
    """The question cannot be answered; the text says why, in plain words.

    `type` is the problem that whoever asked has: not-found, no-history, no-decision or no-reader; else it is no-answer.
    """

    def __init__(self, text: str, type_: str = "no-answer") -> None:
        super().__init__(text)
        self.type = type_


class Moment:
    """What stood at a time: `force` is the table, `before` the record that comes next."""

    def __init__(self, gateway: Gateway, at: float | None, event: Event | None = None, used: int | None = None) -> None:
        """Without a time it is now: all that was written is before it, whatever clock it was written by.

        Raises:
            NoAnswer: nothing is known of that time.
        """
        self.gateway, self._event, self._used = gateway, event, used
        self._rows = _open(gateway.folder / "store.db")
        self._journal = _open(gateway.folder / "journal.db")
        self.at = _door_s(self._journal) if at is None else float(at)
        until = math.inf if at is None else self.at
        version = event.get("table_version") if event else None
        force = history.force_at(self._rows, until, version) or history.force_at(self._rows, until)
        if force is None:
            begun = self._rows.execute("SELECT min(at) FROM force").fetchone()[0]
            raise NoAnswer(
                f"the history of the table begins at {_iso(begun) if begun else 'no time yet'}, after {_iso(self.at)}",
                "no-history",
            )
        self.force = force
        self.before = event["seq"] if event else _next_seq(self._journal, until)

    def close(self) -> None:
        """Let go of the files."""
        self._rows.close()
        self._journal.close()

    def office(self) -> dict[tuple[str, str], wire.Body]:
        """Every row but credentials, by kind and id."""
        return {(kind, id_): json.loads(body) for kind, id_, body in history.rows_at(self._rows, self.force, OFFICE)}

    def credentials(self, id_: str | None = None) -> Iterator[tuple[tuple[str, str], wire.Body]]:
        """All credentials, or one."""
        for kind, row_id, body in history.rows_at(self._rows, self.force, ("credential",), id_):
            yield (kind, row_id), json.loads(body)

    def table(self, bodies: dict[tuple[str, str], wire.Body]) -> PermissionTable:
        """The table of these rows. Raises `wire.BadRow`, `generation.BadRows`."""
        rows: list[Row] = [wire.row(kind, body) for (kind, _), body in bodies.items()]
        gateway = self.gateway
        return PermissionTable.load(build(rows, self.force.version), gateway.points, gateway.tz, site=gateway.site)

    def passage(self, table: PermissionTable, point: AccessPoint, who: Credential | None) -> Passage:
        """What passages before this moment left behind, as far as this presentation has to do with it."""
        keys = [point.name, (self._event or {}).get("raw", "")]
        if crossing := table.crossing(point.name):
            keys += crossing.zones
        if who is not None:
            keys.append(who.key.hex())
        made = Passage()
        made.load(journal_db.left_before(self._journal, self.before, keys))
        presented = again(self._event or {}, who)
        if "spent" in self._told:
            made.there[code_id(presented)] = Spent(self._told["spent"], self.at)
        if who is not None and (used := self._told.get("used", self._used)):
            made.there[who.key] = Spent(int(used), self.at)
        if (known := self._told.get("known")) and not isinstance(presented, Unreadable):
            put_back(made.whereabouts, person(who or NOBODY, presented), known)  # heard elsewhere: no journal has it
        return made

    def scene(self, passage: Passage, door: str) -> Scene:
        """Who was where, and the door's mode: as the event tells it, or as the last event before says."""
        told = self._told
        mode = told.get("mode") if self._event else self._mode(door)
        return Scene(passage.whereabouts, DoorMode(mode) if mode else DoorMode.LOCKED, bool(told.get("interlocked")))

    @property
    def _told(self) -> dict[str, Any]:
        """What the event's decision had looked at beside table and passage."""
        found: dict[str, Any] = (self._event or {}).get("detail", {}).get("shown", {})
        return found

    def _mode(self, door: str) -> str | None:
        query = (
            "SELECT record FROM journal WHERE seq < ? AND json_extract(CAST(record AS TEXT), '$.kind') = 'DoorMode' "
            "AND json_extract(CAST(record AS TEXT), '$.door') = ? ORDER BY seq DESC LIMIT 1"
        )
        found = self._journal.execute(query, (self.before, door)).fetchone()
        return str(json.loads(found[0])["reason"]) if found else None


def event_of(folder: Path, seq: int) -> Event:
    """The record of a decision in the journal. Raises `NoAnswer`."""
    with contextlib.closing(_open(folder / "journal.db")) as db:
        found = db.execute("SELECT record FROM journal WHERE seq = ?", (seq,)).fetchone()
    if found is None:
        raise NoAnswer(f"this gateway's journal has no event {seq} (any more)", "not-found")
    event: Event = json.loads(found[0])
    if event["kind"] not in DECISIONS:
        text = f"event {seq} is {event['kind']}: only {' and '.join(DECISIONS)} are decisions that have a why"
        raise NoAnswer(text, "no-decision")
    return event


def _iso(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _door_s(db: sqlite3.Connection) -> float:
    """What the doors' clock says now, Unix seconds, as far as the journal tells."""
    clock = Clock()
    clock.floor(journal_db.read_state(db).high_water)
    return clock.now()


def _next_seq(db: sqlite3.Connection, at: float) -> int:
    """The number of the first record after a time; recording times rise with the numbers."""
    low, high = db.execute("SELECT pruned_seq + 1, head_seq + 1 FROM state").fetchone()
    while low < high:
        middle = (low + high) // 2
        found = db.execute("SELECT recorded_at FROM journal WHERE seq >= ? ORDER BY seq LIMIT 1", (middle,)).fetchone()
        low, high = (middle + 1, high) if found and found[0] <= at else (low, middle)
    return int(low)


def _open(path: Path) -> sqlite3.Connection:
    try:
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    except sqlite3.OperationalError as error:
        raise NoAnswer(f"{path}: {error}") from error

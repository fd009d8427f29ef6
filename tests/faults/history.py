"""What the journal says against what the locks did."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from gateway.verify import verify

Record = dict[str, Any]
OPENING = ("Granted", "RemoteUnlock")
LATEST_S = 2.5  # 2 s from read to lock (GB 50396-2007 5.1.2), and what a busy machine takes to note it


def read(journal: Path, after: int = 0) -> list[Record]:
    """The records of a journal behind a number."""
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT record FROM journal WHERE seq > ? ORDER BY seq", (after,)).fetchall()
    return [json.loads(text) for (text,) in rows]


def grants(records: Iterable[Record], door: str = "") -> list[Record]:
    """The records that let a door open."""
    return [each for each in records if each["kind"] in OPENING and door in ("", each["door"])]


def unrecorded(pulses: Sequence[float], opening: Sequence[Record]) -> list[float]:
    """The pulses of one door (Unix seconds) that have no record of their own before them, not too long before."""
    free = sorted(opening, key=lambda each: float(each["recorded_at"]))
    bare = []
    for pulse in sorted(pulses):
        mine = next((each for each in free if pulse - LATEST_S <= each["occurred_at"] <= pulse), None)
        if mine is None or mine["recorded_at"] > pulse:
            bare.append(pulse)
        else:
            free.remove(mine)
    return bare


def assert_whole(journal: Path) -> None:
    """The chain is unbroken, and its numbers have no gap."""
    assert verify(journal) == []
    numbers = [each["seq"] for each in read(journal)]
    assert numbers == list(range(1, len(numbers) + 1))

"""Alarms of cameras: what was seen where it should not be, and cameras that no longer see. Rows of the index.

Each change of an alarm gets the next number of a counter: who follows the log asks for what changed after the number
he has, and misses nothing. A lost index begins another log, with another name.
"""

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from camera.database import Database
from camera.segment import US


class AlarmKind(StrEnum):
    """What an alarm is about."""

    MOTION = "motion"
    BLACK = "black"
    FROZEN = "frozen"
    BLURRED = "blurred"
    MOVED = "moved"
    WRONG_TIME = "wrong_time"
    LOST = "lost"


# Kind -> (zh, en), for people.
WORDS: dict[AlarmKind, tuple[str, str]] = {
    AlarmKind.MOTION: ("有人或物移动", "Motion"),
    AlarmKind.BLACK: ("画面全黑", "The picture is black"),
    AlarmKind.FROZEN: ("画面静止不动", "The picture is frozen"),
    AlarmKind.BLURRED: ("画面模糊", "The picture is blurred"),
    AlarmKind.MOVED: ("摄像机被移动", "The camera was moved"),
    AlarmKind.WRONG_TIME: ("摄像机时钟不准", "The camera's clock is wrong"),
    AlarmKind.LOST: ("摄像机无画面", "The camera sends no picture"),
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something at a camera from a moment on; `to_us` is None while it lasts. `still`: a path under the root, or ""."""

    camera: str
    kind: AlarmKind
    from_us: int
    zone: str = ""
    door: str = ""
    to_us: int | None = None
    detail: str = ""
    still: str = ""
    id: int = 0
    changed: int = 0


class Alarms:
    """The log of alarms."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.writing() as rows:
            rows.execute("insert into alarm_log (id) select ? where not exists (select 1 from alarm_log)",
                         (secrets.token_hex(8),))  # fmt: skip

    @property
    def name(self) -> str:
        """Return which log this is."""
        return str(self._database.here.execute("select id from alarm_log").fetchone()[0])

    def open(self, alarm: Alarm) -> Alarm:
        """Note a new alarm; return it with its id."""
        with self._database.writing() as rows:
            noted = replace(alarm, changed=_next(rows))
            values = (noted.camera, noted.kind, noted.zone, noted.door, noted.from_us, noted.to_us, noted.detail,
                      noted.still, noted.changed)  # fmt: skip
            row = rows.execute(
                "insert into alarm (camera, kind, zone, door, from_us, to_us, detail, still, changed)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?) returning id",
                values,
            ).fetchone()
        return replace(noted, id=row["id"])

    def end(self, id_: int, to_us: int) -> None:
        """Note that an alarm is over."""
        with self._database.writing() as rows:
            rows.execute("update alarm set to_us = ?, changed = ? where id = ?", (to_us, _next(rows), id_))

    def picture(self, id_: int, still: str) -> None:
        """Note where an alarm's still lies."""
        with self._database.writing() as rows:
            rows.execute("update alarm set still = ?, changed = ? where id = ?", (still, _next(rows), id_))

    def end_all(self, to_us: int) -> None:
        """End what a recorder that was killed left open; what still is so begins anew."""
        for (id_,) in self._database.here.execute("select id from alarm where to_us is null").fetchall():
            self.end(id_, to_us)

    def after(self, changed: int, limit: int = 200) -> list[Alarm]:
        """Return the alarms that changed after a number, in the order of their last change."""
        rows = self._database.here.execute(
            "select * from alarm where changed > ? order by changed limit ?", (changed, limit)
        )
        return list(map(_alarm, rows))

    def one(self, id_: int) -> Alarm | None:
        """Return an alarm; None when there is none."""
        row = self._database.here.execute("select * from alarm where id = ?", (id_,)).fetchone()
        return _alarm(row) if row else None

    def forget(self, before_us: int, most: int = 100_000) -> Sequence[str]:
        """Drop alarms that are over since before a moment, and the oldest beyond `most`; return their stills' paths."""
        with self._database.writing() as rows:
            gone = rows.execute(
                "delete from alarm where to_us < ? or id <= (select max(id) from alarm) - ? returning still",
                (before_us, most),
            ).fetchall()
        return [row["still"] for row in gone if row["still"]]


def words_of(alarm: Alarm) -> dict[str, str]:
    """Return what an alarm says to people."""
    zh, en = WORDS[alarm.kind]
    return {"zh": f"{zh}（{alarm.zone}）", "en": f"{en} ({alarm.zone})"} if alarm.zone else {"zh": zh, "en": en}


def still_path(alarm: Alarm) -> str:
    """Return where an alarm's still belongs, relative to the root."""
    return f"stills/{alarm.camera}/{alarm.from_us // US}-{alarm.id}.jpg"


def _next(rows: sqlite3.Connection) -> int:
    """Return the next number of the counter."""
    return int(rows.execute("update alarm_log set changed = changed + 1 returning changed").fetchone()[0])


def _alarm(row: sqlite3.Row) -> Alarm:
    return Alarm(
        row["camera"], AlarmKind(row["kind"]), row["from_us"], row["zone"], row["door"], row["to_us"], row["detail"],
        row["still"], row["id"], row["changed"],
    )  # fmt: skip

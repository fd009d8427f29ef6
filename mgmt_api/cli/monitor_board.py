"""What `menjin device monitor` knows of each device, in words fit for a screen that others may see."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from controllers.driver import (
    CardRead,
    DeviceEvent,
    DeviceRecord,
    IdCardRead,
    InputState,
    KeyRead,
    LinkState,
    LocalState,
    OutputState,
    TextRead,
    UnsupportedRead,
)

SHOWN_CHARS = 2  # of a masked value, at each end
LINKS = {"LinkUp": True, "LinkDown": False}
COLUMNS = ("Device / 设备", "Kind / 类型", "State / 状态", "Reads / 读数", "Last / 最近", "At / 时间")


@dataclass(frozen=True, slots=True)
class News:
    """One thing that a device said."""

    device: str
    what: str  # "card", "text", "inputs"...
    shown: str
    wall_s: float
    up: bool | None = None  # of a link

    def record(self) -> dict[str, Any]:
        """For a script."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    def line(self) -> str:
        """For a person."""
        return f"{_clock(self.wall_s)}  {self.device:<20} {self.what:<8} {self.shown}"


def masked(text: str, raw: bool) -> str:
    """Both ends stay, so that two reads can be compared without either being known."""
    if raw or not text:
        return text
    if len(text) < 2 * SHOWN_CHARS + 2:
        return "*" * len(text)
    return f"{text[:SHOWN_CHARS]}{'*' * min(8, len(text) - 2 * SHOWN_CHARS)}{text[-SHOWN_CHARS:]}"


def news_of(event: DeviceEvent, raw: bool = False) -> News | None:
    """An event in words; None for those that say nothing here."""
    words = _words(event, raw)
    if words is None:
        return None
    device = getattr(event, "device", "") or getattr(event, "reader", "")
    stale = "late " if event.seen.stale else ""
    up = event.up if isinstance(event, LinkState) else None
    return News(device, words[0], stale + printable(words[1]), event.seen.wall_s, up)


def _words(event: DeviceEvent, raw: bool) -> tuple[str, str] | None:
    match event:
        case CardRead():
            digits = f"{event.bits:0{-(-event.bit_count // 4)}x}"
            return "card", f"{event.bit_count} bits {masked(digits, raw)}{'' if event.checked else ' (unchecked)'}"
        case TextRead():
            return "text", f"{len(event.text)} characters {masked(event.text, raw)}"
        case KeyRead():
            return "keys", "*" * len(event.keys)
        case IdCardRead():
            return "idcard", "身份证 ID card"
        case UnsupportedRead():
            return "other", event.what
        case DeviceRecord():
            return "record", f"{'granted' if event.granted else 'refused'} by the device: {event.reason}"
        case InputState():
            return "inputs", levels(event.active)
        case OutputState():
            return "outputs", levels(event.active)
        case LocalState():
            told = [name for name, active in (("tamper", event.tamper), ("power fault", event.power_fault)) if active]
            return "self", ", ".join(told) or "good"
        case LinkState():
            return "link", f"{'up' if event.up else 'down'}{' secure' if event.secure else ''}: {event.reason}"
    return None


def printable(text: str) -> str:
    """Without what would move a terminal's cursor: a device's own words are not ours."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def levels(active: tuple[bool, ...]) -> str:
    """Inputs or outputs, number 0 first."""
    return "".join("●" if each else "○" for each in active) or "none"


def follow(journal: Path, raw: bool) -> Iterator[News | None]:
    """What a running gateway writes down from now on; None when it is quiet for now."""
    with contextlib.closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as db:
        seq = int(db.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()[0])
        while True:
            rows = db.execute("SELECT seq, record FROM journal WHERE seq > ? ORDER BY seq", (seq,)).fetchall()
            for number, text in rows:
                seq = number
                yield _news_of_record(json.loads(text), raw)
            yield None


def _news_of_record(record: Mapping[str, Any], raw: bool) -> News:
    count, colon, digits = str(record.get("raw", "")).partition(":")
    value = f"{count} bits {masked(digits, raw)}" if colon and count.isdigit() else masked(count, raw)
    shown = " ".join(filter(None, (record.get("credential_type", ""), value, str(record.get("reason", "")))))
    device = record.get("reader") or record.get("door") or "gateway"
    return News(
        str(device), str(record["kind"]), printable(shown), float(record["occurred_at"]), LINKS.get(str(record["kind"]))
    )


@dataclass(slots=True)
class _Row:
    kind: str = ""
    state: str = "not seen yet / 未见"
    up: bool = False
    reads: int = 0
    last: dict[str, str] = field(default_factory=dict)
    wall_s: float = 0.0


class Board:
    """All devices by name."""

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self.rows = {name: _Row(kind) for name, kind in kinds.items()}

    def take(self, news: News) -> None:
        """Note what a device said."""
        row = self.rows.setdefault(news.device, _Row())
        row.wall_s = news.wall_s
        if news.up is not None:
            row.up, row.state = news.up, news.shown
            return
        row.reads += news.what in ("card", "text", "keys", "idcard", "other", "Granted", "Denied", "StaleRead")
        row.last[news.what] = news.shown
        row.last = dict(list(row.last.items())[-4:])

    def table(self) -> Table:
        """The table to draw."""
        table = Table(*COLUMNS, title="menjin device monitor", expand=True)
        for name, row in self.rows.items():
            last = "  ".join(f"{what} {shown}" for what, shown in row.last.items())
            state = Text(row.state, style="green" if row.up else "red")  # never read as markup: devices wrote it
            at = _clock(row.wall_s) if row.wall_s else ""
            table.add_row(name, row.kind, state, str(row.reads), Text(last), at)
        return table


def _clock(wall_s: float) -> str:
    return datetime.fromtimestamp(wall_s, UTC).astimezone().strftime("%H:%M:%S")

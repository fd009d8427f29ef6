"""What is recorded, without the files: a row a stretch, kept in step with them, so that a month is read at once."""

import sqlite3
from collections.abc import Iterable, Sequence

from camera.segment import Segment

JOIN_US = 250_000  # files of one run meet within some ms; a reconnect loses more than this

# The rows of all cameras from their files: a file begins a stretch when all before it ended too early.
_RECOUNT = """
insert into recorded
select camera, min(start_us), max(end_us), sum(bytes), count(*) from (
  select camera, start_us, end_us, bytes, sum(start_us > before + :join) over walk as stretch from (
    select camera, start_us, end_us, bytes, coalesce(max(end_us) over (partition by camera order by start_us, id
      rows between unbounded preceding and 1 preceding), -1 << 60) as before, id from segment)
  window walk as (partition by camera order by start_us, id rows unbounded preceding))
group by camera, stretch
"""


def recount(rows: sqlite3.Connection) -> None:
    """Make the stretches anew from the files; 0.1 s for a camera's month."""
    rows.execute("delete from recorded")
    rows.execute(_RECOUNT, {"join": JOIN_US})


def extend(rows: sqlite3.Connection, segment: Segment) -> None:
    """Take a new file in: it joins the stretches that it touches."""
    touched = rows.execute(
        "select from_us, to_us, bytes, files from recorded where camera = ? and from_us <= ? and to_us >= ?"
        " order by from_us desc limit 1000",
        (segment.camera, segment.end_us + JOIN_US, segment.start_us - JOIN_US),
    ).fetchall()
    rows.executemany(
        "delete from recorded where camera = ? and from_us = ?", ((segment.camera, row["from_us"]) for row in touched)
    )
    rows.execute(
        "insert into recorded values (?, ?, ?, ?, ?)",
        (
            segment.camera,
            min([segment.start_us, *(row["from_us"] for row in touched)]),
            max([segment.end_us, *(row["to_us"] for row in touched)]),
            segment.bytes + sum(row["bytes"] for row in touched),
            1 + sum(row["files"] for row in touched),
        ),
    )


def shrink(rows: sqlite3.Connection, gone: Iterable[Segment]) -> None:
    """Take files out whose rows are gone, a stretch at a time: its files may be many, and are counted once."""
    touched: dict[tuple[str, int], list[Segment]] = {}
    for segment in gone:
        row = rows.execute(
            "select from_us from recorded where camera = ? and from_us <= ? order by from_us desc limit 1",
            (segment.camera, segment.start_us),
        ).fetchone()
        if row is not None:
            touched.setdefault((segment.camera, row["from_us"]), []).append(segment)
    for (camera, from_us), taken in touched.items():
        _shorten(rows, camera, from_us, taken)


def _shorten(rows: sqlite3.Connection, camera: str, from_us: int, taken: Sequence[Segment]) -> None:
    """Take files out of one stretch. Where they were its oldest, it only begins later."""
    here = (camera, from_us)
    row = rows.execute("select to_us, bytes, files from recorded where camera = ? and from_us = ?", here).fetchone()
    rows.execute("delete from recorded where camera = ? and from_us = ?", here)
    first = rows.execute("select min(start_us) from segment where camera = ? and start_us >= ?", here).fetchone()[0]
    files, last_us = row["files"] - len(taken), max(each.end_us for each in taken)
    if files <= 0 or first is None:
        return
    if first >= last_us and last_us < row["to_us"]:
        size = row["bytes"] - sum(each.bytes for each in taken)
        rows.execute("insert into recorded values (?, ?, ?, ?, ?)", (camera, first, row["to_us"], size, files))
        return
    _split(rows, camera, from_us, row["to_us"])


def _split(rows: sqlite3.Connection, camera: str, from_us: int, to_us: int) -> None:
    """Count one stretch anew from its files: one in its middle went."""
    files = rows.execute(
        "select start_us, end_us, bytes from segment where camera = ? and start_us >= ? and start_us <= ?"
        " order by start_us",
        (camera, from_us, to_us),
    )
    stretches: list[list[int]] = []
    for start, end, size in files:
        if stretches and start <= stretches[-1][1] + JOIN_US:
            last = stretches[-1]
            last[1:] = [max(last[1], end), last[2] + size, last[3] + 1]
        else:
            stretches.append([start, end, size, 1])
    rows.executemany("insert into recorded values (?, ?, ?, ?, ?)", ((camera, *each) for each in stretches))

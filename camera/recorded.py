"""What is recorded, without the files: a row a stretch, kept in step with them, so that a month is read at once."""

import sqlite3

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


def shrink(rows: sqlite3.Connection, segment: Segment) -> None:
    """Take a file out whose row is gone. Retention takes the oldest: then the stretch only begins later."""
    row = rows.execute(
        "select from_us, to_us, bytes, files from recorded where camera = ? and from_us <= ?"
        " order by from_us desc limit 1",
        (segment.camera, segment.start_us),
    ).fetchone()
    if row is None:
        return
    rows.execute("delete from recorded where camera = ? and from_us = ?", (segment.camera, row["from_us"]))
    if row["files"] == 1:
        return
    first = rows.execute(
        "select min(start_us) from segment where camera = ? and start_us >= ?", (segment.camera, row["from_us"])
    ).fetchone()[0]
    if first is None:
        return
    if segment.start_us == row["from_us"] and first >= segment.end_us and segment.end_us < row["to_us"]:
        left = (segment.camera, first, row["to_us"], row["bytes"] - segment.bytes, row["files"] - 1)
        rows.execute("insert into recorded values (?, ?, ?, ?, ?)", left)
        return
    _split(rows, segment.camera, row["from_us"], row["to_us"])


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

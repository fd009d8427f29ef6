"""What the mirror's rows once were: kept in the same database, for as long as the journal is.

Each transfer from the plane is an *edit* with a number. A row knows the edit that brought it; one that is replaced goes
to `past` with the edit that ended it. `force` says which edits the table in force showed from when on: light rows may
be ahead of the others, whose generation takes a moment to build. Stdlib alone, as the mirror itself.
"""

import json
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

KEEP_S = 180 * 86_400  # as the journal (gateway.journal.MIN_RETENTION_S)
LIGHT = ("credential", "issuer", "denied")  # rows that a table can take over itself; any other needs a new generation
SCHEMA = """
CREATE TABLE IF NOT EXISTS edit(number INTEGER PRIMARY KEY, snapshot INTEGER, version INTEGER, at REAL);
CREATE INDEX IF NOT EXISTS edit_at ON edit(at);
CREATE TABLE IF NOT EXISTS past(kind TEXT, id TEXT, since INTEGER, until INTEGER, key TEXT, body TEXT,
  PRIMARY KEY(kind, id, since)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS past_until ON past(until);
CREATE TABLE IF NOT EXISTS force(at REAL, light INTEGER, firm INTEGER);
CREATE INDEX IF NOT EXISTS force_at ON force(at);
"""
SINCE = "ALTER TABLE row ADD COLUMN since INTEGER NOT NULL DEFAULT 0"
# A lease that was renewed, and nothing else: the time alone is kept, in place of a whole body, and no key.
_KEPT = """
CASE WHEN r.kind = 'credential' AND r.key = {new}.key AND json_remove(r.body, '$.refreshed_at') =
  json_remove({new}.body, '$.refreshed_at') THEN json_extract(r.body, '$.refreshed_at') ELSE r.body END
"""
# A transfer that was broken off leaves rows in `past` that stand on: they have not ended.
_OVER = "NOT EXISTS (SELECT 1 FROM row r WHERE (r.kind, r.id, r.since) = (past.kind, past.id, past.since))"
_SOME = "row WHERE (kind, id) > (:kind, :id) ORDER BY kind, id LIMIT :rows"
_ENDED = f"""
INSERT OR REPLACE INTO past SELECT r.kind, r.id, r.since, :edit,
  CASE WHEN typeof({_KEPT.format(new="s")}) = 'text' THEN coalesce(r.key, '') END, {_KEPT.format(new="s")}
FROM (SELECT * FROM {_SOME}) r LEFT JOIN staged s USING(kind, id) WHERE s.id IS NULL OR s.body != r.body
"""  # noqa: S608 - no value stands in it
_LAST = f"SELECT kind, id FROM (SELECT kind, id FROM {_SOME}) ORDER BY kind DESC, id DESC LIMIT 1"  # noqa: S608 - as above
Place = tuple[str, str]  # kind and id of a row
FIRST: Place = ("", "")


class Force(NamedTuple):
    """Which edits the table in force showed, and its version. Edit 0 is before all that is known."""

    light: int
    firm: int
    version: int


def begin(db: sqlite3.Connection, version: int, now: float) -> int:
    """A new edit, within the transaction of what it brings; its number."""
    query = "INSERT INTO edit(snapshot, version, at) SELECT snapshot, ?, ? FROM state RETURNING number"
    return int(db.execute(query, (version, now)).fetchone()[0])


def begin_whole(db: sqlite3.Connection) -> int:
    """The number of an edit that takes many transactions; until `finish` it has no version, and shows nowhere."""
    query = "INSERT INTO edit(snapshot) SELECT snapshot + 1 FROM state RETURNING number"
    return int(db.execute(query).fetchone()[0])


def finish(db: sqlite3.Connection, edit: int, version: int, now: float) -> None:
    """The whole edit is there, with the rest of this transaction."""
    db.execute("UPDATE edit SET version = ?, at = ? WHERE number = ?", (version, now, edit))


def end_row(db: sqlite3.Connection, kind: str, id_: str, edit: int, fresh: str | None = None) -> None:
    """The row as it stands becomes past, unless the fresh body is the same."""
    found = db.execute("SELECT since, key, body FROM row WHERE kind = ? AND id = ?", (kind, id_)).fetchone()
    if found is None or found[2] == fresh:
        return
    since, key, body = found
    renewed = _renewal(body, fresh) if kind == "credential" and fresh is not None else None
    kept = (key or "", body) if renewed is None else (None, renewed)
    db.execute("INSERT OR REPLACE INTO past VALUES(?, ?, ?, ?, ?, ?)", (kind, id_, since, edit, *kept))


def end_rows(db: sqlite3.Connection, edit: int, after: Place, rows: int) -> Place | None:
    """Of the next rows behind a place, those that the staged ones replace or leave out become past.

    Returns the place of the last, None behind the last of all.
    """
    some = {"kind": after[0], "id": after[1], "rows": rows}
    db.execute(_ENDED, {"edit": edit, **some})
    found: Place | None = db.execute(_LAST, some).fetchone()
    return found


def _renewal(old: str, fresh: str) -> int | None:
    """When the office had confirmed the old body, if that alone is new."""
    before, after = json.loads(old), json.loads(fresh)
    if {**before, "refreshed_at": 0} != {**after, "refreshed_at": 0}:
        return None
    return int(before.get("refreshed_at") or 0)


def note_force(db: sqlite3.Connection, snapshot: int, light_version: int, firm_version: int, now: float) -> None:
    """The table in force shows light rows up to one version, and others up to another.

    Rows stand in the order in which they were written: a clock that was set may give a later one an earlier time.
    """
    light, firm = (_edit(db, snapshot, version) for version in (light_version, firm_version))
    last = db.execute("SELECT light, firm FROM force ORDER BY rowid DESC LIMIT 1").fetchone()
    if last != (light, firm):
        db.execute("INSERT INTO force VALUES(?, ?, ?)", (now, light, firm))


def _edit(db: sqlite3.Connection, snapshot: int, version: int) -> int:
    query = "SELECT max(number) FROM edit WHERE snapshot = ? AND version <= ?"
    return int(db.execute(query, (snapshot, version)).fetchone()[0] or 0)


def force_at(db: sqlite3.Connection, at: float, version: int | None = None) -> Force | None:
    """What was in force at a time (Unix seconds), or with this table's version just before; None before all history."""
    query = "SELECT light, firm, version FROM force JOIN edit ON number = max(light, firm) WHERE force.at <= ? "
    exact = "AND version = ? " if version else ""
    order = "ORDER BY force.rowid DESC LIMIT 1"
    found = db.execute(query + exact + order, (at, version) if version else (at,)).fetchone()
    return Force(*found) if found else None


def rows_at(db: sqlite3.Connection, force: Force, kinds: tuple[str, ...], id_: str | None = None) -> Iterator[
    tuple[str, str, str]
]:  # fmt: skip
    """(kind, id, body) of each row of these kinds, or of one, as the table in force showed it."""
    one, named = ("AND id = :id", {"id": id_}) if id_ is not None else ("", {})
    for kind in kinds:
        edit = force.light if kind in LIGHT else force.firm
        query = (
            f"SELECT id, '' AS key, body FROM row WHERE kind = :kind AND since <= :edit {one} UNION ALL "  # noqa: S608
            f"SELECT id, key, body FROM past WHERE kind = :kind AND since <= :edit AND until > :edit {one} "
            f"AND {_OVER}"
        )
        for row_id, key, body in db.execute(query, {"kind": kind, "edit": edit, **named}):
            yield kind, row_id, body if key is not None else _renewed(db, row_id, edit, int(body))


def _renewed(db: sqlite3.Connection, id_: str, edit: int, refreshed_at: int) -> str:
    """The body behind a kept time: the next whole one, with that time in it."""
    query = (
        "SELECT body FROM past WHERE kind = 'credential' AND id = ? AND since > ? AND key IS NOT NULL "
        "ORDER BY since LIMIT 1"
    )
    whole = db.execute(query, (id_, edit)).fetchone()
    if whole is None:
        whole = db.execute("SELECT body FROM row WHERE kind = 'credential' AND id = ?", (id_,)).fetchone()
    return json.dumps({**json.loads(whole[0]), "refreshed_at": refreshed_at}, ensure_ascii=False)


def forget(db: sqlite3.Connection, before: float, rows: int) -> bool:
    """Drop what was over before this time, at most so many rows; what was in force then stays. Whether more is left."""
    last = db.execute("SELECT light, firm FROM force WHERE at <= ? ORDER BY rowid DESC LIMIT 1", (before,)).fetchone()
    if last is None:
        return False
    over = "(kind, id, since) IN (SELECT kind, id, since FROM past WHERE until <= ? LIMIT ?)"
    dropped = db.execute(f"DELETE FROM past WHERE {over}", (min(last), rows)).rowcount  # noqa: S608 - no value in it
    db.execute("DELETE FROM edit WHERE number < ?", (min(last),))
    db.execute("DELETE FROM force WHERE rowid < (SELECT max(rowid) FROM force WHERE at <= ?)", (before,))
    return dropped == rows

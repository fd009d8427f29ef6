"""Writing what the office decided. Every row that gateways see gets a version of its own, rising without end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from mgmt_api.database import Database
from mgmt_api.office.rows import Row
from mgmt_api.office.wire import Kind
from mgmt_api.tables import Base, table_of
from mgmt_api.tables.office import (
    Counter,
    Credential,
    Hold,
    Profile,
    Resident,
    Schedule,
    SpecialDays,
    Tombstone,
    Unit,
    WayHome,
    Zone,
)

CHUNK = 500  # rows a statement with a list of ids
T = TypeVar("T")

MODELS: dict[Kind, type[Base]] = {
    "zones": Zone,
    "units": Unit,
    "special_days": SpecialDays,
    "schedules": Schedule,
    "profiles": Profile,
    "residents": Resident,
    "credentials": Credential,
}
FEED_KINDS: dict[Kind, str] = {  # residents and units stay here: gateways know credentials and rights alone
    "zones": "zone",
    "special_days": "special",
    "schedules": "schedule",
    "profiles": "profile",
    "credentials": "credential",
}


@dataclass(slots=True)
class Tally:
    """What a write came to."""

    added: int = 0
    changed: int = 0
    removed: int = 0

    def __iadd__(self, other: "Tally") -> "Tally":
        self.added += other.added
        self.changed += other.changed
        self.removed += other.removed
        return self


def take(session: Session, name: str, count: int) -> int:
    """Reserve `count` numbers of a counter; the first of them."""
    statement = update(Counter).where(Counter.name == name).values(value=Counter.value + count).returning(Counter.value)
    return session.execute(statement).scalar_one() - count + 1


def table_version(session: Session) -> int:
    """The version that the permission table has reached."""
    return session.execute(select(Counter.value).where(Counter.name == "table")).scalar_one()


def put(session: Session, database: Database, kind: Kind, rows: Sequence[Row]) -> Tally:
    """Write the rows that differ from what is kept; what is equal stays as it is, with its version."""
    kept = digests(session, kind, [row["id"] for row in rows])
    new = [row for row in rows if row["id"] not in kept]
    changed = [row for row in rows if kept.get(row["id"], row["digest"]) != row["digest"]]
    add(session, database, kind, new)
    replace(session, database, kind, changed)
    return Tally(len(new), len(changed))


def add(session: Session, database: Database, kind: Kind, rows: Sequence[Row]) -> None:
    """Insert rows that are not there yet."""
    if (word := FEED_KINDS.get(kind)) is not None and rows:
        revive(session, word, [row["id"] for row in rows])
    _write(session, database, kind, rows)


def replace(session: Session, database: Database, kind: Kind, rows: Sequence[Row]) -> None:
    """Replace rows that are there."""
    if kind == "residents":
        _pass_on_class(session, rows)
    _write(session, database, kind, rows)


def _write(session: Session, database: Database, kind: Kind, rows: Sequence[Row]) -> None:
    if not rows:
        return
    if kind in FEED_KINDS:
        _number(session, rows)
    database.bulk(session, database.upsert(table_of(MODELS[kind]), ["id"]), rows)


def remove(session: Session, kind: Kind, ids: Sequence[str], now: int, *, with_credentials: bool = True) -> int:
    """Delete rows and remember it for gateways. A resident's credentials go with the resident. How many went."""
    if kind == "residents" and with_credentials:
        for some in chunks(ids):
            theirs = session.scalars(select(Credential.id).where(Credential.resident.in_(some))).all()
            remove(session, "credentials", theirs, now)
    if kind == "residents":
        for some in chunks(ids):
            session.execute(delete(WayHome).where(WayHome.resident.in_(some)))
    model: Any = MODELS[kind]
    gone = 0
    for some in chunks(ids):
        if (word := FEED_KINDS.get(kind)) is not None:
            bury(session, word, _keys_of(session, kind, some), now)
        if kind == "credentials":
            session.execute(delete(Hold).where(Hold.credential.in_(some)))
        gone += len(session.execute(delete(model).where(model.id.in_(some)).returning(model.id)).all())
    return gone


def bury(session: Session, word: str, keys: dict[str, bytes], now: int) -> None:
    """Remember rows of the feed as deleted."""
    if not keys:
        return
    first = take(session, "table", len(keys))
    rows = [
        {"kind": word, "id": id_, "key": key, "version": first + i, "deleted_at": now}
        for i, (id_, key) in enumerate(keys.items())
    ]
    revive(session, word, list(keys))
    session.connection().execute(insert(table_of(Tombstone)), rows)


def revive(session: Session, word: str, ids: Sequence[str]) -> None:
    """Forget that rows were deleted."""
    if session.scalars(select(Tombstone.id).where(Tombstone.kind == word).limit(1)).first() is None:
        return
    for some in chunks(ids):
        session.execute(delete(Tombstone).where(Tombstone.kind == word, Tombstone.id.in_(some)))


def digests(session: Session, kind: Kind, ids: Sequence[str]) -> dict[str, bytes]:
    """The digests of those `ids` that are kept."""
    model: Any = MODELS[kind]
    found: dict[str, bytes] = {}
    for some in chunks(ids):
        found.update((id_, digest) for id_, digest in session.execute(_digests(model, some)))
    return found


def all_digests(session: Session, kind: Kind) -> dict[str, bytes]:
    """The digest of every record of a kind."""
    model: Any = MODELS[kind]
    return {id_: digest for id_, digest in session.execute(select(model.id, model.digest))}  # noqa: C416 - rows, not pairs


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Runs of at most `CHUNK`."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def _digests(model: Any, ids: Sequence[str]) -> Any:
    return select(model.id, model.digest).where(model.id.in_(ids))


def _number(session: Session, rows: Sequence[Row]) -> None:
    first = take(session, "table", len(rows))
    for i, row in enumerate(rows):
        row["version"] = first + i


def _keys_of(session: Session, kind: Kind, ids: Sequence[str]) -> dict[str, bytes]:
    if kind == "credentials":
        found = session.execute(select(Credential.id, Credential.key).where(Credential.id.in_(ids)))
        return {row.id: row.key for row in found}
    model: Any = MODELS[kind]
    return dict.fromkeys(session.scalars(select(model.id).where(model.id.in_(ids))), b"")


def _pass_on_class(session: Session, residents: Sequence[Row]) -> None:
    """A credential carries its holder's class: a change of class is a change of the credential."""
    wanted = {row["id"]: row["holder_class"] for row in residents}
    for some in chunks(list(wanted)):
        kept = session.execute(select(Resident.id, Resident.holder_class).where(Resident.id.in_(some)))
        moved = [id_ for id_, class_ in kept if wanted[id_] != class_]
        touch(session, session.scalars(select(Credential.id).where(Credential.resident.in_(moved))).all())


def touch(session: Session, credentials: Sequence[str], **values: Any) -> None:
    """Give credentials a new version, and `values` if there are any."""
    if not credentials:
        return
    first = take(session, "table", len(credentials))
    for i, id_ in enumerate(credentials):
        session.execute(update(Credential).where(Credential.id == id_).values(version=first + i, **values))

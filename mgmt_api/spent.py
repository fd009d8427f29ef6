"""What one gateway accepted, for the others of the site: a code shown or a use spent is so at every door."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gateway.access.model import CredentialType
from mgmt_api.office.store import take
from mgmt_api.tables import table_of
from mgmt_api.tables.doors import Spent
from mgmt_api.tables.office import Credential

PAGE_ROWS = 2000
KEPT_S = 3600  # of a live code, which no door takes after some seconds
LATEST = (1 << 32) - 1  # MJ1 counts seconds in 32 bits
_ID = re.compile(r"[0-9a-f]{16}")
Json = dict[str, Any]


class _Fact(NamedTuple):
    """A grant spent this; `value` None: one use more."""

    id: str
    value: int | None
    until: int


def learn(session: Session, records: Iterable[Raw]) -> bool:
    """Keep what these grants spent; whether that is something new. Each record is given once."""
    events = [msgspec.json.decode(record) for record in records]
    counted = _counted(session, events)
    learned = False
    for event in events:
        for fact in (*_of_code(event), *counted.get(event.get("credential"), ())):
            learned = _keep(session, fact) or learned
    return learned


def since(session: Session, after: int) -> Json:
    """What was learned after a version: rows oldest first, and the version that they reach.

    `value` is when the newest code of a phone was signed (Unix seconds), or how often a pass or credential was used.
    """
    statement = select(Spent).where(Spent.version > after).order_by(Spent.version).limit(PAGE_ROWS)
    rows = session.scalars(statement).all()
    told = [{"id": row.id, "value": row.value, "until": row.until} for row in rows]
    return {"version": rows[-1].version if rows else after, "rows": told}


def uses(session: Session, credential: str) -> int | None:
    """How often a credential with counted uses was used at any gateway; None if nothing is known of that."""
    key = session.scalars(select(Credential.key).where(Credential.id == credential, Credential.max_uses > 0)).first()
    found = session.get(Spent, key.hex()) if key else None
    return found.value if found else None


def sweep(session: Session, now: int) -> None:
    """Forget codes that no door takes any more."""
    session.execute(delete(table_of(Spent)).where(Spent.until < now))


def _of_code(event: Json) -> Iterator[_Fact]:
    """Of a phone's code or a visitor pass; a detail of another shape tells nothing."""
    id_, shown, type_ = event.get("raw"), (event.get("detail") or {}).get("shown"), event.get("credential_type")
    if not (isinstance(id_, str) and _ID.fullmatch(id_) and isinstance(shown, dict)):
        return
    if type_ == CredentialType.LIVE and _is_time(shown.get("iat")):
        yield _Fact(id_, shown["iat"], shown["iat"] + KEPT_S)
    elif type_ == CredentialType.PASS and _is_time(shown.get("exp")):
        yield _Fact(id_, None, shown["exp"])


def _counted(session: Session, events: Sequence[Json]) -> Mapping[object, Sequence[_Fact]]:
    """By credential: the use that a grant is, of those that may be used so and so often."""
    ids = {id_ for event in events if isinstance(id_ := event.get("credential"), str)}
    rows = session.scalars(select(Credential).where(Credential.id.in_(ids), Credential.max_uses > 0))
    return {row.id: (_Fact(row.key.hex(), None, row.valid_to or LATEST),) for row in rows}


def _keep(session: Session, fact: _Fact) -> bool:
    row = session.get(Spent, fact.id)
    known = row.value if row else 0
    value = known + 1 if fact.value is None else fact.value
    if value <= known:
        return False
    version = take(session, "spent", 1)
    session.merge(Spent(id=fact.id, value=value, until=fact.until, version=version))
    session.flush()
    return True


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value <= LATEST

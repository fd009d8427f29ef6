"""Codes that one gateway accepted, for the others of the site: a code shown or a pass used up is so at every door."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gateway.access.model import CredentialType
from mgmt_api.office.store import take
from mgmt_api.tables import table_of
from mgmt_api.tables.doors import Spent

PAGE_ROWS = 2000
KEPT_S = 3600  # of a live code, which no door takes after some seconds
LATEST = (1 << 32) - 1  # MJ1 counts seconds in 32 bits
_ID = re.compile(r"[0-9a-f]{16}")
Json = dict[str, Any]


def learn(session: Session, records: Iterable[Raw]) -> bool:
    """Keep what these grants spent; whether that is something new. Each record is given once."""
    learned = False
    for record in records:
        event = msgspec.json.decode(record)
        id_, shown = event.get("raw"), (event.get("detail") or {}).get("shown")
        if isinstance(id_, str) and _ID.fullmatch(id_) and isinstance(shown, dict):
            learned = _keep(session, id_, event.get("credential_type"), shown) or learned
    return learned


def since(session: Session, after: int) -> Json:
    """What was learned after a version: rows oldest first, and the version that they reach.

    `value` is when the newest code of a phone was signed (Unix seconds), or how often a pass was used.
    """
    statement = select(Spent).where(Spent.version > after).order_by(Spent.version).limit(PAGE_ROWS)
    rows = session.scalars(statement).all()
    told = [{"id": row.id, "value": row.value, "until": row.until} for row in rows]
    return {"version": rows[-1].version if rows else after, "rows": told}


def sweep(session: Session, now: int) -> None:
    """Forget codes that no door takes any more."""
    session.execute(delete(table_of(Spent)).where(Spent.until < now))


def _keep(session: Session, id_: str, type_: str, shown: Json) -> bool:
    row = session.get(Spent, id_)
    known = row.value if row else 0
    if type_ == CredentialType.LIVE and _is_time(shown.get("iat")):
        value, until = shown["iat"], shown["iat"] + KEPT_S
    elif type_ == CredentialType.PASS and _is_time(shown.get("exp")):
        value, until = known + 1, shown["exp"]
    else:
        return False
    if value <= known:
        return False
    session.merge(Spent(id=id_, value=value, until=until, version=take(session, "spent", 1)))
    session.flush()
    return True


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value <= LATEST

"""One record at a time: PUT and DELETE by central's own id, guarded by ETags."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from mgmt_api.database import Database
from mgmt_api.keys import Keys
from mgmt_api.office import store
from mgmt_api.office.position import confirm
from mgmt_api.office.reading import BadRecord, read_body
from mgmt_api.office.references import require_whole
from mgmt_api.office.rows import Row, to_row
from mgmt_api.office.store import Tally
from mgmt_api.office.ways import derive
from mgmt_api.office.wire import Kind
from mgmt_api.problems import Problem


def checked(kind: Kind, id_: str, raw: bytes, keys: Keys, now: int) -> Row:
    """The row of a PUT's body. Raises `Problem`."""
    try:
        return to_row(kind, id_, read_body(kind, raw), keys, now)
    except BadRecord as error:
        type_ = "malformed" if error.fault.code == "malformed" else "validation"
        raise Problem(type_, error.fault.detail, errors=[error.fault]) from error


def put(session: Session, database: Database, kind: Kind, row: Row, headers: Mapping[str, str], now: int) -> Tally:
    """Write one record. Raises `Problem`: precondition-failed or validation."""
    kept = store.digests(session, kind, [row["id"]]).get(row["id"])
    _require_match(kept, headers)
    since = store.table_version(session)
    tally = store.put(session, database, kind, [row])
    require_whole(session, since, set(), {(kind, row["id"]): ""})
    derive(session, database, {kind: [row["id"]]})
    confirm(session, now)
    return tally


def delete(session: Session, database: Database, kind: Kind, id_: str, headers: Mapping[str, str], now: int) -> bool:
    """Delete one record; whether it was there. Raises `Problem`: precondition-failed or in-use."""
    _require_match(store.digests(session, kind, [id_]).get(id_), headers)
    since = store.table_version(session)
    gone = store.remove(session, kind, [id_], now)
    try:
        require_whole(session, since, {kind}, {})
    except Problem as problem:
        raise Problem("in-use", errors=problem.errors) from problem
    derive(session, database, {kind: [id_]})
    confirm(session, now)
    return bool(gone)


def etag(digest: bytes) -> str:
    """A strong ETag."""
    return f'"{digest.hex()}"'


def _require_match(kept: bytes | None, headers: Mapping[str, str]) -> None:
    wanted, unwanted = headers.get("if-match"), headers.get("if-none-match")
    if wanted is not None and (kept is None or not _names(wanted, kept)):
        raise Problem("precondition-failed")
    if unwanted is not None and kept is not None and _names(unwanted, kept):
        raise Problem("precondition-failed")


def _names(header: str, digest: bytes) -> bool:
    return header.strip() == "*" or etag(digest) in (part.strip() for part in header.split(","))

"""Credentials stopped on site: lost, stolen, damaged or suspended by whoever is at the desk, until he restores them.

What central says is kept beside it: a hold is lifted here, and then central's own state is in force again.
"""

from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mgmt_api.office import store
from mgmt_api.problems import Problem
from mgmt_api.tables.office import Credential, Hold

State = Literal["suspended", "lost", "stolen", "damaged"]


def stop(session: Session, credential: str, state: State, reason: str, by: str, now: int) -> None:
    """Stop a credential at every door. Raises `Problem` not-found."""
    _require(session, credential)
    session.execute(delete(Hold).where(Hold.credential == credential))
    session.add(Hold(credential=credential, state=state, reason=reason, by=by, at=now))
    session.flush()
    store.touch(session, [credential])


def restore(session: Session, credential: str) -> str:
    """Let central's state hold again; the state that was lifted. Raises `Problem` not-found."""
    _require(session, credential)
    found = session.get(Hold, credential)
    if found is None:
        raise Problem("not-found", "This credential was not stopped here; what central stopped, central restores.")
    state = found.state
    session.delete(found)
    session.flush()
    store.touch(session, [credential])
    return state


def _require(session: Session, credential: str) -> None:
    if session.scalars(select(Credential.id).where(Credential.id == credential)).first() is None:
        raise Problem("not-found", f"There is no credential {credential!r}.")

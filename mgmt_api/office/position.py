"""Where central stands (epoch, seq), and what it has confirmed."""

import json
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gateway.access.model import HolderClass
from mgmt_api.office.store import touch
from mgmt_api.problems import Problem
from mgmt_api.tables.office import Credential, Resident
from mgmt_api.tables.sync import SyncState

Epoch = int | str | None
DAY_S = 86_400
# A quarter of each class's lease: a row is sent again so often that the lease never ends while central is there.
RENEW_AFTER_S = {
    HolderClass.RESIDENT: 7 * DAY_S,
    HolderClass.STAFF: 42 * 3600,
    HolderClass.VISITOR: 6 * 3600,
    HolderClass.EMERGENCY: 30 * DAY_S,
}


@dataclass(frozen=True, slots=True)
class Position:
    """Central's own numbering; before first contact (None, 0)."""

    epoch: Epoch
    seq: int
    confirmed_at: int

    def as_json(self) -> dict[str, Epoch]:
        """For answers."""
        return {"epoch": self.epoch, "seq": self.seq}


def position(session: Session) -> Position:
    """Where this site stands."""
    state = session.execute(select(SyncState.epoch, SyncState.seq, SyncState.confirmed_at)).one()
    return Position(json.loads(state.epoch), state.seq, state.confirmed_at)


def move(session: Session, epoch: Epoch, seq: int, now: int) -> None:
    """Stand at (epoch, seq) from now on."""
    session.execute(update(SyncState).values(epoch=json.dumps(epoch), seq=seq, confirmed_at=now))


def confirm(session: Session, now: int) -> None:
    """Central was here and stands by what it sent."""
    session.execute(update(SyncState).values(confirmed_at=now))


def heartbeat(session: Session, epoch: Epoch, seq: int, now: int) -> Position:
    """Central stands by all up to (epoch, seq) and has nothing new. Raises `Problem` base-mismatch if it is elsewhere.

    Without a word from central for long, leases end: visitors' first, then staff's, residents' last.
    """
    stand = position(session)
    if (stand.epoch, stand.seq) != (epoch, seq):
        raise Problem("base-mismatch", current=stand.as_json())
    confirm(session, now)
    return stand


def renew(session: Session, most_rows: int = 500) -> int:
    """Hand on central's confirmation to credentials whose lease runs down, oldest first; how many."""
    confirmed_at = position(session).confirmed_at
    done = 0
    for class_, after_s in RENEW_AFTER_S.items():
        due = (
            select(Credential.id)
            .join(Resident, Resident.id == Credential.resident)
            .where(Resident.holder_class == class_.value, Credential.refreshed_at < confirmed_at - after_s)
            .order_by(Credential.refreshed_at)
            .limit(most_rows - done)
        )
        ids = session.scalars(due).all()
        touch(session, ids, refreshed_at=confirmed_at)
        done += len(ids)
    return done

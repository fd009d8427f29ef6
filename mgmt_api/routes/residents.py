"""Residents as far as the console may see them, and what the desk may do about their credentials."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, StringConstraints

from mgmt_api import audit, holds, residents
from mgmt_api.access import API, PLAIN, CallerOf, GuardedRoute, PlaneOf
from mgmt_api.office.wire_base import ID_PATTERN

router = APIRouter(prefix=API, route_class=GuardedRoute, tags=["people"])
RecordId = Annotated[str, Path(pattern=ID_PATTERN)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=PLAIN)]


class Why(BaseModel):
    """Why something is done that the audit keeps."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason


class Stop(Why):
    """POST /credentials/{id}/stop."""

    state: holds.State = "suspended"


@router.get("/residents")
def list_residents(
    plane: PlaneOf,
    query: Annotated[str, Query(max_length=64, pattern=PLAIN)] = "",
    after: Annotated[str | None, Query(pattern=ID_PATTERN)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = residents.MOST,
) -> list[dict[str, Any]]:
    """Residents by part of the name, start of the unit, a plate, or the whole phone or ID number; numbers masked.

    `after`: the id of the last resident of the page before.
    """
    with plane.database.read() as session:
        return residents.search(session, plane.keys, query.strip(), limit, after)


@router.get("/residents/{id}")
def resident(id: RecordId, plane: PlaneOf) -> dict[str, Any]:
    """A resident with homes, credentials and their states."""
    with plane.database.read() as session:
        return residents.one(session, plane.keys, id)


@router.post("/residents/{id}/reveal")
def reveal(id: RecordId, body: Why, plane: PlaneOf, caller: CallerOf) -> dict[str, Any]:
    """Phone and ID number in full; who asked and why stands in the audit before he sees them."""
    with plane.database.write() as session:
        found = residents.reveal(session, plane.keys, id)
        audit.append(session, plane.keys, plane.clock(), caller.who, "resident.reveal", id, reason=body.reason)
    return found


@router.post("/credentials/{id}/stop", status_code=204)
def stop(id: RecordId, body: Stop, plane: PlaneOf, caller: CallerOf) -> None:
    """Stop a credential at every door, whatever central says of it."""
    with plane.database.write() as session:
        holds.stop(session, id, body.state, body.reason, caller.name, plane.now())
        told = {"state": body.state, "reason": body.reason}
        audit.append(session, plane.keys, plane.clock(), caller.who, "credential.stop", id, **told)
    plane.hub.publish("table")


@router.post("/credentials/{id}/restore", status_code=204)
def restore(id: RecordId, body: Why, plane: PlaneOf, caller: CallerOf) -> None:
    """Lift what was stopped here; central's own state is in force again."""
    with plane.database.write() as session:
        was = holds.restore(session, id)
        audit.append(
            session, plane.keys, plane.clock(), caller.who, "credential.restore", id, was=was, reason=body.reason
        )
    plane.hub.publish("table")

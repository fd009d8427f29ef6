"""The console's users, and who did what."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.concurrency import run_in_threadpool

from mgmt_api import audit, people
from mgmt_api.access import API, PLAIN, CallerOf, GuardedRoute, PlaneOf
from mgmt_api.moments import iso
from mgmt_api.passwords import MAX_LENGTH, require_strong
from mgmt_api.plane import Plane

router = APIRouter(prefix=API, route_class=GuardedRoute, tags=["people"])
Before = Annotated[int | None, Query(ge=1, lt=1 << 53)]
UserName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,47}$")]


class NewUser(BaseModel):
    """POST /users. The password is for the first sign-in alone."""

    model_config = ConfigDict(extra="forbid")
    username: UserName
    role: people.Role
    password: Annotated[str, StringConstraints(max_length=MAX_LENGTH)]


@router.get("/users")
def list_users(plane: PlaneOf) -> list[dict[str, Any]]:
    """The console's users."""
    with plane.database.read() as session:
        return people.listed(session)


@router.post("/users", status_code=201)
async def add_user(body: NewUser, plane: PlaneOf, caller: CallerOf) -> dict[str, Any]:
    """Add a user, who must choose another password at the first sign-in."""
    require_strong(body.password, body.username)
    encoded = await plane.passwords.hash(body.password)
    return await run_in_threadpool(_add, plane, caller.who, body, encoded)


@router.delete("/users/{name}", status_code=204)
def remove_user(name: Annotated[str, Path(max_length=64, pattern=PLAIN)], plane: PlaneOf, caller: CallerOf) -> None:
    """Delete a user and end his sessions."""
    with plane.database.write() as session:
        people.remove(session, name, by=caller.name)
        audit.append(session, plane.keys, plane.clock(), caller.who, "user.delete", name)
    plane.hub.publish("session")


@router.get("/audit")
def read_audit(
    plane: PlaneOf, before: Before = None, limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> dict[str, Any]:
    """Who did what, newest first."""
    with plane.database.read() as session:
        rows = audit.page(session, before, limit)
    entries = [row | {"at": iso(row["at"])} for row in rows]
    return {"entries": entries, "next": entries[-1]["id"] if entries else None}


@router.get("/audit/proof")
def prove_audit(plane: PlaneOf) -> dict[str, Any]:
    """Whether each row is as it was written: walks the whole chain. `fault` is the first that was changed or lost."""
    with plane.database.read() as session:
        fault = audit.first_fault(session, plane.keys)
    return {"whole": fault is None, "fault": fault}


def _add(plane: Plane, who: tuple[str, str], body: NewUser, encoded: str) -> dict[str, Any]:
    with plane.database.write() as session:
        user = people.add(session, body.username, body.role, encoded, plane.now())
        audit.append(session, plane.keys, plane.clock(), who, "user.create", body.username, role=body.role)
        return people.shape(user)

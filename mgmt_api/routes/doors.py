"""Doors, and opening them."""

import hashlib
import json
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path
from pydantic import BaseModel, ConfigDict, StringConstraints

from mgmt_api import audit, commands, doors
from mgmt_api.access import API, PLAIN, CallerOf, GuardedRoute, PlaneOf
from mgmt_api.moments import iso
from mgmt_api.office.batches import given_answer, keep_answer
from mgmt_api.problems import Problem

router = APIRouter(prefix=API, route_class=GuardedRoute, tags=["console"])
DoorName = Annotated[str, Path(min_length=1, max_length=64, pattern=PLAIN)]
CommandId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=128, pattern=PLAIN)]


class Unlock(BaseModel):
    """Why the door is opened by hand."""

    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=PLAIN)]


@router.get("/doors")
def list_doors(plane: PlaneOf) -> list[dict[str, Any]]:
    """All doors as their gateways see them."""
    with plane.database.read() as session:
        return doors.listed(session, plane.presence, plane.cameras_of_doors, plane.clock())


@router.post("/doors/{name}/unlock", status_code=202)
def unlock(
    name: DoorName, body: Unlock, plane: PlaneOf, caller: CallerOf, idempotency_key: IdempotencyKey = None
) -> dict[str, str]:
    """Order a door to be opened once; asked again with the same key, it is the same order."""
    if idempotency_key is None:
        raise Problem("idempotency-key-required")
    request = hashlib.sha256(f"{name}\n{body.reason}".encode()).digest()
    with plane.database.write() as session:
        if (given := given_answer(session, f"user:{caller.name}", idempotency_key, request)) is not None:
            kept: dict[str, str] = json.loads(given)
            return kept
        gateway, now = doors.gateway_of(session, name), plane.clock()
        ttl_s = plane.estate.command_ttl_s
        command = commands.order(session, gateway, name, caller.name, body.reason, now=now, ttl_s=ttl_s)
        answer = {"command_id": command.id, "expires_at": iso(command.expires_at)}
        keep_answer(session, f"user:{caller.name}", idempotency_key, request, json.dumps(answer), plane.now())
        audit.append(session, plane.keys, now, caller.who, "door.unlock", name, reason=body.reason, command=command.id)
    plane.hub.publish(f"dispatch:{gateway}", f"command:{answer['command_id']}")
    return answer


@router.get("/commands/{id}")
def command(id: CommandId, plane: PlaneOf) -> dict[str, Any]:
    """What became of an order."""
    with plane.database.read() as session:
        return commands.one(session, id)

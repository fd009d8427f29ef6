"""Doors, and what is ordered of them."""

import hashlib
import json
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path
from pydantic import BaseModel, ConfigDict, StringConstraints

from mgmt_api import audit, commands, doors, orders
from mgmt_api.access import API, PLAIN, Caller, CallerOf, GuardedRoute, PlaneOf
from mgmt_api.moments import iso
from mgmt_api.office.batches import given_answer, keep_answer
from mgmt_api.plane import Plane
from mgmt_api.problems import Problem

router = APIRouter(prefix=API, route_class=GuardedRoute, tags=["console"])
DoorName = Annotated[str, Path(min_length=1, max_length=64, pattern=PLAIN)]
CommandId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
GivenAt = Annotated[
    float | None,
    Header(
        ge=0,
        allow_inf_nan=False,
        description="When it was ordered by this plane's clock, Unix seconds: refused once its time is over",
    ),
]
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
    name: DoorName,
    body: Unlock,
    plane: PlaneOf,
    caller: CallerOf,
    idempotency_key: IdempotencyKey = None,
    given_at: GivenAt = None,
) -> dict[str, str]:
    """Order a door to be opened once; asked again with the same key, it is the same order."""
    order = orders.Order(action="unlock", reason=body.reason, door=name)
    given = _give(plane, caller, order, idempotency_key, f"{name}\n{body.reason}", given_at)
    [command] = given["commands"]
    return {"command_id": command["command_id"], "expires_at": given["expires_at"]}


@router.post("/orders", status_code=202)
def give(
    body: orders.Order,
    plane: PlaneOf,
    caller: CallerOf,
    idempotency_key: IdempotencyKey = None,
    given_at: GivenAt = None,
) -> dict[str, Any]:
    """Order something of doors, each gateway once; asked again with the same key, it is the same order."""
    return _give(plane, caller, body, idempotency_key, body.model_dump_json(), given_at)


def _give(
    plane: Plane, caller: Caller, order: orders.Order, key: str | None, said: str, given_at: float | None
) -> dict[str, Any]:
    if key is None:
        raise Problem("idempotency-key-required")
    action, request = orders.check(order, caller), hashlib.sha256(said.encode()).digest()
    with plane.database.write() as session:
        if (given := given_answer(session, f"user:{caller.name}", key, request)) is not None:
            kept: dict[str, Any] = json.loads(given)
            return kept
        if given_at is not None and plane.clock() - given_at > plane.estate.command_ttl_s:
            raise Problem("too-late")  # a network that was away brought it only now
        now, ttl_s, more = plane.clock(), plane.estate.command_ttl_s, orders.arguments(order)
        made = [
            commands.order(
                session, gateway, order.door, caller.name, order.reason,
                now=now, ttl_s=ttl_s, action=order.action, arguments=more,
            )
            for gateway in action.gateways(session, order)
        ]  # fmt: skip
        answer = {
            "commands": [{"gateway": each.gateway, "command_id": each.id} for each in made],
            "expires_at": iso(now + ttl_s),
        }
        keep_answer(session, f"user:{caller.name}", key, request, json.dumps(answer), plane.now())
        told = {"reason": order.reason, **more, "command": ",".join(each.id for each in made)}
        audit.append(session, plane.keys, now, caller.who, f"door.{order.action}", order.target, **told)
        topics = [topic for each in made for topic in (f"dispatch:{each.gateway}", f"command:{each.id}")]
    plane.hub.publish(*topics)
    return answer


@router.get("/commands/{id}")
def command(id: CommandId, plane: PlaneOf) -> dict[str, Any]:
    """What became of an order."""
    with plane.database.read() as session:
        return commands.one(session, id)

"""The keys that sign visitor passes: listed, registered, retired."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from mgmt_api import audit, issuers
from mgmt_api.access import API, CallerOf, GuardedRoute, PlaneOf

router = APIRouter(prefix=f"{API}/issuers", route_class=GuardedRoute, tags=["passes"])
Kid = Annotated[int, Path(ge=0, le=15)]


class PublicKey(BaseModel):
    """PUT /issuers/{kid}: a point of P-256, compressed, in hex."""

    model_config = ConfigDict(extra="forbid")
    public_key: Annotated[str, StringConstraints(pattern=r"^0[23][0-9a-fA-F]{64}$")]


@router.get("")
def listed(plane: PlaneOf) -> dict[str, Any]:
    """All keys, with the end of the last pass that the plane signed with each: from then on none is lost with it."""
    with plane.database.read() as session:
        return {"issuers": issuers.listed(session, plane.estate.issuer_key)}


@router.put("/{kid}")
def register(kid: Kid, body: PublicKey, response: Response, plane: PlaneOf, caller: CallerOf) -> dict[str, int]:
    """Let doors take passes that this key signs under this number."""
    with plane.database.write() as session:
        if issuers.register(session, kid, bytes.fromhex(body.public_key)):
            response.status_code = 201
            audit.append(session, plane.keys, plane.clock(), caller.who, "issuer.register", str(kid))
    plane.hub.publish("table")
    return {"kid": kid}


@router.delete("/{kid}", status_code=204)
def retire(kid: Kid, plane: PlaneOf, caller: CallerOf) -> None:
    """No door takes a pass under this number any more; that it is gone already is no error."""
    with plane.database.write() as session:
        if issuers.retire(session, kid, plane.estate.issuer_key, plane.now()):
            audit.append(session, plane.keys, plane.clock(), caller.who, "issuer.retire", str(kid))
    plane.hub.publish("table")

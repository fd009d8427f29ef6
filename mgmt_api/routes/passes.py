"""Visitor passes: asked for by central or at the desk."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from mgmt_api import audit, passes
from mgmt_api.access import API, CallerOf, GuardedRoute, PlaneOf
from mgmt_api.office.wire_base import ID_PATTERN
from mgmt_api.problems import Fault, Problem
from mgmt_api.tables.office import VisitorPass

router = APIRouter(prefix=API, route_class=GuardedRoute, tags=["passes"])
RecordId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


class NewPass(BaseModel):
    """POST /passes. `valid_to` is exclusive; uses are counted at the doors.

    Without a profile the pass opens public zones and the way to the host.
    """

    model_config = ConfigDict(extra="forbid")
    profile: RecordId | None = None
    valid_from: AwareDatetime
    valid_to: AwareDatetime
    max_uses: Annotated[int, Field(ge=1, le=255)] = 1
    host: RecordId


@router.post("/passes", status_code=201)
def issue(body: NewPass, plane: PlaneOf, caller: CallerOf) -> dict[str, str]:
    """Sign a pass; `text` goes into the visitor's QR code and is not kept here."""
    wanted = VisitorPass(
        profile=body.profile or "",
        host=body.host,
        valid_from=_seconds("valid_from", body.valid_from),
        valid_to=_seconds("valid_to", body.valid_to),
        max_uses=body.max_uses,
        issued_at=plane.now(),
    )
    if wanted.valid_to <= wanted.valid_from:
        raise Problem("validation", errors=[Fault("/valid_to", "empty", "valid_to must be after valid_from")])
    with plane.database.write() as session:
        text = passes.issue(session, plane.estate.issuer_key, plane.estate.site_id, wanted)
        answer = {"id": wanted.id, "text": text}
        audit.append(session, plane.keys, plane.clock(), caller.who, "pass.issue", wanted.id, host=body.host)
    return answer


@router.delete("/passes/{pass_id}", status_code=204)
def call_back(pass_id: Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")], plane: PlaneOf, caller: CallerOf) -> None:
    """Call a pass back, also one that a registered key signed elsewhere: doors refuse it as soon as they hear of it."""
    with plane.database.write() as session:
        passes.call_back(session, plane.estate.issuer_key, pass_id)
        audit.append(session, plane.keys, plane.clock(), caller.who, "pass.call-back", pass_id)
    plane.hub.publish("table")


def _seconds(field: str, moment: datetime) -> int:
    seconds = int(moment.timestamp())
    if not 0 <= seconds <= passes.LATEST:
        raise Problem("validation", errors=[Fault(f"/{field}", "out-of-range", "a pass counts seconds in 32 bits")])
    return seconds

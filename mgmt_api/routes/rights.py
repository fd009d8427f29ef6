"""Why, who and where: the rights in force at the doors, as the gateways themselves tell them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import PlainTextResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from mgmt_api import audit, doors, events, questions, residents, spent
from mgmt_api.access import API, PLAIN, CallerOf, GuardedRoute, PlaneOf
from mgmt_api.moments import LATEST
from mgmt_api.office.wire_base import ID_PATTERN
from mgmt_api.plane import Plane
from mgmt_api.problems import Fault, Problem
from mgmt_api.rights_csv import rights_csv

router = APIRouter(prefix=API, route_class=GuardedRoute, tags=["rights"])
DoorName = Annotated[str, Path(min_length=1, max_length=64, pattern=PLAIN)]
RecordId = Annotated[str, Path(pattern=ID_PATTERN)]
At = Annotated[AwareDatetime | None, Query(description="a moment, past or to come; without it now")]
Form = Annotated[Literal["json", "csv"], Query(alias="format")]
Json = dict[str, Any]
DAY_S = 86_400  # wherever the site is, its calendar has the moment


class Why(BaseModel):
    """POST /doors/{name}/explain. `what_if`: rows as the table's pages have them, by kind and id; null removes one."""

    model_config = ConfigDict(extra="forbid")
    credential: Annotated[str, Field(pattern=ID_PATTERN)]
    at: AwareDatetime | None = None
    pin: bool = True
    what_if: dict[str, dict[str, dict[str, Any] | None]] | None = None


@router.post("/doors/{name}/explain")
async def explain(name: DoorName, body: Why, plane: PlaneOf) -> Json:
    """Whether this credential opens this door, and why, step by step: now, at another time, or after a change."""
    gateway = await run_in_threadpool(_gateway_of, plane, name)
    asked = {"door": name, "credential": body.credential, "pin": body.pin, "what_if": body.what_if}
    at = _moment(body.at, "/at")
    used = None if at else await run_in_threadpool(_used, plane, body.credential)
    return await questions.ask(plane, gateway, {"ask": "explain", "at": at, "used": used, **asked})


@router.get("/events/{cursor}/explanation")
async def explain_event(cursor: Annotated[int, Path(ge=1, lt=1 << 53)], plane: PlaneOf) -> Json:
    """Why an event was a grant or a refusal: by the table and the passage state of that moment."""
    event = await run_in_threadpool(_event, plane, cursor)
    return await questions.ask(plane, event.gateway, {"ask": "explain", "event": event.seq})


@router.get("/doors/{name}/who-can", response_model=None)
async def who_can(name: DoorName, plane: PlaneOf, caller: CallerOf, at: At = None, form: Form = "json") -> Any:
    """Everybody whom this door lets pass at a time."""
    gateway = await run_in_threadpool(_gateway_of, plane, name)
    moment = _moment(at, "/query/at")
    said = await questions.ask(plane, gateway, {"ask": "who-can", "door": name, "at": moment})
    return await run_in_threadpool(_told, plane, caller.who, "rights.who-can", name, [said], form)


@router.get("/residents/{id}/where-can", response_model=None)
async def where_can(id: RecordId, plane: PlaneOf, caller: CallerOf, at: At = None, form: Form = "json") -> Any:
    """Every door that lets this resident pass at a time, over all gateways."""
    moment = _moment(at, "/query/at")
    question = {"ask": "where-can", "resident": id, "at": moment}
    said = [await questions.ask(plane, gateway, question) for gateway in await run_in_threadpool(_gateways, plane, id)]
    return await run_in_threadpool(_told, plane, caller.who, "rights.where-can", id, said, form)


def _moment(at: datetime | None, pointer: str) -> float | None:
    """The moment in question, Unix seconds; None: now by each door's clock. Raises `Problem` validation."""
    if at is not None and not 0 <= at.timestamp() <= LATEST - DAY_S:
        raise Problem("validation", errors=[Fault(pointer, "out-of-range", "a time from 1970 to the end of 9999")])
    return at.timestamp() if at else None


def _used(plane: Plane, credential: str) -> int | None:
    with plane.database.read() as session:
        return spent.uses(session, credential)


def _gateway_of(plane: Plane, door: str) -> str:
    with plane.database.read() as session:
        return doors.gateway_of(session, door)


def _event(plane: Plane, cursor: int) -> Any:
    with plane.database.read() as session:
        return events.one(session, cursor)


def _gateways(plane: Plane, resident: str) -> list[str]:
    with plane.database.read() as session:
        residents.require(session, resident)
        return doors.gateways(session)


def _told(plane: Plane, who: tuple[str, str], action: str, target: str, said: list[Json], form: str) -> Any:
    """The rights with their holders' names; whoever took a list away is noted."""
    rights = [right for each in said for right in each["rights"]]
    with plane.database.read() as session:
        people = residents.names(session, {right["resident"] for right in rights})
    rights = [right | people.get(right["resident"], {"name": "", "unit": ""}) for right in rights]
    with plane.database.write() as session:
        audit.append(session, plane.keys, plane.clock(), who, action, target, count=len(rights), form=form)
    if form == "csv":
        headers = {"Content-Disposition": f'attachment; filename="{action.rpartition(".")[2]}.csv"'}
        return PlainTextResponse(rights_csv(rights), headers=headers, media_type="text/csv; charset=utf-8")
    stood = [{name: each[name] for name in ("gateway", "at", "table_version")} for each in said]
    return {"stood": stood, "rights": rights}

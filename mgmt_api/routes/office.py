"""Central's records, one at a time."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from mgmt_api.access import API, GuardedRoute, PlaneOf
from mgmt_api.bodies import documented, read_json
from mgmt_api.office import singles
from mgmt_api.office.store import table_version
from mgmt_api.office.wire import BODIES, KINDS, Kind
from mgmt_api.office.wire_base import ID_PATTERN
from mgmt_api.plane import Plane

router = APIRouter(prefix=API, route_class=GuardedRoute, tags=["central"])
RecordId = Annotated[str, Path(pattern=ID_PATTERN)]


def _put_route(kind: Kind) -> Callable[..., Any]:
    async def put(id: RecordId, request: Request, response: Response, plane: PlaneOf) -> dict[str, Any]:
        raw = await read_json(request)
        created, tag, answer = await run_in_threadpool(_put, plane, kind, id, raw, dict(request.headers))
        response.status_code = 201 if created else 200
        response.headers["ETag"] = tag
        return answer

    put.__doc__ = f"Create or replace one of the {kind}; `version` is the table's."
    return put


def _delete_route(kind: Kind) -> Callable[..., Any]:
    async def delete(id: RecordId, request: Request, plane: PlaneOf) -> dict[str, Any]:
        return await run_in_threadpool(_delete, plane, kind, id, dict(request.headers))

    delete.__doc__ = f"Delete one of the {kind}; that it is gone already is no error."
    return delete


for _kind in KINDS:
    router.put(f"/{_kind}/{{id}}", openapi_extra=documented(BODIES[_kind]), name=f"put_{_kind}")(_put_route(_kind))
    router.delete(f"/{_kind}/{{id}}", name=f"delete_{_kind}")(_delete_route(_kind))


def _put(plane: Plane, kind: Kind, id_: str, raw: bytes, headers: dict[str, str]) -> tuple[bool, str, dict[str, Any]]:
    row = singles.checked(kind, id_, raw, plane.keys, plane.now())
    with plane.database.write() as session:
        tally = singles.put(session, plane.database, kind, row, headers, plane.now())
        version = table_version(session)
    if tally.added or tally.changed:
        plane.hub.publish("table")
    return bool(tally.added), singles.etag(row["digest"]), {"id": id_, "version": version}


def _delete(plane: Plane, kind: Kind, id_: str, headers: dict[str, str]) -> dict[str, Any]:
    with plane.database.write() as session:
        gone = singles.delete(session, plane.database, kind, id_, headers, plane.now())
        version = table_version(session)
    if gone:
        plane.hub.publish("table")
    return {"id": id_, "version": version}

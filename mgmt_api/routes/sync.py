"""Central's records, many at a time: batches of changes and whole snapshots."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from mgmt_api import audit
from mgmt_api.access import API, PLAIN, CallerOf, GuardedRoute, PlaneOf
from mgmt_api.bodies import documented, read_json, read_plain
from mgmt_api.moments import iso
from mgmt_api.office import batches, parts, snapshots
from mgmt_api.office.position import heartbeat as heartbeat_of
from mgmt_api.office.position import position
from mgmt_api.office.reading import read_document
from mgmt_api.office.store import table_version
from mgmt_api.office.wire import AnyLine, Batch, Position
from mgmt_api.plane import Plane

BATCH_BYTES = 8 << 20
PART_BYTES = 32 << 20  # as sent and as unpacked
router = APIRouter(prefix=f"{API}/sync", route_class=GuardedRoute, tags=["central"])
SnapshotId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=128, pattern=PLAIN)]


class Confirm(BaseModel):
    """The token of a mass-removal problem, when the removal is meant."""

    model_config = ConfigDict(extra="forbid")
    confirm: Annotated[str, StringConstraints(max_length=64)] | None = None


@router.get("/state")
def state(plane: PlaneOf) -> dict[str, Any]:
    """Where this site stands: central's (epoch, seq), when it confirmed that, the table's version, and how much."""
    with plane.database.read() as session:
        stand = position(session)
        told = {"version": table_version(session), "counts": snapshots.counts(session)}
        return stand.as_json() | {"confirmed_at": iso(stand.confirmed_at) if stand.confirmed_at else None} | told


@router.post("/heartbeat", openapi_extra=documented(Position))
async def heartbeat(request: Request, plane: PlaneOf) -> dict[str, Any]:
    """Confirm what was sent: leases go on. Without it, and without changes, visitors' lapse first."""
    asked = read_document(await read_json(request), Position)
    return await run_in_threadpool(_heartbeat, plane, asked)


@router.post("/changes", max_body_size=BATCH_BYTES, openapi_extra=documented(Batch))
async def changes(
    request: Request, plane: PlaneOf, caller: CallerOf, idempotency_key: IdempotencyKey = None
) -> dict[str, Any]:
    """Apply a batch, all or nothing."""
    raw = await read_json(request)
    return await run_in_threadpool(_apply, plane, caller.name, raw, idempotency_key)


@router.post("/snapshots", status_code=201, openapi_extra=documented(Position))
async def begin(request: Request, plane: PlaneOf) -> dict[str, str]:
    """Open a snapshot of central's whole state."""
    asked = read_document(await read_json(request), Position)
    return {"id": await run_in_threadpool(_begin, plane, asked)}


@router.put(
    "/snapshots/{snapshot}/parts/{part}",
    max_body_size=PART_BYTES,
    openapi_extra=documented(AnyLine, media="application/x-ndjson"),
)
async def stage(
    snapshot: SnapshotId, part: Annotated[int, Path(ge=0, le=1_000_000)], request: Request, plane: PlaneOf
) -> dict[str, int]:
    """Take a part as NDJSON; the same number sent again replaces it."""
    text = await read_plain(request, PART_BYTES)
    return {"part": part, "records": await run_in_threadpool(_stage, plane, snapshot, part, text)}


@router.get("/snapshots/{snapshot}/preview")
def preview(snapshot: SnapshotId, plane: PlaneOf) -> snapshots.Counts:
    """What the commit would add, change and remove."""
    with plane.database.read() as session:
        return snapshots.preview(session, snapshot)


@router.post("/snapshots/{snapshot}/commit")
def commit(snapshot: SnapshotId, plane: PlaneOf, caller: CallerOf, body: Confirm | None = None) -> dict[str, Any]:
    """Put the snapshot in place, all or nothing."""
    confirm = body.confirm if body else None
    with plane.database.write() as session:
        answer = snapshots.commit(session, plane.database, plane.keys, snapshot, confirm, plane.now())
        _note(plane, session, caller.who, "sync.snapshot", answer)
    plane.hub.publish("table")
    return answer


def _apply(plane: Plane, caller: str, raw: bytes, key: str | None) -> dict[str, Any]:
    checked = batches.check(raw, plane.keys, plane.now())
    with plane.database.write() as session:
        if key is not None and (given := batches.given_answer(session, caller, key, checked.request)) is not None:
            kept: dict[str, Any] = json.loads(given)
            return kept
        answer = batches.apply(session, plane.database, checked, plane.now())
        if key is not None:
            batches.keep_answer(session, caller, key, checked.request, json.dumps(answer), plane.now())
    plane.hub.publish("table")
    return answer


def _heartbeat(plane: Plane, asked: Position) -> dict[str, Any]:
    with plane.database.write() as session:
        return heartbeat_of(session, asked.epoch, asked.seq, plane.now()).as_json() | {"confirmed_at": iso(plane.now())}


def _begin(plane: Plane, asked: Position) -> str:
    with plane.database.write() as session:
        return snapshots.begin(session, asked, plane.now())


def _stage(plane: Plane, snapshot: str, part: int, text: bytes) -> int:
    read = parts.read_part(text, plane.keys, plane.now())
    with plane.database.write() as session:
        snapshots.stage(session, plane.database, snapshot, part, read)
    return read.count


def _note(plane: Plane, session: Session, who: tuple[str, str], action: str, answer: dict[str, Any]) -> None:
    audit.append(session, plane.keys, plane.clock(), who, action, str(answer["seq"]), **answer)

"""What gateways ask and tell."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Path, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from mgmt_api import card_numbers, commands, doors, events, questions, spent, whereabouts
from mgmt_api.access import API, GuardedRoute, PlaneOf
from mgmt_api.bodies import documented, read_json
from mgmt_api.office import feed
from mgmt_api.office.reading import read_document
from mgmt_api.office.store import table_version
from mgmt_api.plane import Plane
from mgmt_api.problems import Problem

log = structlog.get_logger()
KEEPALIVE_S = 10.0
EVENTS_BYTES = 8 << 20
ANSWER_BYTES = 32 << 20
router = APIRouter(prefix=API, route_class=GuardedRoute, tags=["gateway"])
Limit = Annotated[int, Query(ge=1, le=feed.PAGE_ROWS)]
Version = Annotated[int, Query(ge=0, lt=1 << 53)]
Form = Annotated[int, Query(ge=1, le=100, description="the highest form of pages that the gateway reads")]


@router.get("/gateways/{gateway}/table")
def table(
    gateway: str,
    plane: PlaneOf,
    after: Annotated[str | None, Query(max_length=400)] = None,
    limit: Limit = feed.PAGE_ROWS,
    form: Form = 1,
) -> dict[str, Any]:
    """A page of the permission table."""
    plane.presence.heard(gateway, plane.clock())
    with plane.database.read() as session:
        return feed.page(session, after, limit, form)


@router.get("/gateways/{gateway}/changes")
def changes(
    gateway: str, plane: PlaneOf, after: Version, limit: Limit = feed.PAGE_ROWS, form: Form = 1
) -> dict[str, Any]:
    """What changed after a version of the table."""
    plane.presence.heard(gateway, plane.clock())
    with plane.database.read() as session:
        return feed.changes(session, after, limit, form)


@router.get("/gateways/{gateway}/whereabouts")
def who_is_where(gateway: str, plane: PlaneOf, after: Version = 0) -> dict[str, Any]:
    """Who passed at any gateway of the site, after a version of this."""
    with plane.database.read() as session:
        return whereabouts.since(session, after)


@router.get("/gateways/{gateway}/spent")
def what_is_spent(gateway: str, plane: PlaneOf, after: Version = 0) -> dict[str, Any]:
    """Codes shown and passes used at any gateway of the site, after a version of this."""
    with plane.database.read() as session:
        return spent.since(session, after)


@router.get("/gateways/{gateway}/watch", response_class=EventSourceResponse)
async def watch(gateway: str, plane: PlaneOf) -> AsyncIterator[ServerSentEvent]:
    """The table's version whenever it rises, and commands as they are given. A newer watch ends an older one."""
    token = plane.presence.watch(gateway, plane.clock())
    plane.hub.publish("doors", f"watch:{gateway}")
    try:
        with plane.hub.listen("table", "whereabouts", f"dispatch:{gateway}", f"watch:{gateway}") as listener:
            yield await _version(plane)
            while not plane.hub.closing and plane.presence.watches(gateway, token):
                for command in await run_in_threadpool(_commands, plane, gateway):
                    yield ServerSentEvent(event="command", data=command)
                for question in await run_in_threadpool(_questions, plane, gateway):
                    yield ServerSentEvent(event="question", data=question)
                topics = await listener.wait(KEEPALIVE_S)
                if "table" in topics:
                    yield await _version(plane)
                if "whereabouts" in topics:
                    yield ServerSentEvent(event="whereabouts", data={})
                if not topics:
                    yield ServerSentEvent(event="here", data={})  # a comment would not reach whoever listens
    finally:
        plane.presence.unwatch(gateway, token, plane.clock())
        plane.hub.publish("doors")


@router.post("/gateways/{gateway}/events", max_body_size=EVENTS_BYTES, openapi_extra=documented(events.Upload))
async def upload(gateway: str, request: Request, plane: PlaneOf) -> dict[str, int]:
    """Take events; the answer is the highest sequence number that is stored without a gap."""
    raw = await read_json(request)
    return {"acked": await run_in_threadpool(_ingest, plane, gateway, raw)}


@router.put(
    "/gateways/{gateway}/inventory",
    status_code=204,
    max_body_size=EVENTS_BYTES,
    openapi_extra=documented(doors.Inventory),
)
async def inventory(gateway: str, request: Request, plane: PlaneOf) -> None:
    """Take the gateway's doors and devices as they are now."""
    raw = await read_json(request)
    await run_in_threadpool(_keep_inventory, plane, gateway, raw)


@router.post("/gateways/{gateway}/card-numbers", openapi_extra=documented(card_numbers.Asked))
async def numbers(gateway: str, request: Request, plane: PlaneOf) -> dict[str, Any]:
    """The sealed numbers of cards that a board's own list lacks; none where the site does not keep them."""
    raw = await read_json(request)
    return await run_in_threadpool(_numbers, plane, gateway, raw)


@router.post("/gateways/{gateway}/answers/{id}", status_code=204, max_body_size=ANSWER_BYTES)
async def answer(
    gateway: str, id: Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")], request: Request, plane: PlaneOf
) -> None:
    """Take the gateway's answer to a question about rights."""
    raw = await read_json(request)
    try:
        text = raw.decode()
        if not isinstance(json.loads(text), dict):
            raise ValueError("no object")
    except (ValueError, RecursionError) as error:
        raise Problem("malformed", f"The answer is no JSON object: {error}") from error
    await run_in_threadpool(_keep_answer, plane, gateway, id, text)


async def _version(plane: Plane) -> ServerSentEvent:
    def read() -> int:
        with plane.database.read() as session:
            return table_version(session)

    return ServerSentEvent(event="table", data={"version": await run_in_threadpool(read)})


def _commands(plane: Plane, gateway: str) -> list[dict[str, Any]]:
    with plane.database.read() as session:
        if not commands.waiting(session, gateway):
            return []
    with plane.database.write() as session:
        given = commands.hand_out(session, gateway, plane.clock())
    plane.hub.publish(*(f"command:{command['id']}" for command in given))
    return given


def _questions(plane: Plane, gateway: str) -> list[dict[str, Any]]:
    with plane.database.read() as session:
        if not questions.waiting(session, gateway):
            return []
    with plane.database.write() as session:
        return questions.hand_out(session, gateway)


def _keep_answer(plane: Plane, gateway: str, id_: str, text: str) -> None:
    with plane.database.write() as session:
        questions.keep_answer(session, gateway, id_, text)
    plane.hub.publish(f"answer:{id_}")


def _ingest(plane: Plane, gateway: str, raw: bytes) -> int:
    sent = read_document(raw, events.Upload)
    heads = events.read_heads(sent)
    with plane.database.write() as session:
        doors.know(session, gateway)
        found = events.ingest(session, gateway, sent, heads, plane.clock())
    plane.presence.heard(gateway, plane.clock())
    plane.hub.publish("events", *(f"command:{id_}" for id_ in found.ended), *(["whereabouts"] if found.moved else []))
    return found.acked


def _numbers(plane: Plane, gateway: str, raw: bytes) -> dict[str, Any]:
    asked = read_document(raw, card_numbers.Asked)
    with plane.database.read() as session:
        given = card_numbers.sealed(session, asked)
    log.info("card_numbers_given", gateway=gateway, asked=len(asked.keys), given=len(given["numbers"]))
    return given


def _keep_inventory(plane: Plane, gateway: str, raw: bytes) -> None:
    told = read_document(raw, doors.Inventory)
    was_online = plane.presence.online(gateway, plane.clock())
    with plane.database.write() as session:
        changed = doors.keep(session, plane.database, gateway, told, plane.now())
    plane.presence.heard(gateway, plane.clock())
    if changed or not was_online:
        plane.hub.publish("doors")

"""Three tasks a recorder: hear its alarms, hand it what was drawn here, tell it what happened at its doors."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx2
import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from mgmt_api import camera_alarms, drawings
from mgmt_api.camera_alarms import Page
from mgmt_api.marking import Marking
from mgmt_api.plane import Plane
from mgmt_api.problems import Problem
from mgmt_api.recorders import RecorderAddress

log = structlog.get_logger()
WAIT_S, RETRY_S = 20.0, 3.0
DRAWINGS_S = 5.0  # between two looks at what a recorder watches with
_page = msgspec.json.Decoder(Page)


async def follow(plane: Plane) -> None:
    """Run until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        for address in plane.recorders.addresses:
            tasks.create_task(_keep(_hear, plane, address))
            tasks.create_task(_keep(_hand, plane, address))
            tasks.create_task(_keep(Marking().tell, plane, address))


async def _keep(
    step: Callable[[Plane, RecorderAddress], Awaitable[None]], plane: Plane, address: RecorderAddress
) -> None:
    """Repeat a step; a recorder that is away, or speaks nonsense, is asked again later."""
    while True:
        try:
            await step(plane, address)
        except (Problem, httpx2.HTTPError, ValueError, SQLAlchemyError) as error:
            log.debug("recorder_not_followed", url=address.url, step=step.__name__, error=type(error).__name__)
            await asyncio.sleep(RETRY_S)


async def _hear(plane: Plane, address: RecorderAddress) -> None:
    """Take the changes after the last one known; when the log is another one, from its beginning."""
    name, changed = await run_in_threadpool(_position, plane, address)
    query = {"after": str(changed), "wait_s": str(WAIT_S)}
    answer = await plane.recorders.ask(address, "GET", "alarms", params=query, timeout_s=WAIT_S + 10)
    page = _page.decode(answer.content)
    if page.log != name and changed:
        page = _page.decode((await plane.recorders.ask(address, "GET", "alarms")).content)
    if page.alarms or page.log != name:
        await run_in_threadpool(_take, plane, address, page)
        plane.hub.publish("alarms")


async def _hand(plane: Plane, address: RecorderAddress) -> None:
    """Give a recorder each drawing that it does not have."""
    held = (await plane.recorders.ask(address, "GET", "drawings")).json()
    wanted = await run_in_threadpool(_revisions, plane)
    for camera in held.keys() & wanted.keys():
        if held[camera].get("revision") != wanted[camera]:
            drawing = await run_in_threadpool(_drawing, plane, camera)
            await plane.recorders.ask(address, "PUT", f"cameras/{camera}/drawing", content=drawing)
            log.info("drawing_handed_over", camera=camera, revision=wanted[camera])
    with plane.hub.listen("drawings") as listener:
        await listener.wait(DRAWINGS_S)


def _position(plane: Plane, address: RecorderAddress) -> tuple[str, int]:
    with plane.database.read() as session:
        return camera_alarms.position(session, address.url)


def _take(plane: Plane, address: RecorderAddress, page: Page) -> None:
    with plane.database.write() as session:
        camera_alarms.take(session, address.url, page)


def _revisions(plane: Plane) -> dict[str, int]:
    with plane.database.read() as session:
        return dict(drawings.revisions(session))


def _drawing(plane: Plane, camera: str) -> bytes:
    with plane.database.read() as session:
        kept = drawings.kept(session, camera)
    if kept is None:
        raise Problem("not-found", f"The drawing of {camera!r} is gone.")
    return kept.model_dump_json().encode()

"""The management plane put together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog
from fastapi import FastAPI

from mgmt_api import card_numbers, follow, issuers, keeper, people, problems
from mgmt_api.headers import SecurityHeaders
from mgmt_api.pass_keys import BadIssuerKey
from mgmt_api.plane import Plane
from mgmt_api.routes import cameras, doors, events, footage, gateway, live, office, rights, seeing, session, site, sync
from mgmt_api.routes import issuers as issuer_routes
from mgmt_api.routes import passes as pass_routes
from mgmt_api.routes import people as people_routes
from mgmt_api.routes import residents as resident_routes

log = structlog.get_logger()
BODY_BYTES = 1 << 20  # routes that take more say so themselves


def create_app(plane: Plane) -> FastAPI:
    """The application over `plane`, which it brings up (schema, first user, issuer key) and closes."""
    app = FastAPI(
        title="Menjin management API",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan(plane),
    )
    app.state.plane = plane
    problems.install(app)
    app.add_middleware(SecurityHeaders)
    for routes in (
        gateway,
        office,
        sync,
        pass_routes,
        issuer_routes,
        session,
        people_routes,
        resident_routes,
        doors,
        rights,
        events,
        cameras,
        footage,
        seeing,
        live,
        site,
    ):
        app.include_router(routes.router, max_body_size=BODY_BYTES)
    app.include_router(site.console)  # last: it answers every other path
    return app


def prepare(plane: Plane) -> None:
    """Schema, first user, issuer key. Raises `SchemaTooNew`."""
    plane.database.upgrade()
    people.ensure_somebody(plane)
    with plane.database.write() as opened:
        if missing := card_numbers.settle(opened, plane.estate.card_numbers):
            log.warning("card_numbers_missing", cards=missing, needed="a snapshot from central")
    if plane.estate.issuer_key is not None:
        try:
            with plane.database.write() as opened:
                issuers.install(opened, plane.estate.issuer_key)
        except BadIssuerKey as error:  # a number is given free here, and all but passes goes without one
            log.error("issuer_key_has_no_number", detail=str(error))


def _lifespan(plane: Plane) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(prepare, plane)
        plane.hub.attach(asyncio.get_running_loop())
        await plane.recorders.open()
        tasks = [asyncio.create_task(each(plane)) for each in (keeper.keep, follow.follow)]
        try:
            yield
        finally:
            plane.hub.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await plane.recorders.close()
            plane.close()

    return lifespan

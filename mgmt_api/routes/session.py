"""Signing in and out."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.concurrency import run_in_threadpool

from mgmt_api import audit, people, sessions
from mgmt_api.access import API, PLAIN, CallerOf, GuardedRoute, PlaneOf, cookie_name
from mgmt_api.passwords import MAX_LENGTH, require_strong
from mgmt_api.plane import Plane
from mgmt_api.problems import Problem
from mgmt_api.tables.people import User

router = APIRouter(prefix=API, route_class=GuardedRoute, tags=["session"])
Username = Annotated[str, StringConstraints(min_length=1, max_length=48, pattern=PLAIN)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LENGTH)]


class SignIn(BaseModel):
    """POST /session."""

    model_config = ConfigDict(extra="forbid")
    username: Username
    password: Password


class NewPassword(BaseModel):
    """POST /session/password."""

    model_config = ConfigDict(extra="forbid")
    old: Password
    new: Password


@router.post("/session")
async def sign_in(body: SignIn, request: Request, response: Response, plane: PlaneOf) -> dict[str, Any]:
    """Sign in; the cookie lasts as long as the browser is open and the session lives."""
    address = request.client.host if request.client else ""
    encoded = await run_in_threadpool(_encoded, plane, body.username, address)
    fits = await plane.passwords.verify(body.password, encoded)
    token, user = await run_in_threadpool(_begin, plane, body.username, address, fits)
    name = cookie_name(request)
    response.set_cookie(name, token, httponly=True, samesite="strict", secure=name.startswith("__Host-"), path="/")
    return {"user": user}


@router.get("/session")
def who_am_i(plane: PlaneOf, caller: CallerOf) -> dict[str, Any]:
    """The user of this session."""
    return {"user": {"username": caller.name, "role": caller.role, "must_change": caller.must_change}}


@router.delete("/session", status_code=204)
def sign_out(request: Request, response: Response, plane: PlaneOf, caller: CallerOf) -> None:
    """End this session."""
    with plane.database.write() as session:
        sessions.end(session, token=caller.session)
        audit.append(session, plane.keys, plane.clock(), caller.who, "session.end", caller.name)
    response.delete_cookie(cookie_name(request), path="/")


@router.post("/session/password", status_code=204)
async def change_password(body: NewPassword, request: Request, plane: PlaneOf, caller: CallerOf) -> None:
    """Choose a new password; the user's other sessions end."""
    address = request.client.host if request.client else ""
    encoded = await run_in_threadpool(_encoded, plane, caller.name, address)
    if not await plane.passwords.verify(body.old, encoded):
        await run_in_threadpool(_fail, plane, caller.name, address)
        raise Problem("bad-credentials")
    require_strong(body.new, caller.name)
    if body.new == body.old:
        raise Problem("weak-password", "The new password is the old one.")
    new = await plane.passwords.hash(body.new)
    await run_in_threadpool(_set_password, plane, caller.name, caller.session, new)


def _encoded(plane: Plane, user: str, address: str) -> str | None:
    with plane.database.read() as session:
        sessions.require_patience(session, user, address, plane.clock())
        found = session.get(User, user)
        return found.password if found else None


def _begin(plane: Plane, name: str, address: str, fits: bool) -> tuple[str, dict[str, Any]]:
    if not fits:
        _fail(plane, name, address)
        raise Problem("bad-credentials")
    with plane.database.write() as session:
        user = session.get(User, name)
        if user is None:
            raise Problem("bad-credentials")
        sessions.forgive(session, name)
        token = sessions.begin(session, name, user.role, plane.now())
        audit.append(session, plane.keys, plane.clock(), (name, user.role), "session.begin", name, address=address)
        return token, people.shape(user)


def _fail(plane: Plane, name: str, address: str) -> None:
    with plane.database.write() as session:
        count = sessions.note_failure(session, plane.database, name, address, plane.clock())
        if count in (sessions.FREE_TRIES, sessions.LOCK_TRIES):
            who = (name, "unknown")
            audit.append(
                session, plane.keys, plane.clock(), who, "session.failures", name, count=count, address=address
            )


def _set_password(plane: Plane, name: str, token: bytes, encoded: str) -> None:
    with plane.database.write() as session:
        user = session.get_one(User, name)
        was_first, user.password, user.must_change = user.must_change, encoded, False
        sessions.end(session, user=name, except_=token)
        audit.append(session, plane.keys, plane.clock(), (name, user.role), "user.password", name)
    if was_first and name == people.FIRST_USER:
        people.first_password_file(plane).unlink(missing_ok=True)

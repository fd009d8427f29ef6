"""The console's users: their passwords, roles and first sign-in."""

import secrets
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config.secret import write_secret
from mgmt_api import audit, sessions
from mgmt_api.plane import Plane
from mgmt_api.problems import Problem
from mgmt_api.tables.people import User

Role = Literal["admin", "guard", "auditor"]
FIRST_USER = "admin"


def first_password_file(plane: Plane) -> Path:
    """Where the first start leaves the one-time password."""
    return plane.estate.data_dir / "first-password"


def ensure_somebody(plane: Plane) -> None:
    """On the first start make `admin` with a random password, told by a file of mode 0600 alone."""
    with plane.database.write() as session:
        if session.execute(select(func.count()).select_from(User)).scalar_one():
            return
        password = secrets.token_urlsafe(12)
        write_secret(first_password_file(plane), password)
        add(session, FIRST_USER, "admin", plane.passwords.hash_now(password), plane.now())
        audit.append(session, plane.keys, plane.clock(), audit.SYSTEM, "user.create", FIRST_USER, role="admin")


def add(session: Session, name: str, role: str, encoded: str, now: int) -> User:
    """A new user, who must choose a password of his own. Raises `Problem` exists."""
    if session.get(User, name) is not None:
        raise Problem("exists", f"There is a user {name!r} already.")
    user = User(name=name, role=role, password=encoded, must_change=True, created_at=now)
    session.add(user)
    session.flush()
    return user


def remove(session: Session, name: str, by: str) -> None:
    """Delete a user and end his sessions. Raises `Problem`: not-found, or in-use for oneself and the last admin."""
    user = session.get(User, name)
    if user is None:
        raise Problem("not-found", f"There is no user {name!r}.")
    if name == by:
        raise Problem("in-use", "Nobody deletes himself.")
    sessions.end(session, user=name)
    session.delete(user)


def listed(session: Session) -> list[dict[str, Any]]:
    """All users, without their passwords."""
    return [shape(user) for user in session.scalars(select(User).order_by(User.name))]


def shape(user: User) -> dict[str, Any]:
    """A user on the wire."""
    return {"username": user.name, "role": user.role, "must_change": user.must_change}

"""Sign-ins, kept on the server: opaque token, stored hashed, ended by idleness and by age. And login throttling."""

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from mgmt_api.database import Database
from mgmt_api.problems import Problem
from mgmt_api.tables import table_of
from mgmt_api.tables.people import LoginFailure, LoginSession, User

MINUTE_S, HOUR_S = 60, 3600
IDLE_S = {"admin": 15 * MINUTE_S, "auditor": 15 * MINUTE_S, "guard": 30 * MINUTE_S}
AGE_S = {"admin": 8 * HOUR_S, "auditor": 8 * HOUR_S, "guard": 12 * HOUR_S}  # a guard's shift
SEEN_STEP_S = 60  # how often activity is written down
FREE_TRIES, LOCK_TRIES, LOCK_S = 5, 10, 15 * MINUTE_S
ADDRESS_FACTOR = 4  # several people sign in from one address


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A live session's user."""

    name: str
    role: str
    must_change: bool
    token: bytes  # hashed


def hashed(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def begin(session: Session, user: str, role: str, now: int) -> str:
    """A new session; its token, which nobody else knows."""
    token = secrets.token_urlsafe(32)
    ends_at = now + AGE_S[role]
    session.add(LoginSession(token=hashed(token), user=user, created_at=now, seen_at=now, ends_at=ends_at))
    return token


def find(database: Database, token: bytes, now: int, *, touch: bool = True) -> SignedIn | None:
    """The session's user while it lives; notes the activity unless `touch` is off."""
    statement = select(LoginSession, User).join(User, User.name == LoginSession.user).where(LoginSession.token == token)
    with database.read() as session:
        found = session.execute(statement).first()
        if found is None:
            return None
        kept, user = found
        if now >= kept.ends_at or now - kept.seen_at >= IDLE_S[user.role]:
            return None
        signed_in = SignedIn(user.name, user.role, user.must_change, token)
        stale = touch and now - kept.seen_at >= SEEN_STEP_S
    if stale:
        with database.write() as session:
            session.execute(update(LoginSession).where(LoginSession.token == token).values(seen_at=now))
    return signed_in


def end(session: Session, *, token: bytes | None = None, user: str | None = None, except_: bytes | None = None) -> None:
    """End one session, or all of a user's except one."""
    statement = delete(LoginSession)
    if token is not None:
        statement = statement.where(LoginSession.token == token)
    if user is not None:
        statement = statement.where(LoginSession.user == user)
    if except_ is not None:
        statement = statement.where(LoginSession.token != except_)
    session.execute(statement)


def sweep(session: Session, now: int) -> None:
    """Drop what has ended."""
    longest = max(IDLE_S.values())
    session.execute(delete(LoginSession).where((LoginSession.ends_at <= now) | (LoginSession.seen_at <= now - longest)))
    session.execute(delete(LoginFailure).where(LoginFailure.last_at <= now - LOCK_S))


def require_patience(session: Session, user: str, address: str, now: float) -> None:
    """After 5 failures wait 1, 2, 4 s and so on, after 10 a quarter of an hour. Raises `Problem` throttled."""
    wait_s = max(
        _wait_s(session, f"user:{user}", now, 1),
        _wait_s(session, f"address:{address}", now, ADDRESS_FACTOR),
    )
    if wait_s > 0:
        raise Problem("throttled", headers={"Retry-After": str(int(wait_s) + 1)}, retry_after_s=int(wait_s) + 1)


def note_failure(session: Session, database: Database, user: str, address: str, now: float) -> int:
    """Count a wrong password; how many the account has in a row now."""
    counts = []
    for subject in (f"address:{address}", f"user:{user}"):
        kept = session.get(LoginFailure, subject)
        count = kept.count + 1 if kept and now - kept.last_at < LOCK_S else 1
        statement = database.upsert(table_of(LoginFailure), ["subject"])
        session.execute(statement, {"subject": subject, "count": count, "last_at": now})
        counts.append(count)
    return counts[-1]


def forgive(session: Session, user: str) -> None:
    """Forget an account's failures: it signed in."""
    session.execute(delete(LoginFailure).where(LoginFailure.subject == f"user:{user}"))


def _wait_s(session: Session, subject: str, now: float, factor: int) -> float:
    kept = session.get(LoginFailure, subject)
    if kept is None or kept.count < FREE_TRIES * factor:
        return 0
    pause_s = LOCK_S if kept.count >= LOCK_TRIES * factor else min(60, 2 ** (kept.count - FREE_TRIES * factor))
    return max(0.0, kept.last_at + pause_s - now)

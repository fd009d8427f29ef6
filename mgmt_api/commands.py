"""An operator's orders to doors: queued for a gateway, handed out at most once, dead after their deadline."""

import json
import secrets
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mgmt_api.moments import iso
from mgmt_api.problems import Problem
from mgmt_api.tables.doors import Command

OUTCOMES = frozenset({"Done", "Refused", "Expired", "Unknown"})
SILENCE_S = 10.0  # how long past its deadline a sent command may stay without an answer
Json = dict[str, Any]


def order(
    session: Session,
    gateway: str,
    door: str,
    operator: str,
    reason: str,
    *,
    now: float,
    ttl_s: float,
    action: str = "unlock",
    arguments: Json | None = None,
) -> Command:
    """Queue an order."""
    made = Command(
        id=secrets.token_hex(16),
        gateway=gateway,
        door=door,
        action=action,
        arguments=json.dumps(arguments or {}),
        operator=operator,
        reason=reason,
        state="queued",
        issued_at=now,
        expires_at=now + ttl_s,
        ended_at=None,
    )
    session.add(made)
    session.flush()
    return made


def waiting(session: Session, gateway: str) -> bool:
    """Whether a command waits for the gateway."""
    statement = select(Command.id).where(Command.state == "queued", Command.gateway == gateway).limit(1)
    return session.execute(statement).first() is not None


def hand_out(session: Session, gateway: str, now: float) -> list[Json]:
    """The commands that wait for a gateway, from now on `sent`: they are never handed out again."""
    queued = select(Command).where(Command.state == "queued", Command.gateway == gateway, Command.expires_at > now)
    found = list(session.scalars(queued.order_by(Command.issued_at)))
    for command in found:
        command.state = "sent"
    fields = ("id", "action", "door", "operator", "reason", "issued_at", "expires_at")
    return [json.loads(command.arguments) | {name: getattr(command, name) for name in fields} for command in found]


def end(session: Session, id_: str, outcome: str, now: float) -> bool:
    """Note what became of a command; whether there is such a one."""
    if outcome not in OUTCOMES:
        return False
    statement = update(Command).where(Command.id == id_).values(state=outcome, ended_at=now).returning(Command.id)
    return session.execute(statement).first() is not None


def expire(session: Session, now: float) -> list[str]:
    """End what is overdue: unsent is Expired, sent without an answer is Unknown. The ids."""
    ended: list[str] = []
    for state, outcome, grace_s in (("queued", "Expired", 0.0), ("sent", "Unknown", SILENCE_S)):
        due = (Command.state == state) & (Command.expires_at <= now - grace_s)
        changed = update(Command).where(due).values(state=outcome, ended_at=now).returning(Command.id)
        ended += session.execute(changed).scalars()
    return ended


def one(session: Session, id_: str) -> Json:
    """A command, for the console. Raises `Problem` not-found."""
    found = session.get(Command, id_)
    if found is None:
        raise Problem("not-found", "There is no such command.")
    return {
        "id": found.id,
        "door": found.door,
        "action": found.action,
        "gateway": found.gateway,
        "state": found.state,
        "operator": found.operator,
        "reason": found.reason,
        "issued_at": iso(found.issued_at),
        "expires_at": iso(found.expires_at),
        "ended_at": iso(found.ended_at) if found.ended_at is not None else None,
    }

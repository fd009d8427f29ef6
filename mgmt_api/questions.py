"""Questions about rights, put to the gateways: they alone know what was in force at their doors, then and now."""

import json
import secrets
import time
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from mgmt_api.plane import Plane
from mgmt_api.problems import Fault, Problem
from mgmt_api.tables.doors import Question

THEIRS = frozenset(
    {"not-found", "no-history", "no-decision", "no-reader"}
)  # problems that whoever asked has, not the gateway
WAIT_S = 30.0
KEPT_S = 300.0
Json = dict[str, Any]


async def ask(plane: Plane, gateway: str, question: Json, wait_s: float = WAIT_S) -> Json:
    """The gateway's answer. Raises `Problem`: gateway-offline, no-answer, one of `THEIRS`, validation of a plan."""
    if not plane.presence.online(gateway, plane.clock()):
        raise Problem("gateway-offline", f"Gateway {gateway!r} is not connected.")
    until = time.monotonic() + wait_s
    id_ = secrets.token_hex(16)
    with plane.hub.listen(f"answer:{id_}") as listener:
        await run_in_threadpool(_put, plane, id_, gateway, question)
        plane.hub.publish(f"dispatch:{gateway}")
        while (said := await run_in_threadpool(_answer, plane, id_)) is None:
            left_s = until - time.monotonic()
            if left_s <= 0 or plane.hub.closing:
                raise Problem("no-answer", f"Gateway {gateway!r} did not answer within {wait_s:g} s.")
            await listener.wait(left_s)
    if "error" in said:
        raise _problem(str(said["error"]), said.get("type"))
    return {"gateway": gateway, **said}


def _problem(text: str, type_: Any) -> Problem:
    if type_ == "bad-plan":
        return Problem("validation", errors=[Fault("/what_if", "bad-plan", text)])
    return Problem(type_ if type_ in THEIRS else "no-answer", text)


def hand_out(session: Session, gateway: str) -> list[Json]:
    """The questions that wait for a gateway, each given once."""
    waiting = select(Question).where(Question.gateway == gateway, Question.given.is_(False))
    found = list(session.scalars(waiting.order_by(Question.asked_at)))
    for question in found:
        question.given = True
    return [{"id": question.id, "question": json.loads(question.body)} for question in found]


def waiting(session: Session, gateway: str) -> bool:
    """Whether a question waits for a gateway."""
    statement = select(Question.id).where(Question.gateway == gateway, Question.given.is_(False)).limit(1)
    return session.execute(statement).first() is not None


def keep_answer(session: Session, gateway: str, id_: str, answer: str) -> None:
    """Store an answer. Raises `Problem` not-found: nobody waits for it."""
    found = session.get(Question, id_)
    if found is None or found.gateway != gateway or found.answer:
        raise Problem("not-found", "Nobody waits for this answer.")
    found.answer = answer


def _put(plane: Plane, id_: str, gateway: str, question: Json) -> None:
    now = plane.clock()
    row = Question(id=id_, gateway=gateway, body=json.dumps(question), answer="", given=False, asked_at=now)
    with plane.database.write() as session:
        session.execute(delete(Question).where(Question.asked_at < now - KEPT_S))
        session.add(row)


def _answer(plane: Plane, id_: str) -> Json | None:
    with plane.database.read() as session:
        text = session.scalars(select(Question.answer).where(Question.id == id_)).first()
    if not text:
        return None
    said: Json = json.loads(text)
    return said

"""Questions about rights, answered from the gateway's folder by the functions that decide: for now, then, and what if.

    explain     {credential, door | access_point, at?, pin?, used?, what_if?} or {event, what_if?}
    who-can     {door | access_point, at?, what_if?}
    where-can   {resident, at?, what_if?}

Without `at` it is now, by the door's own clock; `used`: how often the plane knows the credential to be used anywhere.

`python -m gateway.why` takes one as JSON on standard input and prints the answer: the door process asks a child, so
that no question holds up a door.
"""

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from gateway import shown, wire
from gateway.access.decision import Denied, Presented
from gateway.access.explain import Explanation, explain
from gateway.access.generation import BadRows
from gateway.access.holders import BEST, Entitled, where_can, who_can
from gateway.access.model import AccessPoint, Credential
from gateway.access.reasons import DenyReason, sentence
from gateway.access.table import PermissionTable
from gateway.moment import Event, Moment, NoAnswer, event_of
from gateway.place import Gateway, unwired
from gateway.plan import LATEST, BadPlan, Bodies, lay_over

Question = dict[str, Any]
Answer = dict[str, Any]
UNSEEN = {
    "outcome": "not known",
    "facts": {},
    "zh": "互锁的其他门的状态没有记录。",
    "en": "How the other doors of the interlock stand is not recorded.",
}
GRANTED = ("允许通行。", "Passage is granted.")
__all__ = ["BadPlan", "Gateway", "NoAnswer", "answer"]


def answer(gateway: Gateway, question: Question) -> Answer:
    """The answer as JSON values.

    Raises:
        NoAnswer: nothing is known of what it asks for.
        BadPlan: its `what_if` cannot be.
    """
    ask = _ASK.get(question.get("ask", ""))
    if ask is None:
        raise NoAnswer(f"not a question: {question.get('ask')!r}")
    event = event_of(gateway.folder, int(question["event"])) if question.get("event") is not None else None
    at = event["occurred_at"] if event else question.get("at")
    if at is not None and not 0 <= at <= LATEST:
        raise NoAnswer(f"{at} is no time that schedules reach", "no-history")
    moment = Moment(gateway, at, event, question.get("used"))
    try:
        return {"at": _iso(moment.at), "table_version": moment.force.version} | ask(moment, question, event)
    except (wire.BadRow, BadRows) as error:
        if question.get("what_if"):
            raise BadPlan(str(error)) from error
        raise NoAnswer(f"these rows cannot stand in one table: {error}") from error
    except sqlite3.Error as error:
        raise NoAnswer(f"the gateway's records cannot be read: {error}") from error
    finally:
        moment.close()


# --- explain ----------------------------------------------------------------------------------------------------------


def _explain(moment: Moment, question: Question, event: Event | None) -> Answer:
    id_ = event.get("credential") if event else question.get("credential")
    bodies = _planned(moment.office() | (dict(moment.credentials(id_)) if id_ else {}), moment, question)
    who = _credential(bodies, id_)
    if id_ and who is None and event is None:
        raise NoAnswer(f"there was no credential {id_!r} at that time", "not-found")
    table = moment.table(bodies)
    points = _points(moment.gateway, question, event)
    if event is None and who is not None:
        points = _reading(moment.gateway, points, who)
    said = [_at_point(moment, table, point, who, event, question) for point in points]
    holder = {"credential": id_ or "", "resident": who.holder if who else ""}
    return holder | {"what_if": bool(question.get("what_if")), "answers": said}


def _at_point(
    moment: Moment,
    table: PermissionTable,
    point: AccessPoint,
    who: Credential | None,
    event: Event | None,
    question: Question,
) -> Answer:
    passage = moment.passage(table, point, who)
    scene = moment.scene(passage, point.door)
    presented = _presented(moment, point, who, event, question)
    at, limits = datetime.fromtimestamp(moment.at, UTC), moment.gateway.limits
    found = explain(table, passage, point, presented, at, limits, scene)
    unseen = event is None and any(point.door in group for group in moment.gateway.interlocks)
    made = {"door": point.door, "access_point": point.name, **_decision(found), "steps": _steps(found, unseen)}
    if event is not None:
        told = {"decision": event["kind"], "reason": event.get("reason", ""), "policy": event.get("policy", "")}
        same = (told["decision"], told["reason"]) == (made["decision"], made["reason"])
        made |= {"recorded": told, "agrees": same}
    return made


def _presented(
    moment: Moment, point: AccessPoint, who: Credential | None, event: Event | None, question: Question
) -> Presented:
    if event is not None:
        return shown.again(event, who)
    if who is None:
        raise NoAnswer("name a credential or an event")
    best = moment.gateway.best.get(point.name, BEST)
    return shown.at_best(who, moment.gateway.site, moment.at, best, pin=bool(question.get("pin", True)))


def _decision(found: Explanation) -> Answer:
    decision = found.decision
    if isinstance(decision, Denied):
        zh, en = sentence(decision.reason, decision.credential)
        return {"decision": "Denied", "reason": decision.reason.value, "policy": "", "zh": zh, "en": en}
    return {"decision": "Granted", "reason": "", "policy": decision.policy, "zh": GRANTED[0], "en": GRANTED[1]}


def _steps(found: Explanation, unseen: bool) -> list[Answer]:
    """The steps as JSON values; `unseen`: how the other doors of the interlock stand is in no record."""
    return [
        {**step._asdict(), "reason": step.reason.value, "outcome": step.outcome.value}
        | (UNSEEN if unseen and step.reason is DenyReason.INTERLOCKED else {})
        for step in found.steps
    ]


# --- who can, where can -----------------------------------------------------------------------------------------------


def _who_can(moment: Moment, question: Question, _event: Event | None) -> Answer:
    table = moment.table(_planned(moment.office() | dict(moment.credentials()), moment, question))
    at, limits = datetime.fromtimestamp(moment.at, UTC), moment.gateway.limits
    points, best = [table.points[each.name] for each in _points(moment.gateway, question, None)], moment.gateway.best
    return {"rights": [right for point in points for right in _rights(who_can(table, point, at, limits, best))]}


def _where_can(moment: Moment, question: Question, _event: Event | None) -> Answer:
    holder = str(question.get("resident", ""))
    held = {key: body for key, body in moment.credentials() if body["holder"] == holder}
    table = moment.table(_planned(moment.office() | held, moment, question))
    at, limits = datetime.fromtimestamp(moment.at, UTC), moment.gateway.limits
    return {"rights": list(_rights(where_can(table, holder, at, limits, moment.gateway.best)))}


def _rights(found: Iterator[Entitled]) -> Iterator[Answer]:
    for credential, point, policy in found:
        place = {"door": point.door, "access_point": point.name, "from": point.zone_from, "to": point.zone_to}
        until = None if credential.valid_to is None else _iso(credential.valid_to)
        held = {"resident": credential.holder, "class": credential.holder_class.value, "credential": credential.id}
        yield held | {"type": credential.type.value, **place, "policy": policy, "valid_to": until}


# --- common to all ----------------------------------------------------------------------------------------------------


def _planned(bodies: Bodies, moment: Moment, question: Question) -> Bodies:
    """The rows with the plan over them, and over those that it names beside them."""
    plan = question.get("what_if")
    if not plan:
        return bodies
    for id_ in plan.get("credentials") or ():
        bodies = dict(moment.credentials(str(id_))) | bodies
    return lay_over(bodies, plan)


def _credential(bodies: Bodies, id_: str | None) -> Credential | None:
    body = bodies.get(("credential", id_ or ""))
    row = wire.row("credential", body) if body else None
    return row if isinstance(row, Credential) else None


def _points(gateway: Gateway, question: Question, event: Event | None) -> list[AccessPoint]:
    """The access points in question, the ones that lead in before those that lead out."""
    wanted = (event or question).get("access_point") or ""
    door = (event or question).get("door") or ""
    found = [point for point in gateway.points if (point.name == wanted if wanted else point.door == door)]
    if not found:
        raise NoAnswer(f"this gateway has no access point for {wanted or door!r}", "not-found")
    return found


def _reading(gateway: Gateway, points: list[AccessPoint], who: Credential) -> list[AccessPoint]:
    """Those with a reader that takes such a credential. Raises `NoAnswer`."""
    found = [point for point in points if who.type in gateway.best.get(point.name, BEST)]
    if not found:
        raise NoAnswer(f"no reader at {points[0].door!r} takes a credential of type {who.type.value}", "no-reader")
    return found


def _iso(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_ASK: dict[str, Callable[[Moment, Question, Event | None], Answer]] = {
    "explain": _explain,
    "who-can": _who_can,
    "where-can": _where_can,
}


def main() -> int:
    """Answer one question from standard input: `{gateway, question}`."""
    asked = json.loads(sys.stdin.read())
    try:
        said = answer(unwired(asked["gateway"]), asked["question"])
    except NoAnswer as error:
        said = {"error": str(error), "type": error.type}
    except BadPlan as error:
        said = {"error": str(error), "type": "bad-plan"}
    sys.stdout.write(json.dumps(said, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())

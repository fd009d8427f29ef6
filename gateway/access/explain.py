"""Why a presentation opens a door or does not, step by step, by the same table of checks that decides."""

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from gateway.access.case import DEFAULT_LIMITS, Case, Limits, Passage, person
from gateway.access.checks import asked, strength
from gateway.access.decision import Denied, Granted, decide
from gateway.access.holders import Entitled, where_can, who_can
from gateway.access.model import AccessPoint, Credential
from gateway.access.presence import NO_SCENE, Scene
from gateway.access.presented import Card, Live, Pass, Presented, Unreadable
from gateway.access.reasons import PASSED, DenyReason, sentence
from gateway.access.table import PermissionTable
from gateway.access.zone_checks import entering

__all__ = ["FACTS", "Entitled", "Explanation", "Outcome", "Step", "explain", "where_can", "who_can"]

Facts = dict[str, Any]  # JSON values


class Outcome(StrEnum):
    """What came of one check."""

    PASSED = "passed"
    REFUSED = "refused"  # the reason of the decision
    ALSO = "also refuses"  # would refuse too, were the first refusal mended
    NOT_ASKED = "not asked"  # nothing is said on the word of an unknown or unproven presentation


class Step(NamedTuple):
    """One check: its reason word, its outcome, what it looked at, and a sentence."""

    reason: DenyReason
    outcome: Outcome
    facts: Facts
    zh: str
    en: str


class Explanation(NamedTuple):
    """The decision of `decide`, and the steps to it. `table_version` is the table that decided."""

    decision: Granted | Denied
    steps: tuple[Step, ...]
    table_version: int
    at: datetime


BLIND = {
    DenyReason.WRONG_SITE,
    DenyReason.CREDENTIAL_NOT_FOUND,
    DenyReason.UNKNOWN_ISSUER,
    DenyReason.BAD_SIGNATURE,
}  # refused for one of these, nothing further is asked


def explain(
    table: PermissionTable,
    passage: Passage,
    point: AccessPoint,
    presented: Presented,
    at: datetime,
    limits: Limits = DEFAULT_LIMITS,
    scene: Scene = NO_SCENE,
) -> Explanation:
    """What `decide` says of the same arguments, and why.

    For a past moment give the table and the passage state of then; for a planned change, `table.with_changes(...)`.

    Raises:
        ValueError: `at` has no time zone.
    """
    decision = decide(table, passage, point, presented, at, limits, scene)
    if isinstance(presented, Unreadable):
        steps: tuple[Step, ...] = (_step(presented.reason, Outcome.REFUSED, {}),)
    else:
        steps = tuple(_steps(Case(table, passage, point, presented, at.timestamp(), limits, scene), presented))
    return Explanation(decision, steps, table.version, at)


def _steps(case: Case, shown: Card | Live | Pass) -> Iterator[Step]:
    first: DenyReason | None = None
    for reason, refuses, _, _ in asked(case, shown):
        if first in BLIND:
            yield _step(reason, Outcome.NOT_ASKED, {})
            continue
        refused = refuses(case, shown)
        outcome = Outcome.PASSED if not refused else Outcome.ALSO if first else Outcome.REFUSED
        first = first or (reason if refused else None)
        yield _step(reason, outcome, FACTS[reason](case, shown), case.credential)


def _step(reason: DenyReason, outcome: Outcome, facts: Facts, who: Credential | None = None) -> Step:
    return Step(reason, outcome, facts, *_said(reason, outcome, who))


def _said(reason: DenyReason, outcome: Outcome, who: Credential | None) -> tuple[str, str]:
    if outcome is Outcome.NOT_ASKED:
        return "未检查。", "Not asked."
    return PASSED[reason] if outcome is Outcome.PASSED else sentence(reason, who)


def _lease(case: Case, shown: Card | Live) -> Facts:
    start, lease_s = case.credential.refreshed_at, case.limits.leases.over(case.credential)
    age = None if start == 0 else int(case.now - start)
    ends = None if lease_s is None or start == 0 else start + lease_s
    return {"class": case.credential.holder_class.value, "age_s": age, "lease_s": lease_s, "ends_at": ends}


def _code_time(case: Case, shown: Live | Pass) -> Facts:
    if isinstance(shown, Live):
        return {"iat": shown.code.iat, "now": case.now}
    return {"nbf": shown.code.nbf, "exp": shown.code.exp, "now": case.now}


def _uses(case: Case, shown: Card | Live | Pass) -> Facts:
    if isinstance(shown, Pass):
        return {"uses": case.passage.uses(shown.code.pass_id), "max_uses": shown.code.max_uses}
    who = case.credential
    return {"uses": case.passage.uses(who.key), "max_uses": who.max_uses} if who.max_uses else {"max_uses": None}


def _rights(case: Case, shown: Card | Live | Pass) -> Facts:
    return {"access_point": case.point.name, "policies": [right.policy for right in case.rights]}


def _of_zones(fact: Callable[[Case, str, Any], object]) -> Callable[[Case, Any], Facts]:
    """A fact for each zone with rules that the access point leads into."""
    return lambda case, shown: {zone: fact(case, zone, shown) for zone, _ in entering(case)}


FACTS: dict[DenyReason, Callable[[Case, Any], Facts]] = {  # what each check looked at
    DenyReason.WRONG_SITE: lambda case, shown: {"site": case.table.site, "code": shown.code.site},
    DenyReason.CREDENTIAL_NOT_FOUND: lambda case, _: {"credential": case.credential.id or None},
    DenyReason.UNKNOWN_ISSUER: lambda _, shown: {"kid": shown.code.kid},
    DenyReason.BAD_SIGNATURE: lambda _, shown: {"signature_ok": shown.signature_ok},
    DenyReason.PASS_DENIED: lambda _, shown: {"pass": shown.code.pass_id.hex()},
    DenyReason.STATIC_CODE_OFF: lambda case, _: {"type": case.credential.type.value},
    DenyReason.CREDENTIAL_NOT_ENABLED: lambda case, _: {"state": case.credential.state.value},
    DenyReason.CREDENTIAL_NOT_ACTIVE: lambda case, _: {"valid_from": case.credential.valid_from, "now": case.now},
    DenyReason.CREDENTIAL_EXPIRED: lambda case, _: {"valid_to": case.credential.valid_to, "now": case.now},
    DenyReason.LEASE_EXPIRED: _lease,
    DenyReason.ASSURANCE_TOO_LOW: lambda case, shown: {"has": strength(shown), "needs": case.minimum},
    DenyReason.INVALID_PIN: lambda _, shown: {"pin": bool(shown.pin)},
    DenyReason.WRONG_DOOR: lambda case, shown: {"door": case.point.door_number, "code": shown.code.door},
    DenyReason.CODE_FROM_FUTURE: _code_time,
    DenyReason.CODE_EXPIRED: _code_time,
    DenyReason.REPLAYED: lambda case, shown: {"iat": shown.code.iat, "last": case.passage.last_iat(shown.code.handle)},
    DenyReason.USED_UP: _uses,
    DenyReason.UNAUTHORIZED: _rights,
    DenyReason.NOT_PUBLIC: lambda case, _: {"zone_from": case.point.zone_from, "zone_to": case.point.zone_to},
    DenyReason.NOT_PERMITTED_AT_THIS_TIME: lambda case, _: {
        "local": datetime.fromtimestamp(case.now, case.table.tz).isoformat(timespec="minutes"),
        "open": case.open_right.policy if case.open_right else None,
    },
    DenyReason.DOOR_BLOCKED: lambda case, _: {"mode": case.scene.mode.value if case.scene.mode else None},
    DenyReason.INTERLOCKED: lambda case, _: {"interlocked": case.scene.interlocked},
    DenyReason.ESCORT_NEEDED: lambda case, _: {"escort_at": case.scene.presence.escorted(case.point.name)},
    DenyReason.FIRST_PERSON_MISSING: _of_zones(lambda case, zone, _: case.scene.presence.led(zone)),
    DenyReason.PASSBACK_VIOLATION: _of_zones(
        lambda case, zone, shown: case.scene.presence.entered(person(case.credential, shown), zone)
    ),
    DenyReason.OCCUPANCY_REACHED: _of_zones(lambda case, zone, _: case.scene.presence.inside(zone)),
    DenyReason.SECOND_PERSON_NEEDED: lambda case, _: {
        "first_at": first.at if (first := case.scene.presence.waiting(case.point.name)) else None
    },
}

"""The decision by the published table of checks: the rule, of which decision.py knows a short way."""

from collections.abc import Iterator
from datetime import datetime

from gateway.access.case import NOBODY, Case, Limits, Passage, person
from gateway.access.checks import asked
from gateway.access.grounds import Denied, Granted, Grounds, LiveUsed, PassageChange, Used
from gateway.access.mj1 import DURESS
from gateway.access.model import AccessPoint, Credential, Mark, Passback
from gateway.access.presence import Moved, Scene, Waits
from gateway.access.presented import Card, Live, Pass, Presented, Unreadable
from gateway.access.reasons import DenyReason
from gateway.access.table import PermissionTable
from gateway.access.zone_checks import leaves_too_few, passed_back, wants_two

_FOREVER = 1 << 62


def walk(
    table: PermissionTable,
    passage: Passage,
    point: AccessPoint,
    presented: Presented,
    at: datetime | float,
    limits: Limits,
    scene: Scene,
) -> Granted | Denied:
    """Granted if no check of the table refuses, else Denied with the first one that does; as `decide`."""
    now = unix(at)
    if isinstance(presented, Unreadable):
        return Denied(presented.reason)
    case = Case(table, passage, point, presented, now, limits, scene)
    for check in asked(case, presented):
        if check[1](case, presented):  # refuses, by its place: an attribute takes twice as long
            return _denied(case, presented, check.reason)
    return _granted(case, presented)


def unix(at: datetime | float) -> float:
    """The Unix seconds of an aware time.

    Raises:
        ValueError: it has no time zone.
    """
    if not isinstance(at, datetime):
        return at
    if at.tzinfo is None:
        raise ValueError("the time of a decision must be aware")
    return at.timestamp()


def _grounds(case: Case) -> Grounds:
    who = case.credential
    return Grounds(None if who is NOBODY else who, case.table, case.now, case.limits.leases)


def _denied(case: Case, presented: Card | Live | Pass, reason: DenyReason) -> Denied:
    who, grounds = case.credential, _grounds(case)
    duress = _under_duress(who, presented)
    if reason is not DenyReason.SECOND_PERSON_NEEDED:
        return Denied(reason, grounds, duress=duress)
    waits = Waits(person(who, presented), case.point.name, case.now, who.marks)
    return Denied(reason, grounds, (waits,), tuple(_changes(case, presented)), duress)


def _granted(case: Case, presented: Card | Live | Pass) -> Granted:
    who, moves = case.credential, tuple(_moves(case, presented))
    return Granted(
        basis=_grounds(case),
        right=case.open_right.numbers if case.open_right else None,
        changes=tuple(_changes(case, presented)),
        duress=_under_duress(who, presented),
        moves=moves,
        notes=tuple(_notes(case, presented)),
        extended=any(marks & Mark.EXTENDED for marks in (who.marks, *(move.marks for move in moves))),
    )


def _notes(case: Case, presented: Card | Live | Pass) -> Iterator[DenyReason]:
    if passed_back(case, presented, Passback.SOFT):
        yield DenyReason.PASSBACK_VIOLATION
    if leaves_too_few(case, presented):
        yield DenyReason.OCCUPANCY_LOW


def _under_duress(who: Credential, presented: Card | Live | Pass) -> bool:
    if isinstance(presented, Pass) or who is NOBODY:
        return False
    flagged = isinstance(presented, Live) and presented.signature_ok and presented.code.flags & DURESS
    return bool(flagged or who.marks & Mark.DURESS or (presented.pin and presented.pin == who.duress_pin))


def _moves(case: Case, presented: Card | Live | Pass) -> Iterator[Moved]:
    """Who crosses the bounds of zones with rules: the one who waited for this person, and this person."""
    crossing = case.crossing
    if crossing is None:
        return
    bounds = tuple(zone for zone, _ in crossing.entering), crossing.leaving
    first = case.scene.presence.waiting(case.point.name)
    if first is not None and any(wants_two(case, *ruled) for ruled in crossing.entering):
        yield Moved(first.person, case.point.name, *bounds, case.now, first.marks)
    yield Moved(person(case.credential, presented), case.point.name, *bounds, case.now, case.credential.marks)


def _changes(case: Case, presented: Card | Live | Pass) -> Iterator[PassageChange]:
    if isinstance(presented, Live):
        yield LiveUsed(presented.code.handle, presented.code.iat)
    if isinstance(presented, Pass):
        code = presented.code
        yield Used(code.pass_id, case.passage.uses(code.pass_id) + 1, code.exp)
    who = case.credential
    if who.max_uses:
        yield Used(who.key, case.passage.uses(who.key) + 1, _FOREVER if who.valid_to is None else who.valid_to)

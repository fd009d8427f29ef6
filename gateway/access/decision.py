"""May this presentation open this access point now? One pure function, over the published table of checks.

`walk` is the rule. `decide` answers the usual read, a plain card at a plain door, in one pass over its record: the
same answer, sooner. That way knows the usual answers: granted, not found, not enabled, not yet or no longer valid, not
confirmed for too long, too weak for this door, no right here, not at this time. What is not usual (a PIN, marks,
counted uses, a code, a door with zone rules, a changing minimum or an interlock in the way, a mode that admits not
everybody, a change of today) is walked. Tests hold the two equal.
"""

from datetime import datetime

from gateway.access import record
from gateway.access.case import DEFAULT_LIMITS, Limits, Passage, minimum
from gateway.access.checks import CHECKS
from gateway.access.door_words import MODES
from gateway.access.generation import KEY_HEAD
from gateway.access.grounds import Denied, Granted, Grounds, LiveUsed, PassageChange, Used
from gateway.access.lease import Age, Freshness, Leases
from gateway.access.model import AccessPoint
from gateway.access.presence import NO_SCENE, Presence, PresenceChange, Scene, Whereabouts
from gateway.access.presented import Card, Live, Pass, Presented, Unreadable
from gateway.access.reasons import DenyReason
from gateway.access.record import UNBOUNDED, UNUSUAL, USUAL
from gateway.access.table import PermissionTable
from gateway.access.walk import walk

__all__ = [
    "CHECKS",
    "Age",
    "Card",
    "Denied",
    "DenyReason",
    "Freshness",
    "Granted",
    "Grounds",
    "Leases",
    "Limits",
    "Live",
    "LiveUsed",
    "Pass",
    "Passage",
    "PassageChange",
    "Presence",
    "PresenceChange",
    "Presented",
    "Scene",
    "Unreadable",
    "Used",
    "Whereabouts",
    "decide",
    "minimum",
]

OPEN_TO_ALL = frozenset({None, *(mode for mode, rule in MODES.items() if rule.admits)})
_new = tuple.__new__  # a NamedTuple made by its own class takes three times as long
_head_of, _record_of = KEY_HEAD.unpack_from, USUAL.unpack_from
_NOT_FOUND, _NO_RIGHT = DenyReason.CREDENTIAL_NOT_FOUND, DenyReason.UNAUTHORIZED
_CLOSED, _TOO_WEAK = DenyReason.NOT_PERMITTED_AT_THIS_TIME, DenyReason.ASSURANCE_TOO_LOW


def decide(
    table: PermissionTable,
    passage: Passage,
    point: AccessPoint,
    presented: Presented,
    at: datetime | float,
    limits: Limits = DEFAULT_LIMITS,
    scene: Scene = NO_SCENE,
) -> Granted | Denied:
    """Granted if no check refuses, else Denied with the first one that does.

    Args:
        table: one table for the lookup, the signature check and this call.
        passage: what earlier passages left behind.
        point: one of `table.points`.
        presented: what the reader gave.
        at: aware time of the presentation, or Unix seconds.
        limits: leases and code windows.
        scene: who is where, and the door's mode; without it nothing is known of either.

    Raises:
        ValueError: `at` has no time zone.
    """
    # Written for speed: names are looked up once, tuples are taken apart, nothing is made that is not told.
    if type(presented) is not Card or type(at) is not float:
        return walk(table, passage, point, presented, at, limits, scene)
    plain, changed, slots, mask, buffer, minute = table.parts
    try:
        covering = plain[point.name]
    except KeyError:
        return walk(table, passage, point, presented, at, limits, scene)
    key, leases = presented.key, limits.leases
    if presented.pin or scene.interlocked or (changed and key in changed) or scene.mode not in OPEN_TO_ALL:
        return walk(table, passage, point, presented, at, limits, scene)
    (slot,) = _head_of(key)
    while place := slots[slot & mask]:
        found, refreshed, way, class_, first, second, third = _record_of(buffer, place)
        if found == key:
            break
        slot += 1
    else:
        return _new(Denied, (_NOT_FOUND, (None, table, at, leases), (), (), False))
    since, until, is_open, for_leases, stale, _, _ = minute[0]
    if not since <= at < until or leases is not for_leases:
        _, _, is_open, _, stale, _, _ = table.hours.minute(at, leases)
    if way != UNBOUNDED or refreshed <= stale[class_]:
        refusal = _refusal(buffer, place, refreshed, leases[class_], at)
        if refusal is not None:
            return _new(Denied, (refusal, (place, table, at, leases), (), (), False))
        if way == UNUSUAL:
            return walk(table, passage, point, presented, at, limits, scene)
    if presented.assurance < point.min_assurance:
        return _new(Denied, (_TOO_WEAK, (place, table, at, leases), (), (), False))
    reason = _NO_RIGHT
    for by_number in covering:
        for number in (first, second, third):
            if number in by_number:
                for schedule in by_number[number]:
                    if is_open[schedule]:
                        right = number, schedule
                        return _new(Granted, ((place, table, at, leases), right, (), False, (), (), False))
                reason = _CLOSED
    return _new(Denied, (reason, (place, table, at, leases), (), (), False))


def _refusal(buffer: memoryview, place: int, refreshed: int, lease_s: int | None, at: float) -> DenyReason | None:
    """The first check of state and time that refuses this record, if it is sure that one does."""
    start, end, type_, state = record.standing(buffer, place)
    if type_ & record.HAS_MORE or type_ == record.STATIC:
        return None  # MORE may pin it, or mark a cry for help; what the site says of static codes comes first
    if state != record.ENABLED:
        return DenyReason.CREDENTIAL_NOT_ENABLED
    if start != record.ALWAYS and at < start:
        return DenyReason.CREDENTIAL_NOT_ACTIVE
    if end != record.FOREVER and at >= end:
        return DenyReason.CREDENTIAL_EXPIRED
    if refreshed == record.UNDATED or lease_s is None:
        return None
    return DenyReason.LEASE_EXPIRED if at >= refreshed + lease_s else None

"""The usual read, a plain card at a plain door, in one pass over its record: the answer that CHECKS gives, sooner.

CHECKS is the rule; this is a short way through it, which asks the same of the mapped record without making a credential
of it. It knows four answers: granted, not found, no right here, not at this time. What is not usual (a PIN, marks,
counted uses, a code, a door with zone rules, a changing minimum or an interlock in the way, a mode that admits not
everybody, a change of today)
and what is refused for another reason is left to CHECKS. Tests hold the two equal.

Written for speed: names are looked up once, tuples are taken apart, nothing is made that is not told.
"""

from gateway.access.case import Limits
from gateway.access.door_words import MODES
from gateway.access.generation import KEY_HEAD
from gateway.access.grounds import Denied, Granted
from gateway.access.model import AccessPoint
from gateway.access.presence import Scene
from gateway.access.presented import Card
from gateway.access.reasons import DenyReason
from gateway.access.record import HOT
from gateway.access.rights import first_open
from gateway.access.table import PermissionTable

OPEN_TO_ALL = frozenset({None, *(mode for mode, rule in MODES.items() if rule.admits)})
_new = tuple.__new__  # a NamedTuple made by its own class takes three times as long
_head_of, _record_of = KEY_HEAD.unpack_from, HOT.unpack_from
_NOT_FOUND, _NO_RIGHT = DenyReason.CREDENTIAL_NOT_FOUND, DenyReason.UNAUTHORIZED
_CLOSED = DenyReason.NOT_PERMITTED_AT_THIS_TIME


def usual(
    table: PermissionTable, point: AccessPoint, card: Card, now: float, limits: Limits, scene: Scene
) -> Granted | Denied | None:
    """The decision, or None if CHECKS has to find it."""
    key, assurance, pin = card
    _, mode, interlocked = scene
    plain, changed, slots, mask, buffer, weeks, rights, clock = table.parts
    covering = plain[point.name]
    if pin or covering is None or interlocked or key in changed or mode not in OPEN_TO_ALL:
        return None
    leases = limits.leases
    (slot,) = _head_of(key)
    while place := slots[slot & mask]:
        found, start, end, refreshed, is_usual, class_, first, second, third = _record_of(buffer, place)
        if found == key:
            break
        slot += 1
    else:
        return _new(Denied, (_NOT_FOUND, (None, table, now, leases), ()))
    lease_s = leases[class_]
    if not (is_usual and start <= now < end and (lease_s is None or now < refreshed + lease_s)):
        return None
    if assurance < point.min_assurance:
        return None
    try:
        byte, bit, of_week, day = clock[now // 60]
    except KeyError:
        byte, bit, of_week, day = table.tick(now // 60)
    reason = _NO_RIGHT
    for by_number in covering:
        for number in (first, second, third):
            if number in by_number:
                chain = by_number[number]
                week = weeks[chain]
                if week is None:  # several rights, or special days
                    right = first_open(rights[chain].rights, of_week, day)
                else:
                    right = rights[chain].rights[0] if week[byte] & bit else None
                if right is not None:
                    return _new(Granted, ((place, table, now, leases), right[0], (), False, (), (), False))
                reason = _CLOSED
    return _new(Denied, (reason, (place, table, now, leases), ()))

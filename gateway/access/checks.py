"""The rules of a decision, and their order: CHECKS."""

from collections.abc import Callable
from typing import Any, NamedTuple

from gateway.access.case import DEFAULT_LIMITS, NOBODY, Case, Limits, Passage
from gateway.access.lease import DAY_S, Leases
from gateway.access.model import CredentialState, CredentialType
from gateway.access.presence import NO_SCENE
from gateway.access.presented import TWO_FACTORS, Card, Live, Pass
from gateway.access.reasons import DenyReason
from gateway.access.rights import is_leaving
from gateway.access.zone_checks import (
    alone,
    before_the_first,
    door_blocked,
    full,
    interlocked,
    passed_back_hard,
    without_escort,
)

__all__ = [
    "ALL",
    "ASKED",
    "CHECKS",
    "DAY_S",
    "DEFAULT_LIMITS",
    "NOBODY",
    "Case",
    "Check",
    "Leases",
    "Limits",
    "Passage",
]
_ENABLED, _STATIC = CredentialState.ENABLED, CredentialType.STATIC  # looked up once: asked for every read


# Each rule says True when it refuses; its docstring says what (the README shows it).


def _of_another_site(case: Case, shown: Live | Pass) -> bool:
    """A code whose site is not the table's."""
    return shown.code.site != case.table.site


def _not_found(case: Case, shown: Card | Live) -> bool:
    """A key that no credential has."""
    return case.credential is NOBODY


def _issuer_unknown(case: Case, shown: Pass) -> bool:
    """A pass whose issuer is not in the table."""
    return case.table.issuer(shown.code.kid) is None


def _signature_bad(case: Case, shown: Live | Pass) -> bool:
    """A signature that does not verify."""
    return not shown.signature_ok


def _pass_called_back(case: Case, shown: Pass) -> bool:
    """A pass on the deny list."""
    return case.table.pass_denied(shown.code.pass_id)


def _static_off(case: Case, shown: Card) -> bool:
    """A fixed text in a QR code, unless the site turned them on."""
    return case.credential.type is _STATIC and not case.limits.static_codes


def _not_enabled(case: Case, shown: Card | Live) -> bool:
    """Any state but enabled."""
    return case.credential.state is not _ENABLED


def _not_active(case: Case, shown: Card | Live) -> bool:
    """Before valid_from."""
    start = case.credential.valid_from
    return start is not None and case.now < start


def _expired(case: Case, shown: Card | Live) -> bool:
    """From valid_to on (it is exclusive)."""
    end = case.credential.valid_to
    return end is not None and case.now >= end


def _lease_over(case: Case, shown: Card | Live) -> bool:
    """Data older than its class allows: resident 30 d, staff 7 d, visitor 24 h, emergency and pinned never."""
    start = case.credential.refreshed_at
    if start == 0:
        return False
    lease_s = case.limits.leases.over(case.credential)
    return lease_s is not None and case.now >= start + lease_s


def _too_weak(case: Case, shown: Card | Live | Pass) -> bool:
    """An assurance below what the access point asks for now; a PIN with it makes 3."""
    point = case.point
    if shown.assurance >= point.min_assurance and not point.assurance_by:
        return False  # the usual door
    return strength(shown) < case.minimum


def _for_another_door(case: Case, shown: Live) -> bool:
    """A code made for another door number."""
    return shown.code.door not in (0, case.point.door_number)


def _live_from_future(case: Case, shown: Live) -> bool:
    """Iat more than 15 s ahead."""
    return shown.code.iat > case.now + case.limits.live_future_s


def _live_too_old(case: Case, shown: Live) -> bool:
    """Iat more than 30 s ago."""
    return shown.code.iat < case.now - case.limits.live_past_s


def _pass_too_early(case: Case, shown: Pass) -> bool:
    """More than 60 s before nbf."""
    return case.now < shown.code.nbf - case.limits.pass_early_s


def _pass_over(case: Case, shown: Pass) -> bool:
    """From exp on."""
    return case.now >= shown.code.exp


def _replayed(case: Case, shown: Live) -> bool:
    """Iat not above the handle's last accepted one."""
    last = case.passage.last_iat(shown.code.handle)
    return last is not None and shown.code.iat <= last


def _used_up(case: Case, shown: Card | Live | Pass) -> bool:
    """As many uses as max_uses; a credential with none may be used for ever."""
    if isinstance(shown, Pass):
        return case.passage.uses(shown.code.pass_id) >= shown.code.max_uses
    most = case.credential.max_uses
    return most > 0 and case.passage.uses(case.credential.key) >= most


def _no_right(case: Case, shown: Card | Live | Pass) -> bool:
    """No policy covers this access point."""
    return case.open_right is None and not case.rights


def _not_public(case: Case, shown: Pass) -> bool:
    """A zone that is neither public nor on the way to the host, unless the visitor is leaving."""
    zone = case.table.zones.get(case.point.zone_to)
    if (zone and zone.public) or is_leaving(case.point, case.table.zones):
        return False
    return not any(right.visiting for right in case.rights)


def _closed_now(case: Case, shown: Card | Live | Pass) -> bool:
    """No such policy is open now."""
    return case.open_right is None


def _pin_wrong(case: Case, shown: Card | Live) -> bool:
    """A PIN that was entered and is not the credential's."""
    return bool(shown.pin) and shown.pin not in (case.credential.pin, case.credential.duress_pin)


def strength(shown: Card | Live | Pass) -> int:
    """The assurance of a presentation: that of two factors if a PIN came with it."""
    return shown.assurance if isinstance(shown, Pass) or not shown.pin else TWO_FACTORS


class Check(NamedTuple):
    """One row of the order: the reason given if the rule refuses, and which presentations it is asked for."""

    reason: DenyReason
    refuses: Callable[[Case, Any], bool]  # Any: each rule names the presentations it takes
    of: tuple[type, ...]
    scenic: bool = False  # asked only where a scene is given, or the access point crosses the bounds of a ruled zone


ALL = (Card, Live, Pass)
CHECKS = (
    Check(DenyReason.WRONG_SITE, _of_another_site, (Live, Pass)),
    Check(DenyReason.CREDENTIAL_NOT_FOUND, _not_found, (Card, Live)),
    Check(DenyReason.UNKNOWN_ISSUER, _issuer_unknown, (Pass,)),
    Check(DenyReason.BAD_SIGNATURE, _signature_bad, (Live, Pass)),
    Check(DenyReason.PASS_DENIED, _pass_called_back, (Pass,)),
    Check(DenyReason.STATIC_CODE_OFF, _static_off, (Card,)),
    Check(DenyReason.CREDENTIAL_NOT_ENABLED, _not_enabled, (Card, Live)),
    Check(DenyReason.CREDENTIAL_NOT_ACTIVE, _not_active, (Card, Live)),
    Check(DenyReason.CREDENTIAL_EXPIRED, _expired, (Card, Live)),
    Check(DenyReason.LEASE_EXPIRED, _lease_over, (Card, Live)),
    Check(DenyReason.INVALID_PIN, _pin_wrong, (Card, Live)),
    Check(DenyReason.ASSURANCE_TOO_LOW, _too_weak, ALL),
    Check(DenyReason.WRONG_DOOR, _for_another_door, (Live,)),
    Check(DenyReason.CODE_FROM_FUTURE, _live_from_future, (Live,)),
    Check(DenyReason.CODE_FROM_FUTURE, _pass_too_early, (Pass,)),
    Check(DenyReason.CODE_EXPIRED, _live_too_old, (Live,)),
    Check(DenyReason.CODE_EXPIRED, _pass_over, (Pass,)),
    Check(DenyReason.REPLAYED, _replayed, (Live,)),
    Check(DenyReason.USED_UP, _used_up, ALL),
    Check(DenyReason.UNAUTHORIZED, _no_right, ALL),
    Check(DenyReason.NOT_PUBLIC, _not_public, (Pass,)),
    Check(DenyReason.NOT_PERMITTED_AT_THIS_TIME, _closed_now, ALL),
    Check(DenyReason.DOOR_BLOCKED, door_blocked, ALL, scenic=True),
    Check(DenyReason.INTERLOCKED, interlocked, ALL, scenic=True),
    Check(DenyReason.ESCORT_NEEDED, without_escort, ALL, scenic=True),
    Check(DenyReason.FIRST_PERSON_MISSING, before_the_first, ALL, scenic=True),
    Check(DenyReason.PASSBACK_VIOLATION, passed_back_hard, ALL, scenic=True),
    Check(DenyReason.OCCUPANCY_REACHED, full, ALL, scenic=True),
    Check(DenyReason.SECOND_PERSON_NEEDED, alone, ALL, scenic=True),
)
ASKED = {kind: tuple(check for check in CHECKS if kind in check.of) for kind in ALL}
PLAIN = {kind: tuple(check for check in checks if not check.scenic) for kind, checks in ASKED.items()}
"""The checks of each kind of presentation in their order, with and without those of a scene."""


def asked(case: Case, shown: Card | Live | Pass) -> tuple[Check, ...]:
    """The checks that this case has to pass, in their order."""
    plain = case.scene is NO_SCENE and case.crossing is None
    return (PLAIN if plain else ASKED)[type(shown)]

"""The rules of a decision, and their order: CHECKS."""

from collections.abc import Callable
from typing import Any, NamedTuple

from gateway.access.case import DAY_S, DEFAULT_LIMITS, NOBODY, Case, Leases, Limits, Passage
from gateway.access.model import CredentialState
from gateway.access.presented import Card, Live, Pass
from gateway.access.reasons import DenyReason
from gateway.access.rights import is_leaving

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
_ENABLED = CredentialState.ENABLED  # looked up once: asked for every read


# Each rule says True when it refuses.


def _of_another_site(case: Case, shown: Live | Pass) -> bool:
    return shown.code.site != case.table.site


def _not_found(case: Case, shown: Card | Live) -> bool:
    return case.credential is NOBODY


def _issuer_unknown(case: Case, shown: Pass) -> bool:
    return case.table.issuer(shown.code.kid) is None


def _signature_bad(case: Case, shown: Live | Pass) -> bool:
    return not shown.signature_ok


def _pass_called_back(case: Case, shown: Pass) -> bool:
    return case.table.pass_denied(shown.code.pass_id)


def _not_enabled(case: Case, shown: Card | Live) -> bool:
    return case.credential.state is not _ENABLED


def _not_active(case: Case, shown: Card | Live) -> bool:
    start = case.credential.valid_from
    return start is not None and case.now < start


def _expired(case: Case, shown: Card | Live) -> bool:
    end = case.credential.valid_to
    return end is not None and case.now >= end


def _lease_over(case: Case, shown: Card | Live) -> bool:
    start = case.credential.refreshed_at
    lease_s = case.limits.leases.of(case.credential.holder_class)
    return start != 0 and lease_s is not None and case.now >= start + lease_s


def _too_weak(case: Case, shown: Card | Live | Pass) -> bool:
    return shown.assurance < case.point.min_assurance


def _for_another_door(case: Case, shown: Live) -> bool:
    return shown.code.door not in (0, case.point.door_number)


def _live_from_future(case: Case, shown: Live) -> bool:
    return shown.code.iat > case.now + case.limits.live_future_s


def _live_too_old(case: Case, shown: Live) -> bool:
    return shown.code.iat < case.now - case.limits.live_past_s


def _pass_too_early(case: Case, shown: Pass) -> bool:
    return case.now < shown.code.nbf - case.limits.pass_early_s


def _pass_over(case: Case, shown: Pass) -> bool:
    return case.now >= shown.code.exp


def _replayed(case: Case, shown: Live) -> bool:
    last = case.passage.last_iat(shown.code.handle)
    return last is not None and shown.code.iat <= last


def _used_up(case: Case, shown: Pass) -> bool:
    return case.passage.uses(shown.code.pass_id) >= shown.code.max_uses


def _no_right(case: Case, shown: Card | Live | Pass) -> bool:
    return not case.rights


def _not_public(case: Case, shown: Pass) -> bool:
    zone = case.table.zones.get(case.point.zone_to)
    return not (zone and zone.public) and not is_leaving(case.point, case.table.zones)


def _closed_now(case: Case, shown: Card | Live | Pass) -> bool:
    return case.open_right is None


class Check(NamedTuple):
    """One row of the order: the reason given if the rule refuses, and which presentations it is asked for."""

    reason: DenyReason
    refuses: Callable[[Case, Any], bool]  # Any: each rule names the presentations it takes
    of: tuple[type, ...]


ALL = (Card, Live, Pass)
CHECKS = (
    Check(DenyReason.WRONG_SITE, _of_another_site, (Live, Pass)),
    Check(DenyReason.CREDENTIAL_NOT_FOUND, _not_found, (Card, Live)),
    Check(DenyReason.UNKNOWN_ISSUER, _issuer_unknown, (Pass,)),
    Check(DenyReason.BAD_SIGNATURE, _signature_bad, (Live, Pass)),
    Check(DenyReason.PASS_DENIED, _pass_called_back, (Pass,)),
    Check(DenyReason.CREDENTIAL_NOT_ENABLED, _not_enabled, (Card, Live)),
    Check(DenyReason.CREDENTIAL_NOT_ACTIVE, _not_active, (Card, Live)),
    Check(DenyReason.CREDENTIAL_EXPIRED, _expired, (Card, Live)),
    Check(DenyReason.LEASE_EXPIRED, _lease_over, (Card, Live)),
    Check(DenyReason.ASSURANCE_TOO_LOW, _too_weak, ALL),
    Check(DenyReason.WRONG_DOOR, _for_another_door, (Live,)),
    Check(DenyReason.CODE_FROM_FUTURE, _live_from_future, (Live,)),
    Check(DenyReason.CODE_FROM_FUTURE, _pass_too_early, (Pass,)),
    Check(DenyReason.CODE_EXPIRED, _live_too_old, (Live,)),
    Check(DenyReason.CODE_EXPIRED, _pass_over, (Pass,)),
    Check(DenyReason.REPLAYED, _replayed, (Live,)),
    Check(DenyReason.USED_UP, _used_up, (Pass,)),
    Check(DenyReason.UNAUTHORIZED, _no_right, ALL),
    Check(DenyReason.NOT_PUBLIC, _not_public, (Pass,)),
    Check(DenyReason.NOT_PERMITTED_AT_THIS_TIME, _closed_now, ALL),
)
ASKED = {kind: tuple(check for check in CHECKS if kind in check.of) for kind in ALL}
"""The checks of each kind of presentation, in their order."""

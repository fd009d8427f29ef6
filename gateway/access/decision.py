"""May this presentation open this access point now? One pure function, over the published table of checks."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gateway.access.case import DEFAULT_LIMITS, NOBODY, Case, Leases, Limits, Passage, case_of
from gateway.access.checks import ASKED, CHECKS
from gateway.access.model import AccessPoint, Credential
from gateway.access.presented import Card, Live, Pass, Presented, Unreadable
from gateway.access.reasons import DenyReason
from gateway.access.table import PermissionTable

__all__ = [
    "CHECKS",
    "Card",
    "Denied",
    "DenyReason",
    "Granted",
    "Leases",
    "Limits",
    "Live",
    "LiveUsed",
    "Pass",
    "PassUsed",
    "Passage",
    "PassageChange",
    "Presented",
    "Unreadable",
    "decide",
]


@dataclass(frozen=True, slots=True)
class LiveUsed:
    """Keep with the grant: this handle's next code must be newer than `iat`."""

    handle: bytes
    iat: int


@dataclass(frozen=True, slots=True)
class PassUsed:
    """Keep with the grant: the pass's use number `n`; of no interest after `until`."""

    pass_id: bytes
    n: int
    until: int


PassageChange = LiveUsed | PassUsed


class Granted(NamedTuple):
    """The door may open once the changes are durable. `policy` is "profile/schedule"."""

    credential: Credential | None
    policy: str
    changes: tuple[PassageChange, ...] = ()


class Denied(NamedTuple):
    """The door stays shut, for the first reason in the order of CHECKS."""

    reason: DenyReason
    credential: Credential | None


def decide(
    table: PermissionTable,
    passage: Passage,
    point: AccessPoint,
    presented: Presented,
    at: datetime,
    limits: Limits = DEFAULT_LIMITS,
) -> Granted | Denied:
    """Granted if no check refuses, else Denied with the first one that does.

    Args:
        table: one table for the lookup, the signature check and this call.
        passage: what earlier passages left behind.
        point: one of `table.points`.
        presented: what the reader gave.
        at: aware time of the presentation.
        limits: leases and code windows.

    Raises:
        ValueError: `at` has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError("the time of a decision must be aware")
    if isinstance(presented, Unreadable):
        return Denied(presented.reason, None)
    case = case_of(table, passage, point, presented, at, limits)
    credential = None if case.credential is NOBODY else case.credential
    for reason, refuses, _ in ASKED[type(presented)]:
        if refuses(case, presented):
            return Denied(reason, credential)
    policy = case.open_right.policy if case.open_right else ""
    return Granted(credential, policy, _changes(case, presented))


def _changes(case: Case, presented: Card | Live | Pass) -> tuple[PassageChange, ...]:
    if isinstance(presented, Card):
        return ()
    if isinstance(presented, Live):
        return (LiveUsed(presented.code.handle, presented.code.iat),)
    code = presented.code
    return (PassUsed(code.pass_id, case.passage.uses(code.pass_id) + 1, code.exp),)

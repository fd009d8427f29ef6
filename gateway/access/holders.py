"""The effective rights, by the live table of checks: who may pass a door, and where a holder may go."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from gateway.access.case import DEFAULT_LIMITS, Case, Limits
from gateway.access.checks import PLAIN
from gateway.access.model import AccessPoint, Credential, CredentialType
from gateway.access.presence import NO_SCENE
from gateway.access.presented import Card
from gateway.access.table import PermissionTable

BEST = {
    CredentialType.CARD: 1,
    CredentialType.PIN: 0,
    CredentialType.IDCARD: 0,
    CredentialType.LIVE: 2,
    CredentialType.PASS: 1,
    CredentialType.STATIC: 0,
    CredentialType.PLATE: 0,
}  # the assurance that each type can reach
Best = Mapping[CredentialType, int]  # what each reaches at an access point; a type that no reader there takes has none
ANYWHERE: Mapping[str, Best] = {}  # by access point: without one all types are at their best


class Entitled(NamedTuple):
    """This credential opens this access point by this policy, presented at its best."""

    credential: Credential
    point: AccessPoint
    policy: str


class _Nothing:
    """No earlier passage: rights alone."""

    def last_iat(self, handle: bytes) -> int | None:
        return None

    def uses(self, id_: bytes) -> int:
        return 0


NOTHING = _Nothing()


def who_can(
    table: PermissionTable,
    point: AccessPoint,
    at: datetime,
    limits: Limits = DEFAULT_LIMITS,
    best: Mapping[str, Best] = ANYWHERE,
) -> Iterator[Entitled]:
    """Every credential that opens the access point at this time, whatever passages came before."""
    for row in table.entitled(point.name):
        yield from _entitled(table, row, point, at, limits, best.get(point.name, BEST))


def where_can(
    table: PermissionTable,
    holder: str,
    at: datetime,
    limits: Limits = DEFAULT_LIMITS,
    best: Mapping[str, Best] = ANYWHERE,
) -> Iterator[Entitled]:
    """Every access point that the holder's credentials open at this time, whatever passages came before."""
    for row in table.held_by(holder):
        for point in table.points.values():
            yield from _entitled(table, row, point, at, limits, best.get(point.name, BEST))


def _entitled(
    table: PermissionTable, row: Credential, point: AccessPoint, at: datetime, limits: Limits, best: Best
) -> Iterator[Entitled]:
    if row.type not in best:
        return
    shown = Card(row.key, best[row.type], row.pin if CredentialType.PIN in best else b"")
    case = Case(table, NOTHING, point, shown, at.timestamp(), limits, NO_SCENE)
    right = case.open_right
    if right is not None and not any(check.refuses(case, shown) for check in PLAIN[Card]):
        yield Entitled(row, point, right.policy)

"""The whole must hold together: what a record names exists, numbers and cards are given once, zones form a tree."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from mgmt_api.office.wire import Kind
from mgmt_api.problems import Fault, Problem
from mgmt_api.tables.office import Credential, Profile, Resident, Schedule, SpecialDays, Unit, Way, Zone

MOST_FAULTS = 100
Pointers = Mapping[tuple[Kind, str], str]  # where in the request a record's body stands


@dataclass(frozen=True, slots=True)
class _Finding:
    kind: Kind
    id: str
    field: str
    code: str
    detail: str


def require_whole(session: Session, since: int, deleted: set[Kind], pointers: Pointers) -> None:
    """Check what was written after version `since` and what `deleted` kinds leave behind. Raises `Problem`."""
    found: list[_Finding] = []
    for finding in _findings(session, since, deleted):
        found.append(finding)
        if len(found) == MOST_FAULTS:
            break
    if found:
        raise Problem("validation", errors=[_fault(finding, pointers) for finding in found])


def _fault(finding: _Finding, pointers: Pointers) -> Fault:
    where = pointers.get((finding.kind, finding.id), f"/{finding.kind}/{finding.id}")
    return Fault(f"{where}/{finding.field}", finding.code, finding.detail)


def _findings(session: Session, since: int, deleted: set[Kind]) -> Iterator[_Finding]:
    yield from _zones(session)
    yield from _units(session)
    yield from _schedules(session)
    yield from _profiles(session)
    yield from _homes(session)
    yield from _holders(session, -1 if "residents" in deleted else since)
    yield from _twins(session, since)
    yield from _granted(session, -1 if "profiles" in deleted else since)


def _zones(session: Session) -> Iterator[_Finding]:
    parents = {row.id: row.parent for row in session.execute(select(Zone.id, Zone.parent))}
    for id_, parent in parents.items():
        if parent is not None and parent not in parents:
            yield _Finding("zones", id_, "parent", "unknown-zone", f"there is no zone {parent!r}")
        elif _loops(id_, parents):
            yield _Finding("zones", id_, "parent", "zone-loop", "the zone would lie within itself")


def _loops(start: str, parents: Mapping[str, str | None]) -> bool:
    seen, at = {start}, parents[start]
    while at is not None and at not in seen:
        seen.add(at)
        at = parents.get(at)
    return at == start


def _units(session: Session) -> Iterator[_Finding]:
    lost = select(Unit.id, Unit.zone).outerjoin(Zone, Zone.id == Unit.zone).where(Zone.id.is_(None))
    for id_, zone in session.execute(lost.limit(MOST_FAULTS)):
        yield _Finding("units", id_, "zone", "unknown-zone", f"there is no zone {zone!r}")


def _schedules(session: Session) -> Iterator[_Finding]:
    known = set(session.scalars(select(SpecialDays.id)))
    for id_, special in session.execute(select(Schedule.id, Schedule.special).where(Schedule.special != "[]")):
        for i, name in enumerate(json.loads(special)):
            if name not in known:
                detail = f"there are no special_days {name!r}"
                yield _Finding("schedules", id_, f"special/{i}", "unknown-special-days", detail)


def _homes(session: Session) -> Iterator[_Finding]:
    known = set(session.scalars(select(Unit.id)))
    for id_, homes in session.execute(select(Resident.id, Resident.homes).where(Resident.homes != "[]")):
        for i, unit in enumerate(json.loads(homes)):
            if unit not in known:
                yield _Finding("residents", id_, f"homes/{i}", "unknown-unit", f"there is no unit {unit!r}")


def _profiles(session: Session) -> Iterator[_Finding]:
    known = {"zone": set(session.scalars(select(Zone.id))), "schedule": set(session.scalars(select(Schedule.id)))}
    owner = {row.number: row.id for row in session.execute(select(Way.number, Way.id))}
    for id_, number, policies in session.execute(select(Profile.id, Profile.number, Profile.policies)):
        if owner.setdefault(number, id_) != id_:
            detail = f"profile {owner[number]!r} has number {number} too"
            yield _Finding("profiles", id_, "number", "duplicate-number", detail)
        for i, policy in enumerate(json.loads(policies)):
            for word in known.keys() & policy.keys():
                if policy[word] not in known[word]:
                    detail = f"there is no {word} {policy[word]!r}"
                    yield _Finding("profiles", id_, f"policies/{i}/{word}", f"unknown-{word}", detail)


def _holders(session: Session, since: int) -> Iterator[_Finding]:
    orphans = (
        select(Credential.id, Credential.resident)
        .outerjoin(Resident, Resident.id == Credential.resident)
        .where(Credential.version > since, Resident.id.is_(None))
        .limit(MOST_FAULTS)
    )
    for id_, resident in session.execute(orphans):
        yield _Finding("credentials", id_, "resident", "unknown-resident", f"there is no resident {resident!r}")


def _twins(session: Session, since: int) -> Iterator[_Finding]:
    other = aliased(Credential)
    twins = (
        select(Credential.id, other.id)
        .join(other, (other.key == Credential.key) & (other.id != Credential.id))
        .where(Credential.version > since)
        .limit(MOST_FAULTS)
    )
    for id_, twin in session.execute(twins):
        yield _Finding("credentials", id_, "card", "duplicate-identifier", f"credential {twin!r} has the same number")


def _granted(session: Session, since: int) -> Iterator[_Finding]:
    known = set(session.scalars(select(Profile.id)))
    for text in session.scalars(select(Credential.profiles).where(Credential.version > since).distinct()):
        for unknown in sorted(set(json.loads(text)) - known):
            yield from _holding(session, since, text, unknown)


def _holding(session: Session, since: int, profiles: str, unknown: str) -> Iterator[_Finding]:
    holding = select(Credential.id).where(Credential.version > since, Credential.profiles == profiles)
    for id_ in session.scalars(holding.limit(MOST_FAULTS)):
        yield _Finding("credentials", id_, "profiles", "unknown-profile", f"there is no profile {unknown!r}")

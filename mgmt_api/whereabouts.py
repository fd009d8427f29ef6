"""Who is where, as the gateways' events tell it: what one gateway saw, the others of the site hear from here."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.access.event import EventKind
from mgmt_api import doors
from mgmt_api.tables.doors import Whereabouts
from mgmt_api.tables.office import Zone

PAGE_ROWS = 2000
TELLING = frozenset({EventKind.TAKEN, EventKind.COMMAND_OUTCOME, EventKind.PARDONED, EventKind.ORDERED})
Json = dict[str, Any]


class Known(NamedTuple):
    """One fact: this person ("": everybody) came into the zone, or is no longer known to be in it."""

    zone: str
    person: str
    at: float  # Unix seconds
    inside: bool
    lead: bool = False  # he came in as a LEAD


def learn(session: Session, records: Iterable[Raw]) -> bool:
    """Keep what these events tell; whether that is something new. What is known of a later moment stays."""
    learned = False
    for fact in (fact for record in records for fact in _facts(msgspec.json.decode(record))):
        if not (fact.zone and fact.person):
            learned = _forget(session, fact) or learned
        learned = _keep(session, fact) or learned
    return learned


def since(session: Session, after: int) -> Json:
    """What was learned after a version: rows oldest first, the version that they reach, and the shared zones."""
    rows = session.scalars(
        select(Whereabouts).where(Whereabouts.version > after).order_by(Whereabouts.version).limit(PAGE_ROWS)
    ).all()
    return {
        "version": rows[-1].version if rows else after,
        "rows": [
            {"zone": row.zone, "person": row.person, "at": row.at, "inside": row.inside, "led": row.led_at}
            for row in rows
        ],
        "shared": sorted(_shared(session)),
    }


def _facts(event: Json) -> Iterator[Known]:
    """Events come from gateways, whose token is theirs alone; a detail of another shape tells nothing."""
    detail = event.get("detail")
    if not isinstance(detail, dict):
        return
    moment = float(event["occurred_at"])
    if event["kind"] == EventKind.PARDONED or detail.get("action") == "pardon":
        yield Known(str(detail.get("zone", "")), str(detail.get("person", "")), moment, False)
    moved = detail.get("moved")
    for move in moved if isinstance(moved, list) else ():
        try:
            person, at = str(move["person"]), float(move["at"])
            yield from (Known(str(zone), person, at, False) for zone in move["leaving"])
            lead = move.get("lead") is True
            yield from (Known(str(zone), person, at, True, lead) for zone in move["entering"])
        except (KeyError, TypeError, ValueError):
            continue


def _keep(session: Session, fact: Known) -> bool:
    if not fact.zone:
        return False
    zone, person, version = fact.zone[:64], fact.person[:128], _next(session)
    row = session.get(Whereabouts, (zone, person))
    if row is not None and row.at > fact.at:
        return False
    led_at = fact.at if fact.lead else row and row.led_at
    facts = {"at": fact.at, "inside": fact.inside, "led_at": led_at}
    session.merge(Whereabouts(zone=zone, person=person, version=version, **facts))
    session.flush()
    return True


def _forget(session: Session, fact: Known) -> bool:
    """A pardon: nobody who came before is known to be there. Without a zone it is of every zone he is in."""
    inside = select(Whereabouts).where(Whereabouts.inside, Whereabouts.at <= fact.at)
    for column, name in ((Whereabouts.zone, fact.zone), (Whereabouts.person, fact.person)):
        inside = inside.where(column == name) if name else inside
    rows = session.scalars(inside).all()
    for row in rows:
        row.inside, row.at, row.version = False, fact.at, _next(session)
        session.flush()
    return bool(rows)


def _next(session: Session) -> int:
    return (session.execute(select(func.max(Whereabouts.version))).scalar_one() or 0) + 1


def _shared(session: Session) -> set[str]:
    """The zones whose bounds doors of more than one gateway cross."""
    rows = session.execute(select(Zone.id, Zone.parent))
    parents: dict[str, str | None] = {row.id: row.parent for row in rows}
    borders = [
        {zone for point in inventory.get("access_points", ()) for zone in _crossed(point, parents)}
        for _, inventory in doors.inventories(session)
    ]
    return {zone for n, zones in enumerate(borders) for zone in zones if any(zone in each for each in borders[:n])}


def _crossed(point: Json, parents: dict[str, str | None]) -> set[str]:
    return set(_around(point["zone_from"], parents)) ^ set(_around(point["zone_to"], parents))


def _around(zone: str, parents: dict[str, str | None]) -> Sequence[str]:
    """The zone and all that it lies in."""
    chain = [zone]
    while (parent := parents.get(chain[-1])) is not None and parent not in chain:
        chain.append(parent)
    return chain

"""Ways home: the profiles that follow from the property tree and who lives where, kept beside central's own.

Each zone that a unit lies in has three: `@home:` for those who live there, `@club:` for them while their account is in
good standing, `@visit:` for their visitors. Their rows are never deleted: a pass names its profile by number, and a
number that named another way one day would open the wrong doors.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from gateway.access.homes import Place, PropertyTree, Use
from gateway.access.model import ALWAYS, HolderClass
from mgmt_api.database import Database
from mgmt_api.office import store
from mgmt_api.office.wire import Kind
from mgmt_api.problems import Problem
from mgmt_api.tables import table_of
from mgmt_api.tables.office import Credential, Profile, Resident, Unit, Way, WayHome, Zone

TOP_NUMBER = 65_535  # numbers are given from here downwards, central's rise from 1
ID_CHARS = 64
FEW = 50  # units whose residents are looked for one by one
PLACES: set[Kind] = {"zones", "units"}
Homes = Mapping[str, tuple[str, str, str]]  # unit: its zone, state and standing
Ids = Sequence[str] | None  # None: any may have changed


def derive(session: Session, database: Database, changed: Mapping[Kind, Ids]) -> None:
    """Work out anew what follows from these records, after they were written. Raises `Problem` validation."""
    if changed.keys() & PLACES:
        _ways(session, database)
    wanted = _concerned(changed)
    if wanted is not None:
        _residents(session, database, wanted)


def visit_of(session: Session, host: str) -> str | None:
    """The way to this resident that his visitors have: that to the first of his homes."""
    homes = json.loads(session.scalars(select(Resident.homes).where(Resident.id == host)).one())
    known = _homes(session)
    return next((way_id("visit", zone) for zone, _ in _lived_in(homes, known)), None)


def way_id(sort: str, zone: str) -> str:
    """The name of a zone's way; central's own ids never begin with @."""
    plain = f"@{sort}:{zone}"
    return plain if len(plain) <= ID_CHARS else f"@{sort}:{sha256(zone.encode()).hexdigest()[:32]}"


def _concerned(changed: Mapping[Kind, Ids]) -> Select[str, str, str] | None:
    """The residents whose ways may be others now; None for nobody."""
    everybody = select(Resident.id, Resident.homes, Resident.holder_class)
    units, residents = changed.get("units", ()), changed.get("residents", ())
    if "zones" in changed or units is None or residents is None or len(units) > FEW:
        return everybody
    if not units and not residents:
        return None
    living = [Resident.homes.contains(json.dumps(unit), autoescape=True) for unit in units]
    return everybody.where(or_(*living, Resident.id.in_(residents)))


def _ways(session: Session, database: Database) -> None:
    """Bring the derived profiles up to date."""
    kept = {row.id: (row.number, row.policies) for row in session.execute(select(Way.id, Way.number, Way.policies))}
    wanted = dict.fromkeys(kept, "[]") | dict(_wanted(session))
    changed = [id_ for id_, text in wanted.items() if id_ not in kept or kept[id_][1] != text]
    if not changed:
        return
    numbers = _free_numbers(session, {number for number, _ in kept.values()})
    first = store.take(session, "table", len(changed))
    rows = [
        {"id": id_, "number": kept[id_][0] if id_ in kept else next(numbers), "policies": wanted[id_], "version": place}
        for place, id_ in enumerate(changed, first)
    ]
    database.bulk(session, database.upsert(table_of(Way), ["id"]), rows)


def _wanted(session: Session) -> Iterator[tuple[str, str]]:
    columns = (Zone.id, Zone.parent, Zone.public, Zone.use, Zone.standing)
    rows = session.execute(select(*columns))
    tree = PropertyTree(Place(row.id, row.parent, row.public, Use(row.use), row.standing) for row in rows)
    for zone in session.scalars(select(Unit.zone).distinct().order_by(Unit.zone)):
        ways = tree.ways(zone)
        for sort, zones in (("home", ways.home), ("visit", ways.visit), ("club", ways.amenities)):
            if zones:
                yield way_id(sort, zone), _json([{"schedule": ALWAYS, "zone": each} for each in zones])


def _json(value: Sequence[object]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _free_numbers(session: Session, mine: set[int]) -> Iterator[int]:
    taken = mine | set(session.scalars(select(Profile.number)))
    free = (number for number in range(TOP_NUMBER, 0, -1) if number not in taken)
    yield from free
    raise Problem("validation", "There are more ways home than profile numbers.")


def _residents(session: Session, database: Database, wanted: Select[str, str, str]) -> None:
    """Give each of these residents the ways of his homes; his credentials change with them."""
    known = _homes(session)
    kept = {row.resident: row.profiles for row in session.execute(select(WayHome.resident, WayHome.profiles))}
    fresh = {row.id: _profiles(json.loads(row.homes), row.holder_class, known) for row in session.execute(wanted)}
    changed = {id_: text for id_, text in fresh.items() if kept.get(id_, "[]") != text}
    if not changed:
        return
    rows = [{"resident": id_, "profiles": text} for id_, text in changed.items()]
    database.bulk(session, database.upsert(table_of(WayHome), ["resident"]), rows)
    for some in store.chunks(list(changed)):
        store.touch(session, session.scalars(select(Credential.id).where(Credential.resident.in_(some))).all())


def _homes(session: Session) -> Homes:
    rows = session.execute(select(Unit.id, Unit.zone, Unit.state, Unit.standing))
    return {row.id: (row.zone, row.state, row.standing) for row in rows}


def _lived_in(homes: Sequence[str], known: Homes) -> Iterator[tuple[str, str]]:
    """(zone, standing) of each of these units that is not vacant."""
    for unit in homes:
        zone, state, standing = known.get(unit, ("", "vacant", ""))
        if state != "vacant":
            yield zone, standing


def _profiles(homes: Sequence[str], class_: str, known: Homes) -> str:
    """The ways of these homes, as JSON."""
    visiting = class_ == HolderClass.VISITOR
    found: dict[str, None] = {}
    for zone, standing in _lived_in(homes, known):
        found[way_id("visit" if visiting else "home", zone)] = None
        if standing == "good" and not visiting:
            found[way_id("club", zone)] = None
    return _json(list(found))

"""Residents as the console may see them: found by name, unit or a whole number; private numbers masked."""

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, or_, select, tuple_
from sqlalchemy.orm import Session

from gateway.access.identifier import plate_value
from mgmt_api.idnumber import masked_id_number, masked_phone
from mgmt_api.keys import Keys
from mgmt_api.moments import iso
from mgmt_api.office import store
from mgmt_api.problems import Problem
from mgmt_api.tables.office import Credential, Hold, Resident, Unit

MOST = 50
Json = dict[str, Any]


def search(session: Session, keys: Keys, query: str, most: int = MOST, after: str | None = None) -> list[Json]:
    """At most `most` residents; all when `query` is empty. `after`: the id of the last one of the page before."""
    statement = select(Resident).order_by(Resident.unit, Resident.name, Resident.id).limit(most)
    if after is not None and (last := session.get(Resident, after)) is not None:
        place = tuple_(Resident.unit, Resident.name, Resident.id)
        statement = statement.where(place > tuple_(last.unit, last.name, last.id))
    found = list(session.scalars(_matching(statement, keys, query) if query else statement))
    held = _credentials(session, [resident.id for resident in found])
    return [_shape(resident, keys) | {"credentials": held.get(resident.id, [])} for resident in found]


def one(session: Session, keys: Keys, id_: str) -> Json:
    """A resident with credentials and homes. Raises `Problem` not-found."""
    found = require(session, id_)
    units = session.scalars(select(Unit).where(Unit.id.in_(json.loads(found.homes))).order_by(Unit.id))
    homes = [{"id": unit.id, "zone": unit.zone, "state": unit.state, "standing": unit.standing} for unit in units]
    return _shape(found, keys) | {"homes": homes, "credentials": _credentials(session, [id_]).get(id_, [])}


def reveal(session: Session, keys: Keys, id_: str) -> Json:
    """Phone and ID number in full: whoever calls notes who asked, and why. Raises `Problem` not-found."""
    private = _private(require(session, id_), keys)
    return {"phone": private.get("phone", ""), "id_number": private.get("id_number", "")}


def require(session: Session, id_: str) -> Resident:
    """The resident's row. Raises `Problem` not-found."""
    found = session.get(Resident, id_)
    if found is None:
        raise Problem("not-found", f"There is no resident {id_!r}.")
    return found


def names(session: Session, ids: Collection[str]) -> dict[str, Json]:
    """Name and unit by id."""
    found: dict[str, Json] = {}
    for some in store.chunks(sorted(ids)):
        rows = session.execute(select(Resident.id, Resident.name, Resident.unit).where(Resident.id.in_(some)))
        found |= {row.id: {"name": row.name, "unit": row.unit} for row in rows}
    return found


def _matching(statement: Select[Any], keys: Keys, query: str) -> Select[Any]:
    found = [
        Resident.id == query,
        Resident.name.contains(query, autoescape=True),
        Resident.unit.startswith(query, autoescape=True),
        Resident.phone_index == keys.blind("phone", query.replace(" ", "").replace("-", "")),
        Resident.id_number_index == keys.blind("id_number", query.upper()),
        Resident.id.in_(select(Credential.resident).where(Credential.id == query)),
    ]
    if (plate := plate_value(query)) is not None:
        found.append(Resident.id.in_(select(Credential.resident).where(Credential.key == keys.plate(plate))))
    return statement.where(or_(*found))


def _private(resident: Resident, keys: Keys) -> Json:
    if not resident.sealed:
        return {}
    found: Json = json.loads(keys.unseal(f"resident:{resident.id}", resident.sealed))
    return found


def _shape(resident: Resident, keys: Keys) -> Json:
    private = _private(resident, keys)
    return {
        "id": resident.id,
        "name": resident.name,
        "unit": resident.unit,
        "holder_class": resident.holder_class,
        "phone": masked_phone(private.get("phone", "")),
        "id_number": masked_id_number(private.get("id_number", "")),
    }


def _credentials(session: Session, residents: list[str]) -> dict[str, list[Json]]:
    held: dict[str, list[Json]] = {}
    statement = select(Credential, Hold).outerjoin(Hold, Hold.credential == Credential.id)
    for credential, hold in session.execute(
        statement.where(Credential.resident.in_(residents)).order_by(Credential.id)
    ):
        held.setdefault(credential.resident, []).append(_credential(credential, hold))
    return held


def _credential(credential: Credential, hold: Hold | None) -> Json:
    stopped = {"state": hold.state, "reason": hold.reason, "by": hold.by, "at": iso(hold.at)} if hold else None
    return {
        "id": credential.id,
        "type": credential.type,
        "format": credential.format,
        "tail": credential.tail,
        "state": hold.state if hold else credential.state,
        "office_state": credential.state,
        "hold": stopped,
        "has_pin": bool(credential.pin),
        "profiles": json.loads(credential.profiles),
        "valid_from": _iso(credential.valid_from),
        "valid_to": _iso(credential.valid_to),
    }


def _iso(unix_s: int | None) -> str | None:
    return None if unix_s is None else iso(unix_s)

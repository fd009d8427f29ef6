"""Residents as the console may see them: found by name, unit or a whole number; private numbers masked."""

import json
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mgmt_api.idnumber import masked_id_number, masked_phone
from mgmt_api.keys import Keys
from mgmt_api.moments import iso
from mgmt_api.tables.office import Credential, Resident

MOST = 50
Json = dict[str, Any]


def search(session: Session, keys: Keys, query: str, most: int = MOST) -> list[Json]:
    """At most `most` residents; all when `query` is empty."""
    statement = select(Resident).order_by(Resident.unit, Resident.name, Resident.id).limit(most)
    if query:
        statement = statement.where(
            or_(
                Resident.id == query,
                Resident.name.contains(query, autoescape=True),
                Resident.unit.startswith(query, autoescape=True),
                Resident.phone_index == keys.blind("phone", query.replace(" ", "").replace("-", "")),
                Resident.id_number_index == keys.blind("id_number", query.upper()),
            )
        )
    found = list(session.scalars(statement))
    held = _credentials(session, [resident.id for resident in found])
    return [_shape(resident, keys) | {"credentials": held.get(resident.id, [])} for resident in found]


def _shape(resident: Resident, keys: Keys) -> Json:
    private = json.loads(keys.unseal(f"resident:{resident.id}", resident.sealed)) if resident.sealed else {}
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
    statement = select(Credential).where(Credential.resident.in_(residents)).order_by(Credential.id)
    for credential in session.scalars(statement):
        held.setdefault(credential.resident, []).append(
            {
                "id": credential.id,
                "type": credential.type,
                "format": credential.format,
                "tail": credential.tail,
                "state": credential.state,
                "profiles": json.loads(credential.profiles),
                "valid_from": _iso(credential.valid_from),
                "valid_to": _iso(credential.valid_to),
            }
        )
    return held


def _iso(unix_s: int | None) -> str | None:
    return None if unix_s is None else iso(unix_s)

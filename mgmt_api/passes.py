"""Visitor passes: signed here (MJ1, ES256), valid at doors that never heard of them, called back by a list."""

import secrets

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gateway.access import mj1
from mgmt_api.issuers import install, others_sign
from mgmt_api.office import store
from mgmt_api.office.ways import visit_of
from mgmt_api.pass_keys import BadIssuerKey, sign
from mgmt_api.problems import Fault, Problem
from mgmt_api.tables import table_of
from mgmt_api.tables.office import Denied, Profile, Resident, VisitorPass, Way

LATEST = (1 << 32) - 1  # no pass ends later: MJ1 counts seconds in 32 bits


def issue(session: Session, key: EllipticCurvePrivateKey | None, site: int, wanted: VisitorPass) -> str:
    """Sign and file a pass, its id and kid being set here; the text to show. Raises `Problem`."""
    if key is None:
        raise Problem("no-issuer-key")
    if session.get(Resident, wanted.host) is None:
        raise _unknown("host", wanted.host)
    number = _number(session, wanted)
    pass_id = secrets.token_bytes(8)
    try:
        wanted.id, wanted.kid = pass_id.hex(), install(session, key)
    except BadIssuerKey as error:
        raise Problem("no-issuer-key", f"The plane's key has no number: {error}.") from error
    session.add(wanted)
    nbf, exp = wanted.valid_from, wanted.valid_to
    signed = mj1.pass_signed(wanted.kid, pass_id, site, nbf, exp, number, wanted.max_uses)
    return mj1.encode(signed, sign(key, signed))


def _number(session: Session, wanted: VisitorPass) -> int:
    """The number of the pass's profile; without one it is the way to the host."""
    if not wanted.profile:
        way = visit_of(session, wanted.host)
        if way is None:
            raise Problem("validation", errors=[Fault("/host", "no-home", "the host lives in no unit: name a profile")])
        wanted.profile = way
    for model in (Profile, Way):
        number = session.scalars(select(model.number).where(model.id == wanted.profile)).first()
        if number is not None:
            return number
    raise _unknown("profile", wanted.profile)


def call_back(session: Session, key: EllipticCurvePrivateKey | None, pass_id: str) -> None:
    """Put a pass on the deny list; of one that others signed nobody here knows the end. Raises `Problem` not-found."""
    found = session.get(VisitorPass, pass_id)
    if found is None and not others_sign(session, key):
        raise Problem("not-found", "This plane never signed such a pass.")
    if session.get(Denied, pass_id) is None:
        until = found.valid_to if found else LATEST
        store.revive(session, "denied", [pass_id])
        session.add(Denied(id=pass_id, until=until, version=store.take(session, "table", 1)))
        session.flush()


def sweep(session: Session, now: int) -> int:
    """Drop from the deny list what has ended by itself; how many."""
    ended = session.scalars(select(Denied.id).where(Denied.until <= now)).all()
    store.bury(session, "denied", dict.fromkeys(ended, b""), now)
    session.execute(delete(table_of(Denied)).where(Denied.id.in_(ended)))
    return len(ended)


def _unknown(field: str, id_: str) -> Problem:
    return Problem("validation", errors=[Fault(f"/{field}", f"unknown-{field}", f"there is no {field} {id_!r}")])

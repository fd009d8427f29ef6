"""The keys that sign visitor passes, each under a number (kid): the plane's own, and those that others sign with."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, EllipticCurvePublicKey
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from mgmt_api.moments import iso
from mgmt_api.office import store
from mgmt_api.pass_keys import BadIssuerKey, public_of
from mgmt_api.problems import Fault, Problem
from mgmt_api.tables.office import Issuer, VisitorPass

KIDS = range(16)


def install(session: Session, key: EllipticCurvePrivateKey) -> int:
    """Tell gateways of the plane's own key, once; its number. Raises `BadIssuerKey`."""
    public = public_of(key)
    known = _known(session)
    mine: list[int] = [kid for kid, theirs in known.items() if theirs == public]
    if mine:
        return mine[0]
    free = [kid for kid in KIDS if kid not in known]
    if not free:
        raise BadIssuerKey("all 16 issuer key numbers are taken; retire one first")
    _add(session, free[0], public)
    return free[0]


def register(session: Session, kid: int, public_key: bytes) -> bool:
    """Let doors take passes that this key signs under this number; whether that is new.

    Raises:
        Problem: validation, or exists: the number has another key, whose passes would die unseen.
    """
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), public_key)
    except ValueError as error:
        fault = Fault("/public_key", "public-key", "not a point on P-256")
        raise Problem("validation", errors=[fault]) from error
    known = _known(session).get(kid)
    if known == public_key:
        return False
    if known is not None:
        raise Problem("exists", f"Number {kid} has another key: take a free one, or retire it first.")
    _add(session, kid, public_key)
    return True


def retire(session: Session, kid: int, own: EllipticCurvePrivateKey | None, now: int) -> bool:
    """No door takes a pass under this number any more; whether it was there. A plane's own key that has none takes it.

    Raises:
        Problem: in-use, for the key that the plane signs with now.
    """
    if own is not None and _known(session).get(kid) == public_of(own):
        raise Problem("in-use", "The plane signs with this key: give it another one and start it anew first.")
    if session.execute(delete(Issuer).where(Issuer.kid == kid).returning(Issuer.kid)).first() is None:
        return False
    store.bury(session, "issuer", {str(kid): b""}, now)
    if own is not None:
        install(session, own)
    return True


def listed(session: Session, own: EllipticCurvePrivateKey | None) -> list[dict[str, Any]]:
    """Each key. `own`: the plane signs with it now; `passes_until`: when the last pass ends that it signed so."""
    ends = dict(
        session.execute(select(VisitorPass.kid, func.max(VisitorPass.valid_to)).group_by(VisitorPass.kid)).all()
    )
    mine = None if own is None else public_of(own)
    return [
        {
            "kid": kid,
            "public_key": public.hex(),
            "own": public == mine,
            "passes_until": iso(ends[kid]) if kid in ends else None,
        }
        for kid, public in _known(session).items()
    ]


def others_sign(session: Session, own: EllipticCurvePrivateKey | None) -> bool:
    """Whether doors take passes that the plane's own key did not sign."""
    mine = None if own is None else public_of(own)
    return any(public != mine for public in _known(session).values())


def _known(session: Session) -> dict[int, bytes]:
    rows = session.execute(select(Issuer.kid, Issuer.public_key).order_by(Issuer.kid))
    return {row.kid: row.public_key for row in rows}


def _add(session: Session, kid: int, public_key: bytes) -> None:
    store.revive(session, "issuer", [str(kid)])
    session.add(Issuer(kid=kid, public_key=public_key, version=store.take(session, "table", 1)))
    session.flush()

"""People and what they present, as columns. No number and no PIN is kept plain: keyed hashes, or sealed."""

from collections.abc import Callable
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from gateway.access.identifier import plate_value
from gateway.access.mj1 import join_keys
from gateway.access.model import Mark
from mgmt_api.idnumber import is_id_number
from mgmt_api.keys import Keys
from mgmt_api.office.formats import canonical
from mgmt_api.office.reading import BadRecord
from mgmt_api.office.wire_people import (
    CardBody,
    CredentialBody,
    IdCardBody,
    LiveBody,
    PinBody,
    PlateBody,
    ResidentBody,
    StaticBody,
    WithPin,
)
from mgmt_api.problems import Fault

Row = dict[str, Any]  # column name: value


def resident(id_: str, body: ResidentBody, keys: Keys) -> Row:
    """The columns of a resident. Raises `BadRecord`."""
    number = _id_number(body.id_number) if body.id_number else ""
    phone = (body.phone or "").replace(" ", "").replace("-", "")
    private = to_json({"phone": phone, "id_number": number}).encode() if phone or number else b""
    return {
        "name": body.name,
        "unit": body.unit or "",
        "holder_class": body.holder_class.value,
        "homes": to_json(body.homes),
        "sealed": keys.seal(f"resident:{id_}", private) if private else b"",
        "phone_index": keys.blind("phone", phone) if phone else b"",
        "id_number_index": keys.blind("id_number", number) if number else b"",
    }


def credential(_id: str, body: CredentialBody, keys: Keys) -> Row:
    """The columns of a credential. Raises `BadRecord`."""
    identifier: Row = {"tail": "", "public_key": b"", "sealed": b"", **_IDENTIFIERS[type(body)](body, keys)}
    pin, duress_pin = (body.pin, body.duress_pin) if isinstance(body, WithPin) else (None, None)
    return identifier | {
        "resident": body.resident,
        "state": body.state.value,
        "profiles": to_json(body.profiles),
        "valid_from": int(body.valid_from.timestamp()) if body.valid_from else None,
        "valid_to": int(body.valid_to.timestamp()) if body.valid_to else None,
        "pin": keys.second_factor(identifier["key"], pin) if pin else b"",
        "duress_pin": keys.second_factor(identifier["key"], duress_pin) if duress_pin else b"",
        "max_uses": body.max_uses or 0,
        "marks": sum({Mark[word.upper()] for word in body.marks}),
    }


def _card(body: CardBody, keys: Keys) -> Row:
    format_ = canonical(body.format) or body.format
    key = keys.card(format_, body.facility, body.card)
    sealed = keys.number(key, body.facility, body.card)
    return {"type": "card", "format": format_, "tail": str(body.card)[-4:], "key": key, "sealed": sealed}


def _live(body: LiveBody, keys: Keys) -> Row:
    own = {body.kid: _point(body.public_key, "/public_key")}
    if body.next is not None:
        own[body.next.kid] = _point(body.next.public_key, "/next/public_key")
    return {"type": "live", "format": "MJ1", "key": keys.live(body.handle.lower()), "public_key": join_keys(own)}


def _point(text: str, pointer: str) -> bytes:
    public_key = bytes.fromhex(text)
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), public_key)
    except ValueError as error:
        raise BadRecord(Fault(pointer, "public-key", "not a point on P-256")) from error
    return public_key


def _idcard(body: IdCardBody, keys: Keys) -> Row:
    number = _id_number(body.id_number)
    return {"type": "idcard", "format": "GB11643", "tail": number[-4:], "key": keys.idcard(number)}


def _id_number(text: str) -> str:
    number = text.upper()
    if not is_id_number(number):
        raise BadRecord(Fault("/id_number", "id-number", "not a valid identification number (GB 11643)"))
    return number


def _pin(body: PinBody, keys: Keys) -> Row:
    return {"type": "pin", "format": "PIN", "key": keys.pin(body.pin)}


def _plate(body: PlateBody, keys: Keys) -> Row:
    plate = plate_value(body.plate) or ""
    return {"type": "plate", "format": "GA36", "tail": plate[-4:], "key": keys.plate(plate)}


def _static(body: StaticBody, keys: Keys) -> Row:
    return {"type": "static", "format": "TEXT", "key": keys.static(body.text)}


_IDENTIFIERS: dict[type[CredentialBody], Callable[[Any, Keys], Row]] = {
    CardBody: _card,
    LiveBody: _live,
    IdCardBody: _idcard,
    PinBody: _pin,
    PlateBody: _plate,
    StaticBody: _static,
}


def to_json(value: Any) -> str:
    """Compact JSON."""
    return msgspec.json.encode(value).decode()

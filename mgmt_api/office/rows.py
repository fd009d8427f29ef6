"""From a checked body to the columns that are kept. No clock and no database: what is needed is given."""

from collections.abc import Callable
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from mgmt_api.idnumber import is_id_number
from mgmt_api.keys import Keys
from mgmt_api.office.formats import canonical
from mgmt_api.office.reading import BadRecord
from mgmt_api.office.wire import (
    CardBody,
    CredentialBody,
    IdCardBody,
    Kind,
    Label,
    LiveBody,
    PinBody,
    ProfileBody,
    ResidentBody,
    ScheduleBody,
    WindowBody,
    ZoneBody,
)
from mgmt_api.problems import Fault

Row = dict[str, Any]  # column name: value
DAY_MINUTES = 1440
_pack = msgspec.msgpack.Encoder(order="deterministic").encode


def to_row(kind: Kind, id_: str, body: Any, keys: Keys, now: int) -> Row:
    """The columns of a record, with the digest of what central sent. Raises `BadRecord`."""
    row = _MAKERS[kind](id_, body, keys)
    row |= {"id": id_, "digest": keys.digest(kind, _pack(body))}
    if kind == "credentials":
        row["refreshed_at"] = now
    return row


def _zone(_id: str, body: ZoneBody, _keys: Keys) -> Row:
    return {"parent": body.parent, "public": body.public, "name": _label(body.name)}


def _schedule(_id: str, body: ScheduleBody, _keys: Keys) -> Row:
    windows = [part for window in body.windows for part in _split(window)]
    return {"windows": _json(windows), "name": _label(body.name)}


def _split(window: WindowBody) -> list[dict[str, int]]:
    """One window, or two when it runs across midnight."""
    start, end = _minutes(window.start), _minutes(window.end)
    if end > start:
        return [{"weekday": window.weekday, "start": start, "end": end}]
    first = {"weekday": window.weekday, "start": start, "end": DAY_MINUTES}
    return [first] if end == 0 else [first, {"weekday": window.weekday % 7 + 1, "start": 0, "end": end}]


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _profile(_id: str, body: ProfileBody, _keys: Keys) -> Row:
    policies = [
        {"schedule": policy.schedule}
        | ({"zone": policy.zone} if policy.zone is not None else {"access_point": policy.access_point})
        for policy in body.policies
    ]
    return {"number": body.number, "policies": _json(policies), "name": _label(body.name)}


def _resident(id_: str, body: ResidentBody, keys: Keys) -> Row:
    number = (body.id_number or "").upper()
    if number and not is_id_number(number):
        raise BadRecord(Fault("/id_number", "id-number", "not a valid identification number (GB 11643)"))
    phone = (body.phone or "").replace(" ", "").replace("-", "")
    private = _json({"phone": phone, "id_number": number}).encode() if phone or number else b""
    return {
        "name": body.name,
        "unit": body.unit or "",
        "holder_class": body.holder_class.value,
        "sealed": keys.seal(f"resident:{id_}", private) if private else b"",
        "phone_index": keys.blind("phone", phone) if phone else b"",
        "id_number_index": keys.blind("id_number", number) if number else b"",
    }


def _credential(_id: str, body: CredentialBody, keys: Keys) -> Row:
    return (
        {"sealed": b""}
        | _IDENTIFIERS[type(body)](body, keys)
        | {
            "resident": body.resident,
            "state": body.state.value,
            "profiles": _json(body.profiles),
            "valid_from": int(body.valid_from.timestamp()) if body.valid_from else None,
            "valid_to": int(body.valid_to.timestamp()) if body.valid_to else None,
        }
    )


def _card(body: CardBody, keys: Keys) -> Row:
    format_ = canonical(body.format) or body.format
    key = keys.card(format_, body.facility, body.card)
    number = {"tail": str(body.card)[-4:], "sealed": keys.number(key, body.facility, body.card)}
    return {"type": "card", "format": format_, "key": key, "public_key": b"", **number}


def _live(body: LiveBody, keys: Keys) -> Row:
    handle = body.handle.lower()
    public_key = bytes.fromhex(body.public_key)
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), public_key)
    except ValueError as error:
        raise BadRecord(Fault("/public_key", "public-key", "not a point on P-256")) from error
    return {"type": "live", "format": "MJ1", "tail": "", "key": keys.live(handle), "public_key": public_key}


def _idcard(body: IdCardBody, keys: Keys) -> Row:
    number = body.id_number.upper()
    if not is_id_number(number):
        raise BadRecord(Fault("/id_number", "id-number", "not a valid identification number (GB 11643)"))
    return {"type": "idcard", "format": "GB11643", "tail": number[-4:], "key": keys.idcard(number), "public_key": b""}


def _pin(body: PinBody, keys: Keys) -> Row:
    return {"type": "pin", "format": "PIN", "tail": "", "key": keys.pin(body.pin), "public_key": b""}


_IDENTIFIERS: dict[type[CredentialBody], Callable[[Any, Keys], Row]] = {
    CardBody: _card,
    LiveBody: _live,
    IdCardBody: _idcard,
    PinBody: _pin,
}


def _label(name: Label | str | None) -> str:
    if name is None:
        return "null"
    return _json({"zh": name, "en": name} if isinstance(name, str) else {"zh": name.zh, "en": name.en})


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


_MAKERS: dict[Kind, Callable[[str, Any, Keys], Row]] = {
    "zones": _zone,
    "schedules": _schedule,
    "profiles": _profile,
    "residents": _resident,
    "credentials": _credential,
}

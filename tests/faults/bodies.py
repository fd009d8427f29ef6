"""Request bodies that no route may take: whole ones that are foreign, and right ones with a wrong spot."""

import copy
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

JSON = "application/json"  # "doors" below: the one member that a route which ignores others would look at
LONG = 1 << 20


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes with the type they are said to have."""

    data: bytes
    media: str = JSON
    encoding: str = ""

    def headers(self) -> dict[str, str]:
        return {"Content-Type": self.media} | ({"Content-Encoding": self.encoding} if self.encoding else {})


FOREIGN: dict[str, Body] = {
    "nothing": Body(b""),
    "words": Body(b"open the door"),
    "cut short": Body(b'{"parent": nul'),
    "a list": Body(b"[]"),
    "null": Body(b"null"),
    "true": Body(b"true"),
    "a number": Body(b"0"),
    "a string": Body(b'"main-gate"'),
    "a number of 20000 digits": Body(b"9" * 20_000),
    "not a number": Body(b'{"epoch": NaN, "base_seq": Infinity, "to_seq": -Infinity, "ops": []}'),
    "deep lists": Body(b"[" * 200_000),
    "deep lists that end": Body(b"[" * 100_000 + b"]" * 100_000),
    "deep objects": Body(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "no UTF-8": Body(b'{"doors": "\xff\xfe\xc0\xaf"}'),
    "half a surrogate": Body(
        b'{"doors": "\\ud800", "username": "\\udfff", "password": "\\ud800", "reason": "\\ud800"}'
    ),
    "UTF-16": Body(json.dumps({"parent": None}).encode("utf-16")),
    "a byte order mark": Body(b'\xef\xbb\xbf{"parent": null}'),
    "a NUL": Body(b'{"parent": "\x00", "doors": "\x00"}'),
    "a member twice": Body(b'{"doors": 1, "doors": 2, "epoch": 1, "epoch": 2}'),
    "ten thousand members": Body(json.dumps({f"k{n}": n for n in range(10_000)} | {"doors": 1}).encode()),
    "a prototype": Body(
        b'{"__proto__": {"role": "admin"}, "constructor": {"prototype": {"role": "admin"}}, "doors": {}}'
    ),
    "SQL": Body(b'{"id": "\'; DROP TABLE credential; --", "doors": "\' OR 1=1 --"}'),
    "an operator": Body(b'{"username": {"$ne": null}, "password": {"$gt": ""}, "doors": {"$ne": 1}}'),
    "a template": Body(b'{"name": "{{7*7}}", "doors": "${jndi:ldap://127.0.0.1/x}"}'),
    "GeoJSON": Body(b'{"type": "Feature", "geometry": {"type": "Point", "coordinates": [121.4, 31.2]}, "doors": {}}'),
    "a cloud event": Body(b'{"specversion": "1.0", "id": "1", "source": "/x", "type": "open", "doors": 1}'),
    "XML with entities": Body(b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "application/xml"),
    "XML called JSON": Body(b"<door>open</door>"),
    "a form": Body(b"username=admin&password=admin", "application/x-www-form-urlencoded"),
    "parts of a form": Body(
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--', "multipart/form-data; boundary=x"
    ),
    "MessagePack": Body(b"\x81\xa4name\xa1x", "application/msgpack"),
    "text called text": Body(b"{}", "text/plain"),
    "an unknown encoding": Body(b"\x00\x01", JSON, "br"),
    "a broken gzip": Body(b"\x1f\x8b\x08nonsense", JSON, "gzip"),
    "a gzip bomb": Body(gzip.compress(b" " * (64 * LONG)), "application/x-ndjson", "gzip"),
    "two megabytes of a list": Body(b"[" + b"1," * LONG + b"1]"),
    "nine megabytes of spaces": Body(b" " * (9 * LONG)),
}

# A right body of each route that takes one, as central, gateways and people send it.
CARD = {
    "resident": "r-0000",
    "type": "card",
    "format": "H10301",
    "facility": 18,
    "card": 4242,
    "profiles": ["building-1"],
}
POINT = "02" + "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"  # P-256's own generator
HOLDER = {"resident": "r-0000", "profiles": ["building-1"]}
OTHERS = (
    {"type": "live", "handle": "00" * 8, "public_key": POINT, "kid": 1, "next": {"kid": 2, "public_key": POINT}},
    {"type": "plate", "plate": "京A12345"},
    {"type": "static", "text": "a-poster-of-2026"},
    {"type": "pin", "pin": "86420"},
    {"type": "idcard", "id_number": "11010519491231002X"},
)
OPS = [
    {"op": "put", "kind": "credentials", "id": f"c-{n}", "body": body}
    for n, body in enumerate([CARD, *(HOLDER | other for other in OTHERS)])
]
EVENT = {"seq": 1, "kind": "Denied", "occurred_at": 1.0, "recorded_at": 1.0, "hash": "00", "door": "main-gate"}
LABEL = {"zh": "门", "en": "d"}
DOOR = {
    "name": "main-gate",
    "number": 1,
    "label": LABEL,
    "mode": "Locked",
    "alarm": "Normal",
    "open": None,
    "online": True,
}
RULES = {
    "passback": "hard",
    "passback_s": 60,
    "limit": 9,
    "persons": 2,
    "supervised": True,
    "escort": True,
    "first_in_s": 60,
    "hold_s": 20,
    "least": 2,
}
WINDOW = {"weekday": 1, "start": "08:00", "end": "22:00"}
DAYS = [{"date": "2026-10-01", "windows": [{"start": "08:00", "end": "12:00"}]}, {"date": "2026-10-10", "follows": 5}]
UNIT = {"zone": "estate", "state": "sold", "standing": "good", "name": LABEL, "address": "云栖路 1 号"}
SPAN = {"valid_from": "2026-01-01T00:00:00+08:00", "valid_to": "2027-01-01T00:00:00+08:00"}
WHY = {"reason": "test"}
FOOTAGE = WHY | {"cameras": ["gate-camera"], "from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:10:00Z"}
SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]
ARMED = {"days": ["mon"], "begin": "22:00", "end": "06:00"}
WATCHED = {"name": "yard", "polygon": SQUARE, "sensitivity": 50, "dwell_s": 1.0, "windows": [ARMED]}
OF_CENTRAL: dict[str, dict[str, Any]] = {
    "PUT /zones/{id}": {"parent": "estate", "public": True, "name": LABEL, "rules": RULES, "use": "amenity"},
    "PUT /units/{id}": UNIT | {"layout": "3-2-1", "orientation": "南", "floor_area_m2": 80.5},
    "PUT /special_days/{id}": {"priority": 1, "seed": "china", "days": DAYS, "name": LABEL},
    "PUT /schedules/{id}": {"windows": [WINDOW], "special": ["x-1"]},
    "PUT /profiles/{id}": {"number": 99, "policies": [{"schedule": "always", "zone": "estate"}], "responder": True},
    "PUT /residents/{id}": {"name": "王芳", "phone": "19900000000", "unit": "1-1-101", "holder_class": "resident"},
    "PUT /credentials/{id}": CARD | SPAN | {"pin": "2468", "duress_pin": "2469", "marks": ["lead"], "max_uses": 3},
    "POST /sync/heartbeat": {"epoch": "2026-1", "seq": 0},
    "POST /sync/changes": {"epoch": "2026-1", "base_seq": 0, "to_seq": 1, "ops": OPS},
    "POST /sync/snapshots": {"epoch": "2027-1", "seq": 1},
    "PUT /issuers/{kid}": {"public_key": POINT},
}
RIGHT: dict[str, dict[str, Any]] = OF_CENTRAL | {
    "POST /sync/snapshots/{snapshot}/commit": {"confirm": "0"},
    "POST /passes": SPAN | {"profile": "visitor", "max_uses": 1, "host": "r-0000"},
    "POST /session": {"username": "nobody", "password": "secret"},
    "POST /session/password": {"old": "wrong", "new": "another long password"},
    "POST /users": {"username": "eve", "role": "admin", "password": "a long enough password"},
    "POST /doors/{name}/unlock": WHY,
    "POST /doors/{name}/explain": {"credential": "c-0001", "at": "2026-01-01T00:00:00Z", "what_if": {"credential": {}}},
    "POST /orders": WHY | {"action": "mode", "door": "main-gate", "mode": "Locked", "for_s": 600},
    "POST /residents/{id}/reveal": WHY,
    "POST /credentials/{id}/stop": WHY | {"state": "lost"},
    "POST /credentials/{id}/restore": WHY,
    "POST /clips": FOOTAGE | {"events": True, "watermark": True},
    "POST /holds": FOOTAGE | {"until": "2027-01-01T00:00:00Z"},
    "PUT /cameras/{name}/drawing": {"revision": 0, "zones": [WATCHED], "masks": [{"name": "m", "polygon": SQUARE}]},
    "POST /camera-alarms/{id}/ack": {"note": "a cat"},
    "POST /gateways/{gateway}/events": {"events": [EVENT]},
    "POST /gateways/{gateway}/card-numbers": {"format": "H10301", "keys": ["00" * 16]},
    "PUT /gateways/{gateway}/inventory": {"table_version": 1, "journal_seq": 1, "doors": [DOOR]},
}  # fmt: skip
WRONG = ({"$gt": ""}, [[]], -1e308, 10**30)
CONTROL = "\x00\x1f"
IGNORES_MORE = ("PUT /gateways/{gateway}/inventory",)  # a newer gateway may tell more


def spoilt(route: str) -> Iterator[Any]:
    """The route's right body with each spot in turn made wrong, and with one member too many."""
    right = RIGHT[route]
    for path in _spots(right):
        for wrong in WRONG:
            yield _with(right, path, wrong)
        if route not in IGNORES_MORE:
            yield _with(right, path, CONTROL)
        if isinstance(_at(right, path), str) and route in OF_CENTRAL:  # the words of people lose the blanks around them
            yield _with(right, path, f"{_at(right, path)}\n")
    if route not in IGNORES_MORE:
        yield right | {"is_admin": True}


def _spots(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from _spots(each, (*at, key))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    return reduce(lambda spot, key: spot[key], path, value)


def _with(right: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    made = copy.deepcopy(right)
    _at(made, path[:-1])[path[-1]] = wrong
    return made

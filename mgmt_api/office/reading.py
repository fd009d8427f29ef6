"""From bytes to checked bodies, each mistake with a pointer to record and field."""

import re
from typing import Any, TypeVar

import msgspec

from mgmt_api.office.wire import BODIES, Kind
from mgmt_api.problems import Fault, Problem

T = TypeVar("T")
_DECODERS: dict[Kind, msgspec.json.Decoder[Any]] = {kind: msgspec.json.Decoder(body) for kind, body in BODIES.items()}
_PATH = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")
_MISSING = re.compile(r"missing required field `([^`]*)`")


class BadRecord(Exception):
    """A record is wrong; `fault.pointer` starts at the record's body."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.detail)
        self.fault = fault


def read_body(kind: Kind, raw: bytes | memoryview | msgspec.Raw) -> Any:
    """The body of a record of `kind`. Raises `BadRecord`."""
    try:
        return _DECODERS[kind].decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecord(fault_of(error)) from error


def read_document(raw: bytes, type_: type[T]) -> T:
    """A whole request body. Raises `Problem`: malformed or validation."""
    try:
        return msgspec.json.decode(raw, type=type_)
    except msgspec.ValidationError as error:
        raise Problem("validation", errors=[fault_of(error)]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("malformed", f"The body is not JSON: {error}") from error


def fault_of(error: Exception) -> Fault:
    """What msgspec found, as a fault with a JSON pointer."""
    match = _PATH.match(str(error))
    what, path = (match["what"], match["path"] or "") if match else (str(error), "")
    where = path.replace("[...]", "/-").replace("[", "/").replace("]", "").replace(".", "/")
    if named := (_UNKNOWN.search(what) or _MISSING.search(what)):
        where = f"{where}/{named[1]}"
    return Fault(where, _code(error, what), what)


def _code(error: Exception, what: str) -> str:
    if not isinstance(error, msgspec.ValidationError):
        return "malformed"
    if _UNKNOWN.search(what):
        return "unknown-field"
    return "missing" if _MISSING.search(what) else "invalid"

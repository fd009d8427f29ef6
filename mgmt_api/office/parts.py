"""A snapshot's part: NDJSON lines, read one by one so that other threads keep running."""

from typing import Any

import msgspec

from mgmt_api.keys import Keys
from mgmt_api.office.reading import BadRecord, fault_of
from mgmt_api.office.references import MOST_FAULTS
from mgmt_api.office.rows import to_row
from mgmt_api.office.wire import LINE_KINDS, AnyLine, Kind
from mgmt_api.problems import Fault, Problem

_line = msgspec.json.Decoder(AnyLine)
_pack = msgspec.msgpack.Encoder().encode


def read_part(text: bytes, keys: Keys, now: int) -> list[dict[str, Any]]:
    """The records of a part, ready to be kept aside. Raises `Problem` with a pointer for each wrong line."""
    rows: list[dict[str, Any]] = []
    faults: list[Fault] = []
    seen: set[tuple[Kind, str]] = set()
    for number, raw in enumerate(text.split(b"\n")):
        if not raw.strip():
            continue
        try:
            rows.append(_row(raw, number, seen, keys, now))
        except BadRecord as error:
            fault = error.fault
            faults.append(Fault(f"/lines/{number}{fault.pointer}", fault.code, fault.detail))
            if len(faults) == MOST_FAULTS:
                break
    if faults:
        raise Problem("validation", errors=faults)
    return rows


def _row(raw: bytes, number: int, seen: set[tuple[Kind, str]], keys: Keys, now: int) -> dict[str, Any]:
    try:
        line = _line.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecord(fault_of(error)) from error
    kind, id_ = LINE_KINDS[type(line)], line.id
    if (kind, id_) in seen:
        raise BadRecord(Fault("/id", "duplicate", f"{kind} {id_!r} is in this part twice"))
    seen.add((kind, id_))
    try:
        row = to_row(kind, id_, line.body, keys, now)
    except BadRecord as error:
        raise BadRecord(Fault(f"/body{error.fault.pointer}", error.fault.code, error.fault.detail)) from error
    return {"kind": kind, "id": id_, "line": number, "digest": row["digest"], "row": _pack(row)}

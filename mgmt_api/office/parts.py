"""A snapshot's part: NDJSON lines, read one by one so that other threads keep running."""

from typing import Any

import msgspec

from mgmt_api.keys import Keys
from mgmt_api.office.reading import BadRecord, fault_of, read_body
from mgmt_api.office.references import MOST_FAULTS
from mgmt_api.office.rows import to_row
from mgmt_api.office.wire import Line
from mgmt_api.problems import Fault, Problem

_line = msgspec.json.Decoder(Line)
_pack = msgspec.msgpack.Encoder().encode


def read_part(text: bytes, keys: Keys, now: int) -> list[dict[str, Any]]:
    """The records of a part, ready to be kept aside. Raises `Problem` with a pointer for each wrong line."""
    rows: list[dict[str, Any]] = []
    faults: list[Fault] = []
    seen: set[tuple[str, str]] = set()
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


def _row(raw: bytes, number: int, seen: set[tuple[str, str]], keys: Keys, now: int) -> dict[str, Any]:
    try:
        line = _line.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecord(fault_of(error)) from error
    if (line.kind, line.id) in seen:
        raise BadRecord(Fault("/id", "duplicate", f"{line.kind} {line.id!r} is in this part twice"))
    seen.add((line.kind, line.id))
    try:
        row = to_row(line.kind, line.id, read_body(line.kind, line.body), keys, now)
    except BadRecord as error:
        raise BadRecord(Fault(f"/body{error.fault.pointer}", error.fault.code, error.fault.detail)) from error
    return {"kind": line.kind, "id": line.id, "line": number, "digest": row["digest"], "row": _pack(row)}

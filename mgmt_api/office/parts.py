"""A snapshot's part: NDJSON lines, read one by one so that other threads keep running."""

from dataclasses import dataclass

import msgspec

from mgmt_api.keys import Keys
from mgmt_api.office.reading import BadRecord, fault_of
from mgmt_api.office.references import MOST_FAULTS
from mgmt_api.office.rows import Row, to_row
from mgmt_api.office.wire import KINDS, LINE_KINDS, AnyLine, Kind
from mgmt_api.problems import Fault, Problem

_line = msgspec.json.Decoder(AnyLine)
_pack = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Part:
    """A part's records, packed."""

    count: int
    index: bytes
    rows: bytes


def read_part(text: bytes, keys: Keys, now: int) -> Part:
    """The records of a part, ready to be kept aside. Raises `Problem` with a pointer for each wrong line."""
    rows: dict[Kind, list[Row]] = {kind: [] for kind in KINDS}
    index: list[tuple[Kind, str, bytes, int]] = []
    faults: list[Fault] = []
    for number, raw in enumerate(text.split(b"\n")):
        if not raw or raw.isspace():
            continue
        try:
            kind, row = _row(raw, keys, now)
        except BadRecord as error:
            faults.append(Fault(f"/lines/{number}{error.fault.pointer}", error.fault.code, error.fault.detail))
            if len(faults) == MOST_FAULTS:
                break
        else:
            rows[kind].append(row)
            index.append((kind, row["id"], row["digest"], number))
    if faults:
        raise Problem("validation", errors=faults)
    return Part(len(index), _pack(index), _pack(rows))


def _row(raw: bytes, keys: Keys, now: int) -> tuple[Kind, Row]:
    try:
        line = _line.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecord(fault_of(error)) from error
    kind = LINE_KINDS[type(line)]
    try:
        return kind, to_row(kind, line.id, line.body, keys, now)
    except BadRecord as error:
        raise BadRecord(Fault(f"/body{error.fault.pointer}", error.fault.code, error.fault.detail)) from error

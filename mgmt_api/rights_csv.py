"""Effective rights as CSV (RFC 4180), for a spreadsheet and for a script: UTF-8 with its mark, and no formula in it."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

PERSON = ("name", "unit")  # what people typed; the rest are ids and times, in which no formula can be written
RIGHT = ("resident", "class", "credential", "type", "door", "access_point", "from", "to", "policy", "valid_to")
# What a spreadsheet would carry out instead of showing it (CWE-1236); in Chinese and Japanese the full-width forms too.
FORMULA = (*"=+-@＝＋－＠", "\t", "\r", "\n")


def rights_csv(rights: Iterable[Mapping[str, object]], columns: Sequence[str] = (*PERSON, *RIGHT)) -> str:
    """One right a line, under a line of names; what is not known stays empty."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for right in rights:
        writer.writerow([_cell(name, right.get(name)) for name in columns])
    return "\ufeff" + text.getvalue()


def _cell(column: str, value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if column in PERSON and text.startswith(FORMULA) else text

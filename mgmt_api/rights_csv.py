"""Effective rights as CSV (RFC 4180), for a spreadsheet: UTF-8 with its mark, and nothing in it that is a formula."""

import csv
import io
from collections.abc import Iterable, Mapping

COLUMNS = (
    "name",
    "unit",
    "resident",
    "class",
    "credential",
    "type",
    "door",
    "access_point",
    "from",
    "to",
    "policy",
    "valid_to",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would carry out instead of showing it (CWE-1236)


def rights_csv(rights: Iterable[Mapping[str, object]]) -> str:
    """One right a line, under a line of names; what is not known stays empty."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for right in rights:
        writer.writerow([_cell(right.get(name)) for name in COLUMNS])
    return "\ufeff" + text.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text

"""Draws the tables of the pages in gateway/access from the code: `python -m tests.access.drawing`."""

import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.access import door, mj1
from gateway.access.checks import CHECKS

ROOM = Path(door.__file__).parent
PAGES = (ROOM / "README.md", ROOM / "CODES.md")
SAID = {True: "yes", False: "no"}


def checks() -> Iterator[str]:
    yield "| no. | reason | asked of | refuses |"
    yield "| --- | --- | --- | --- |"
    for number, check in enumerate(CHECKS, 1):
        kinds = ", ".join(kind.__name__ for kind in check.of)
        yield f"| {number} | {check.reason} | {kinds} | {(check.refuses.__doc__ or '').rstrip('.')} |"


def modes() -> Iterator[str]:
    yield "| mode | an opening without a grant is an alarm | a credential may release it | the lock is free |"
    yield "| --- | --- | --- | --- |"
    for mode, rule in door.MODES.items():
        yield f"| {mode} | {SAID[rule.watched]} | {SAID[rule.admits]} | {SAID[rule.free]} |"


def transitions() -> Iterator[str]:
    yield "| input | when | then |"
    yield "| --- | --- | --- |"
    for row in door.TRANSITIONS:
        yield f"| {row.input.__name__} | {row.when} | {row.what} |"


def due() -> Iterator[str]:
    for row in door.DUE:
        yield f"- {row.what}"


def code(fields: tuple[mj1.Field, ...]) -> Iterator[str]:
    yield "| from | bytes | field | says |"
    yield "| --- | --- | --- | --- |"
    at = 0
    for field in (*fields, mj1.Field("signature", "64s", "ES256: r, then s, over `MJ1` + a zero byte + all before")):
        size = struct.calcsize(">" + field.form)
        yield f"| {at} | {size} | {field.name} | {field.says} |"
        at += size


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "checks": checks,
    "modes": modes,
    "transitions": transitions,
    "due": due,
    "live code": lambda: code(mj1.LIVE),
    "visitor pass": lambda: code(mj1.PASS),
}


def drawn(text: str) -> str:
    for name, table in TABLES.items():
        block = "\n".join([f"<!-- {name} -->", *table(), f"<!-- /{name} -->"])
        text = re.sub(rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _, block=block: block, text, flags=re.DOTALL)
    order = " > ".join(door.PRECEDENCE)
    return re.sub(r"<!-- precedence -->.*?<!-- /", lambda _: f"<!-- precedence -->{order}<!-- /", text, flags=re.DOTALL)


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(drawn(page.read_text("utf-8")), "utf-8")

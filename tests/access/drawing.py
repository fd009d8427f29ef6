"""Draws the tables of gateway/access/README.md from the code: `python -m tests.access.drawing`."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.access import door
from gateway.access.checks import CHECKS

README = Path(door.__file__).parent / "README.md"
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


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "checks": checks,
    "modes": modes,
    "transitions": transitions,
    "due": due,
}


def drawn(text: str) -> str:
    for name, table in TABLES.items():
        block = "\n".join([f"<!-- {name} -->", *table(), f"<!-- /{name} -->"])
        text = re.sub(rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _, block=block: block, text, flags=re.DOTALL)
    order = " > ".join(door.PRECEDENCE)
    return re.sub(r"<!-- precedence -->.*?<!-- /", lambda _: f"<!-- precedence -->{order}<!-- /", text, flags=re.DOTALL)


if __name__ == "__main__":
    README.write_text(drawn(README.read_text("utf-8")), "utf-8")

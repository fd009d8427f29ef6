"""The README's tables are drawn from the code; this keeps them true. `python -m tests.test_docs` draws them anew."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from gateway.access.checks import CHECKS
from gateway.access.reasons import REASONS, DenyReason
from mgmt_api.cli.command import app

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def checks_table() -> Iterator[str]:
    yield "| # | reason | asked of |"
    yield "| --- | --- | --- |"
    for number, check in enumerate(CHECKS, 1):
        kinds = ", ".join(kind.__name__.lower() for kind in check.of)
        yield f"| {number} | `{check.reason}` | {kinds} |"


def reasons_table() -> Iterator[str]:
    yield "| code | 中文 | English |"
    yield "| --- | --- | --- |"
    for reason, (zh, en) in REASONS.items():
        yield f"| `{reason}` | {zh} | {en} |"


TABLES = {"checks": checks_table, "reasons": reasons_table}


def drawn(text: str) -> str:
    for name, table in TABLES.items():
        block = "\n".join([f"<!-- {name} -->", *table(), f"<!-- /{name} -->"])
        text = re.sub(rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _, block=block: block, text, flags=re.DOTALL)
    return text


def test_the_readme_shows_the_checks_and_reasons_of_the_code() -> None:
    text = README.read_text(encoding="utf-8")
    assert text == drawn(text), "run: python -m tests.test_docs"


def test_each_reason_has_a_sentence_in_both_languages() -> None:
    assert set(REASONS) == set(DenyReason)
    assert all(zh and en and zh != en for zh, en in REASONS.values())


def test_each_link_of_the_readme_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README.read_text(encoding="utf-8"))
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


@pytest.mark.parametrize("folder", ["config", "controllers", "camera", "gateway", "gateway/access", "mgmt_api",
                                    "mgmt_api/console", "simulators"])  # fmt: skip
def test_each_room_has_a_short_page(folder: str) -> None:
    assert 5 < len((ROOT / folder / "README.md").read_text(encoding="utf-8").splitlines()) <= 160


def test_each_command_has_a_help_in_both_languages() -> None:
    commands = getattr(get_command(app), "commands")  # noqa: B009 - typer's group is untyped here
    silent = [name for name, command in commands.items() if not re.search(r"[一-鿿]", command.help or "")]
    assert not silent


if __name__ == "__main__":
    README.write_text(drawn(README.read_text(encoding="utf-8")), encoding="utf-8")

import re
from pathlib import Path

import pytest

from gateway.access import record
from gateway.access.checks import CHECKS
from gateway.access.model import CredentialState, CredentialType, HolderClass
from gateway.access.reasons import REASONS, STATES, DenyReason
from tests.access.drawing import PAGES, drawn

README, CODES = (page.read_text("utf-8") for page in PAGES)


def test_the_readme_shows_the_checks_in_their_order() -> None:
    rows = [
        f"| {n} | {check.reason} | {', '.join(kind.__name__ for kind in check.of)} |"
        for n, check in enumerate(CHECKS, 1)
    ]
    places = [README.find(row) for row in rows]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_the_tables_of_the_code(page: Path) -> None:
    text = page.read_text("utf-8")
    assert drawn(text) == text, "run: python -m tests.access.drawing"


def test_the_page_of_the_codes_shows_each_byte() -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) \|", CODES, re.MULTILINE)
    places = [(int(at), int(size)) for at, size in rows]
    live, visit = places[:8], places[8:]
    for fields, length in ((live, 85), (visit, 90)):
        assert [at for at, _ in fields] == [sum(size for _, size in fields[:n]) for n in range(len(fields))]
        assert sum(size for _, size in fields) == length


def test_every_reason_has_a_sentence_in_both_languages() -> None:
    assert set(REASONS) == set(DenyReason)
    assert set(STATES) == set(CredentialState) - {CredentialState.ENABLED}
    for chinese, english in (*REASONS.values(), *STATES.values()):
        assert chinese.endswith("。")
        assert english.endswith(".")
        assert english.isascii()


def test_every_word_has_its_code_on_disk() -> None:
    assert set(record.TYPES) == set(CredentialType)
    assert set(record.CLASSES) == set(HolderClass)
    assert set(record.STATES) == set(CredentialState)

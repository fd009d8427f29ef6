from pathlib import Path

from gateway.access import generation
from gateway.access.checks import CHECKS
from gateway.access.model import CredentialState, CredentialType, HolderClass
from gateway.access.reasons import REASONS, STATES, DenyReason
from tests.access.drawing import drawn

README = (Path(generation.__file__).parent / "README.md").read_text()


def test_the_readme_shows_the_checks_in_their_order() -> None:
    rows = [
        f"| {n} | {check.reason} | {', '.join(kind.__name__ for kind in check.of)} |"
        for n, check in enumerate(CHECKS, 1)
    ]
    places = [README.find(row) for row in rows]
    assert -1 not in places
    assert places == sorted(places)


def test_the_readme_shows_the_tables_of_the_code() -> None:
    assert drawn(README) == README, "run: python -m tests.access.drawing"


def test_every_reason_has_a_sentence_in_both_languages() -> None:
    assert set(REASONS) == set(DenyReason)
    assert set(STATES) == set(CredentialState) - {CredentialState.ENABLED}
    for chinese, english in (*REASONS.values(), *STATES.values()):
        assert chinese.endswith("。")
        assert english.endswith(".")
        assert english.isascii()


def test_every_word_has_its_code_on_disk() -> None:
    assert set(generation.TYPES) == set(CredentialType)
    assert set(generation.CLASSES) == set(HolderClass)
    assert set(generation.STATES) == set(CredentialState)

import json
from pathlib import Path

import pytest

from controllers.errors import BadSetup
from controllers.vault import create_keys, load_keys


def test_new_keys_are_random_private_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keys = create_keys(path, ["gate", "lobby"])
    assert len(set(keys.values())) == 2
    assert all(len(key) == 16 for key in keys.values())
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_keys(path) == keys
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_that_exists_stays(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first = create_keys(path, ["gate"])
    assert create_keys(path, ["gate", "lobby"])["gate"] == first["gate"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_vault_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys.json"
    create_keys(path, ["gate"])
    path.chmod(mode)
    with pytest.raises(BadSetup, match="chmod"):
        load_keys(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"gate": 1}',
        '{"gate": "xyz"}',
        '{"gate": "00"}',
        json.dumps({"gate": bytes(range(0x30, 0x40)).hex()}),
        json.dumps({"gate": bytes(range(0x40, 0x50)).hex()}),
        json.dumps({"gate": "ab" * 16}),
    ],
)
def test_a_malformed_or_guessable_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(BadSetup):
        load_keys(path)


def test_a_missing_vault_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadSetup, match="cannot read"):
        load_keys(tmp_path / "none.json")

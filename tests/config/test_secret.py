"""Secrets are read from files that nobody else can read."""

from pathlib import Path

import pytest

from config.secret import BadSecret, new_key, read_key, read_secret, write_secret


def test_a_written_secret_is_private_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.token"
    write_secret(path, "s3cret")
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_secret(path) == "s3cret"


def test_a_secret_that_others_can_read_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_secret(path, "x")
    path.chmod(0o640)
    with pytest.raises(BadSecret, match="chmod 600"):
        read_secret(path)


@pytest.mark.parametrize(
    ("text", "why"), [("", "is empty"), ("zz", "is not hexadecimal"), ("00ff", "holds 2 bytes, 32 are needed")]
)
def test_a_key_of_another_shape_is_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "key"
    write_secret(path, text)
    with pytest.raises(BadSecret, match=why):
        read_key(path)


def test_a_missing_secret_names_its_file(tmp_path: Path) -> None:
    with pytest.raises(BadSecret, match="none"):
        read_secret(tmp_path / "none")


def test_two_new_keys_differ(tmp_path: Path) -> None:
    write_secret(tmp_path / "key", new_key())
    assert read_key(tmp_path / "key") != bytes.fromhex(new_key())

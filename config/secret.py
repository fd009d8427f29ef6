"""Secrets stand in files of their own, readable by their owner alone."""

import secrets
import stat
from pathlib import Path


class BadSecret(Exception):
    """A secret file is missing, open to others, or holds something else."""


def read_secret(path: Path) -> str:
    """The text of a secret file without surrounding white space. Raises `BadSecret` with what to do."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSecret(f"{path}: cannot be read ({error})") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadSecret(f"{path}: others may read it; run: chmod 600 {path}")
    if not text:
        raise BadSecret(f"{path}: is empty")
    return text


def read_key(path: Path, length_bytes: int = 32) -> bytes:
    """A binary key kept as hex. Raises `BadSecret`."""
    try:
        key = bytes.fromhex(read_secret(path))
    except ValueError as error:
        raise BadSecret(f"{path}: is not hexadecimal") from error
    if len(key) != length_bytes:
        raise BadSecret(f"{path}: holds {len(key)} bytes, {length_bytes} are needed")
    return key


def write_secret(path: Path, text: str) -> None:
    """Write a secret so that it never exists with a wider mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=True)
    path.chmod(0o600)
    path.write_text(text + "\n", encoding="utf-8")


def new_key(length_bytes: int = 32) -> str:
    """A fresh random key in hex."""
    return secrets.token_hex(length_bytes)

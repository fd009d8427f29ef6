"""The vault of reader keys: one JSON file, reader name to 16-byte secure-channel base key (SCBK) in hex.

The file is readable by its owner alone (mode 0600): a looser mode is refused, not mended. Keys that anybody can guess
are refused too, the standard's default key (SCBK-D, SIA OSDP v2.2 annex D) first of all.
"""

import json
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from controllers.errors import BadSetup

KEY_BYTES = 16
DEFAULT_KEY = bytes(range(0x30, 0x40))  # SCBK-D
GUESSABLE = (DEFAULT_KEY, bytes(range(0x40, 0x50)))


def check_key(name: str, key: bytes) -> bytes:
    """Give the key back, or raise `BadSetup` when it has the wrong length or anybody could guess it."""
    if len(key) != KEY_BYTES:
        raise BadSetup(f"key of {name!r} has {len(key)} bytes, not {KEY_BYTES}")
    if key in GUESSABLE or len(set(key)) == 1:
        raise BadSetup(f"key of {name!r} is a default or repeated value")
    return key


def load_keys(path: Path) -> dict[str, bytes]:
    """Read all keys, by reader name. Raises `BadSetup` for a missing, open or malformed file and for a weak key."""
    text = _read_private(path)
    try:
        entries = json.loads(text)
        keys = {str(name): bytes.fromhex(value) for name, value in entries.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise BadSetup(f"{path} is not a JSON object of hex keys") from error
    return {name: check_key(name, key) for name, key in keys.items()}


def create_keys(path: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Add a new random key for each name that has none, and give all keys back. Existing keys stay."""
    keys = load_keys(path) if path.exists() else {}
    for name in names:
        keys.setdefault(name, secrets.token_bytes(KEY_BYTES))
    _write_private(path, json.dumps({name: key.hex() for name, key in sorted(keys.items())}, indent=2) + "\n")
    return keys


def _read_private(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise BadSetup(f"{path} has mode {mode:04o}: run chmod 600")
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetup(f"cannot read {path}: {error}") from error


def _write_private(path: Path, text: str) -> None:
    """Replace the file in one step, so that a power cut leaves the old keys or the new ones."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)

"""The vault of reader keys: one JSON file, reader name to 16-byte secure-channel base key (SCBK) in hex.

While a reader's key changes, its entry is {"key": the old one, "next": the new one}: both are kept until the reader has
proved that it has the new one, so that a crash at any moment loses neither.

The file is readable by its owner alone (mode 0600): a looser mode is refused, not mended. Keys that anybody can guess
are refused too, the standard's default key (SCBK-D, SIA OSDP v2.2 annex D) first of all.
"""

import contextlib
import fcntl
import json
import os
import secrets
import stat
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from controllers.errors import BadSetup

KEY_BYTES = 16
DEFAULT_KEY = bytes(range(0x30, 0x40))  # SCBK-D
GUESSABLE = (DEFAULT_KEY, bytes(range(0x40, 0x50)))
_WRITING = threading.Lock()


def check_key(name: str, key: bytes) -> bytes:
    """Give the key back, or raise `BadSetup` when it has the wrong length or anybody could guess it."""
    if len(key) != KEY_BYTES:
        raise BadSetup(f"key of {name!r} has {len(key)} bytes, not {KEY_BYTES}")
    if key in GUESSABLE or len(set(key)) == 1:
        raise BadSetup(f"key of {name!r} is a default or repeated value")
    return key


def load_keys(path: Path) -> dict[str, bytes]:
    """Read all present keys, by reader name. Raises `BadSetup` for a missing, open or malformed file and a weak key."""
    return {name: keys[0] for name, keys in _load(path).items()}


def load_next_keys(path: Path) -> dict[str, bytes]:
    """The keys that readers shall have, of those whose keys change. Raises as `load_keys` does."""
    return {name: keys[1] for name, keys in _load(path).items() if len(keys) > 1}


def create_keys(path: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Add a new random key for each name that has none, and give all present keys back. Existing keys stay."""
    with _writing(path):
        keys = _load(path) if path.exists() else {}
        for name in names:
            keys.setdefault(name, (secrets.token_bytes(KEY_BYTES),))
        _save(path, keys)
    return {name: own[0] for name, own in keys.items()}


def prepare_key(path: Path, name: str) -> bytes:
    """The key that a reader shall have: a new random one, on the disk before it is given; or the one begun before."""
    with _writing(path):
        keys = _load(path)
        if name not in keys:
            raise BadSetup(f"{path} has no key for {name!r}")
        if len(keys[name]) == 1:
            keys[name] += (secrets.token_bytes(KEY_BYTES),)
            _save(path, keys)
        return keys[name][1]


def confirm_key(path: Path, name: str) -> None:
    """The reader proved that it has its next key: the old one is forgotten. Nothing happens where none changes."""
    with _writing(path):
        keys = _load(path)
        if len(keys.get(name, ())) > 1:
            keys[name] = keys[name][1:]
            _save(path, keys)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """One writer at a time: of this process's threads, and of all processes (a tool beside a running gateway)."""
    with _WRITING:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def _load(path: Path) -> dict[str, tuple[bytes, ...]]:
    text = _read_private(path)
    try:
        keys = {str(name): _entry(value) for name, value in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise BadSetup(f"{path} is not a JSON object of hex keys") from error
    return {name: tuple(check_key(name, key) for key in own) for name, own in keys.items()}


def _entry(value: str | dict[str, str]) -> tuple[bytes, ...]:
    if isinstance(value, dict):
        return bytes.fromhex(value["key"]), bytes.fromhex(value["next"])
    return (bytes.fromhex(value),)


def _save(path: Path, keys: dict[str, tuple[bytes, ...]]) -> None:
    entries = {
        name: own[0].hex() if len(own) == 1 else {"key": own[0].hex(), "next": own[1].hex()}
        for name, own in sorted(keys.items())
    }
    _write_private(path, json.dumps(entries, indent=2) + "\n")


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
        if os.geteuid() == 0:  # root's tool, another user's gateway: it must still be able to read it
            owner = path.stat() if path.exists() else path.parent.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

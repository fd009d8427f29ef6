"""The journal's hash chain: each record carries the hash of all before it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.access.event import canonical

GENESIS = bytes(32)  # what the first record is chained to


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: the last sequence number and its hash."""

    seq: int = 0
    hash: bytes = GENESIS


@dataclass(frozen=True, slots=True)
class Sealed:
    """A record at its place in the chain; `text` is its canonical JSON with `seq` and `recorded_at`."""

    seq: int
    recorded_at: float
    text: bytes
    hash: bytes


def seal(head: Head, record: Mapping[str, Any], recorded_at: float) -> Sealed:
    """Put a record behind `head`."""
    seq = head.seq + 1
    text = canonical({**record, "seq": seq, "recorded_at": recorded_at})
    return Sealed(seq, recorded_at, text, link(head.hash, text))


def link(previous: bytes, text: bytes) -> bytes:
    """The hash of a record behind `previous`: SHA-256(previous hash + canonical record)."""
    return hashlib.sha256(previous + text).digest()

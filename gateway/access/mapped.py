"""A generation file as it is mapped: whether it is whole, and where its sections are."""

import hashlib
import mmap
import sys
from typing import NamedTuple

from gateway.access import generation as file
from gateway.access.record import HOT

Buffer = bytes | mmap.mmap | memoryview


class CorruptTable(ValueError):
    """The file is not a whole generation; `where` says which part. Fall back to the last good one."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


class Sections(NamedTuple):
    """What the header says."""

    version: int
    texts: slice
    records: range  # where each begins
    slots: slice
    rights: slice
    office: slice


def sections(buffer: Buffer) -> Sections:
    """The sections of a file whose checksum was verified.

    Raises:
        CorruptTable: it is truncated, changed, or of another format.
    """
    if sys.byteorder == "big":
        raise CorruptTable("byte order: files are little-endian")
    if len(buffer) < file.HEADER.size + file.DIGEST_BYTES:
        raise CorruptTable("length")
    magic, version, records_at, slots_at, rights_at, office_at, slots, length = file.HEADER.unpack_from(buffer)
    if magic != file.MAGIC:
        raise CorruptTable("magic")
    if length != len(buffer):
        raise CorruptTable("length")
    end = length - file.DIGEST_BYTES
    _check_digest(buffer, end)
    if not slots or slots & (slots - 1) or slots_at + slots * file.SLOT.size != rights_at:
        raise CorruptTable("header")
    if not (file.HEADER.size <= records_at <= slots_at and rights_at <= office_at <= end):
        raise CorruptTable("header")
    records = range(records_at, slots_at, HOT.size)
    texts = slice(file.HEADER.size, records_at)
    return Sections(
        version, texts, records, slice(slots_at, rights_at), slice(rights_at, office_at), slice(office_at, end)
    )


def _check_digest(buffer: Buffer, end: int) -> None:
    with memoryview(buffer) as whole:
        digest = hashlib.sha256(whole[:end]).digest()
        wanted = whole[end:].tobytes()
    let_go(buffer, slice(0, len(buffer)))  # the checksum read every page; let only used ones stay resident
    if digest != wanted:
        raise CorruptTable("checksum")


def let_go(buffer: object, part: slice) -> None:
    """Have the pages that lie whole in this part of a map no longer resident; who reads them finds them as before."""
    start = -(-part.start // mmap.PAGESIZE) * mmap.PAGESIZE
    length = part.stop - start
    if isinstance(buffer, mmap.mmap) and length >= mmap.PAGESIZE:
        buffer.madvise(mmap.MADV_DONTNEED, start, length // mmap.PAGESIZE * mmap.PAGESIZE)

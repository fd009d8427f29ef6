"""The reserve journal: a preallocated file for when the disk is full or the journal broken.

Frames follow one another from offset 0: length and CRC-32 (both 4 bytes, big-endian), then the payload; a length of 0
ends them. Each write is synchronous (O_DSYNC), and the file never grows, so that a full disk cannot refuse it.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

HEADER = struct.Struct(">II")
END = bytes(HEADER.size)
CHUNK_BYTES = 1 << 20


class ReserveFull(Exception):
    """No room is left, or the file could not be made or written."""


class Reserve:
    """The file at `path`; it is made now if it is not there. Without room for it, each append raises `ReserveFull`."""

    def __init__(self, path: Path, size_bytes: int = 16 << 20) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_DSYNC, 0o600)
        self._size = self._allocate(size_bytes)
        self._end = sum(HEADER.size + len(frame) for frame in self.frames())

    @property
    def empty(self) -> bool:
        """Whether nothing waits to be replayed."""
        return self._end == 0

    @property
    def size_bytes(self) -> int:
        """The room in all, 0 when it could not be had."""
        return self._size

    def append(self, payload: bytes) -> None:
        """Write one frame to the disk. Raises `ReserveFull`."""
        frame = HEADER.pack(len(payload), zlib.crc32(payload)) + payload + END
        if self._end + len(frame) > self._size:
            raise ReserveFull(f"{self._size} bytes are used up")
        try:
            written = os.pwrite(self._file, frame, self._end)
        except OSError as error:
            raise ReserveFull(str(error)) from error
        if written != len(frame):
            raise ReserveFull(f"{written} of {len(frame)} bytes could be written")
        self._end += len(frame) - len(END)

    def frames(self) -> Iterator[bytes]:
        """Each whole frame; a torn one ends them (it was never acknowledged)."""
        at = 0
        while at + HEADER.size <= self._size:
            length, checksum = HEADER.unpack(os.pread(self._file, HEADER.size, at))
            payload = os.pread(self._file, length, at + HEADER.size) if length <= self._size else b""
            if not length or len(payload) != length or zlib.crc32(payload) != checksum:
                return
            yield payload
            at += HEADER.size + length

    def clear(self) -> None:
        """Forget all frames: the journal has them."""
        os.pwrite(self._file, END, 0)
        self._end = 0

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _allocate(self, size_bytes: int) -> int:
        """Write zeros, since only written blocks are sure to take a write on a full disk."""
        have = os.fstat(self._file).st_size
        try:
            for at in range(have, size_bytes, CHUNK_BYTES):
                os.pwrite(self._file, bytes(min(CHUNK_BYTES, size_bytes - at)), at)
        except OSError:
            pass  # what was got is used; the caller sees it in size_bytes
        return os.fstat(self._file).st_size

"""A file over HTTP, whole or one byte range (RFC 9110, 14)."""

import os
import re
from collections.abc import Iterator
from typing import BinaryIO

from starlette.responses import Response, StreamingResponse

CHUNK_BYTES = 256 << 10
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)  # no file has more bytes than 18 digits tell


class RangeNotSatisfiable(ValueError):
    """The range lies outside the file."""


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return [start, end) of a Range header; None without one, or for one that may be ignored.

    Raises:
        RangeNotSatisfiable: 416.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if first and last and int(last) < int(first):  # no range at all, says 14.1.1
        return None
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
    if start >= end:
        raise RangeNotSatisfiable(header)
    return start, end


def media_response(file: BinaryIO, header: str | None) -> Response:
    """Return an answer that sends an open file and closes it.

    Raises:
        RangeNotSatisfiable: The file is closed.
    """
    size = os.fstat(file.fileno()).st_size
    try:
        wanted = byte_range(header, size)
    except RangeNotSatisfiable:
        file.close()
        raise
    start, end = wanted or (0, size)
    headers = {"Accept-Ranges": "bytes", "Content-Length": str(end - start), "Cache-Control": "private, max-age=3600"}
    if wanted:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return StreamingResponse(_chunks(file, start, end), 206 if wanted else 200, headers, "video/mp4")


def _chunks(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        while start < end and (chunk := file.read(min(CHUNK_BYTES, end - start))):
            start += len(chunk)
            yield chunk

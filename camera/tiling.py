"""Is every byte of a zip one of its members'? What a reader passes over in silence, another one may show.

Before, between and after the members there is nothing, no comment, no attribute that makes of a file something else,
and the headers before the members say what the directory says.
"""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

_LOCAL = struct.Struct("<4s2xHH4xIIIHH")  # APPNOTE 4.3.7: signature, flags, method, CRC-32, two sizes, two lengths
_ENTRY = struct.Struct("<4s24xHHH12x")  # 4.3.12: signature, lengths of name, extra field and comment
_END = struct.Struct("<4s16xH")  # 4.3.16: signature, length of the comment
_ZIP64_END = struct.Struct("<4sQ44x4s16x")  # 4.3.14 and 4.3.15: signature, size of the rest; signature of the locator
_SIZES, _LONG_SIZES = struct.Struct("<4sIII"), struct.Struct("<4sIQQ")  # 4.3.9, after a member that was streamed
_STREAMED, _LONG, _ZIP64 = 0x08, 0xFFFFFFFF, 1
_CHUNK_BYTES = 64 << 10


def loose(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Yield (file, what is wrong) of a zip that holds more than its members.

    Raises:
        OSError, ValueError, struct.error, zlib.error: It cannot be read.
    """
    if archive.fp is None:
        raise ValueError("the zip is closed")
    file, place = archive.fp, 0
    for info in sorted(archive.infolist(), key=lambda each: each.header_offset):
        if info.header_offset != place:
            yield info.filename, "does not begin where the file before it ends"
        if not _plain(info):
            yield info.filename, "is no plain file"
        whole, place = _member(file, info)
        if not whole:
            yield info.filename, "is not what its header says"
    if archive.start_dir != place:
        yield "", "there are bytes between the files and their list"
    if not _list_is_last(file, archive.start_dir, len(archive.infolist())):
        yield "", "there are bytes in or after the list of files"


def _plain(info: zipfile.ZipInfo) -> bool:
    """Tell whether it is a file with a simple name, by its attributes of Unix and of DOS."""
    mode, name = info.external_attr >> 16, info.filename
    usual = stat.S_IFMT(mode) in (0, stat.S_IFREG) and not mode & 0o7000 and not info.external_attr & 0xFFFF
    return usual and name.isprintable() and not set(name) & set("/\\:") and name not in ("", ".", "..")


def _member(file: IO[bytes], info: zipfile.ZipInfo) -> tuple[bool, int]:
    """Tell whether a member is what the directory says and no more, and where it ends."""
    file.seek(info.header_offset)
    _, flags, method, crc, packed, size, name_length, extra_length = _LOCAL.unpack(file.read(_LOCAL.size))
    extra = file.read(name_length + extra_length)[name_length:]
    if packed == size == _LONG and len(extra) == 20:
        size, packed = struct.unpack_from("<QQ", extra, 4)
    told, wanted = (crc, packed, size), (info.CRC, info.compress_size, info.file_size)
    same = told == wanted or (bool(flags & _STREAMED) and told == (0, 0, 0))
    full = _full(file, info)
    file.seek(info.header_offset + _LOCAL.size + name_length + extra_length + info.compress_size)
    after = file.read(_LONG_SIZES.size) if flags & _STREAMED else b""
    ends = [b""] if not flags & _STREAMED else _streamed(*wanted)
    end = next((each for each in ends if after.startswith(each)), None)
    place = info.header_offset + _LOCAL.size + name_length + extra_length + info.compress_size + len(end or b"")
    return same and full and end is not None and method == info.compress_type and _usual(extra), place


def _streamed(crc: int, packed: int, size: int) -> list[bytes]:
    short = [_SIZES.pack(b"PK\7\10", crc, packed, size)] if max(packed, size) < _LONG else []
    return [_LONG_SIZES.pack(b"PK\7\10", crc, packed, size), *short]


def _usual(extra: bytes) -> bool:
    """Tell whether an extra field is empty, or has long sizes alone (4.5.3)."""
    return not extra or (len(extra) <= 32 and struct.unpack_from("<HH", extra) == (_ZIP64, len(extra) - 4))


def _full(file: IO[bytes], info: zipfile.ZipInfo) -> bool:
    """Tell whether a member's bytes, from here on, are its content to the last one."""
    if info.compress_type == zipfile.ZIP_STORED:
        return info.compress_size == info.file_size
    if info.compress_type != zipfile.ZIP_DEFLATED:
        return False
    unpack, left, size = zlib.decompressobj(-zlib.MAX_WBITS), info.compress_size, 0
    while left and size <= info.file_size and (chunk := file.read(min(left, _CHUNK_BYTES))):
        left -= len(chunk)
        while chunk and size <= info.file_size:
            size += len(unpack.decompress(chunk, _CHUNK_BYTES))
            chunk = unpack.unconsumed_tail
    return unpack.eof and not left and not unpack.unused_data and size == info.file_size


def _list_is_last(file: IO[bytes], place: int, members: int) -> bool:
    """Tell whether after the list of members, without a comment, there is the record of its end and nothing more."""
    for _ in range(members):
        file.seek(place)
        _, name_length, extra_length, comment_length = _ENTRY.unpack(file.read(_ENTRY.size))
        if comment_length or not _usual(file.read(name_length + extra_length)[name_length:]):
            return False
        place += _ENTRY.size + name_length + extra_length
    file.seek(place)
    end = file.read(_ZIP64_END.size + _END.size + 1)
    if end.startswith(b"PK\6\6") and len(end) > _ZIP64_END.size:
        if _ZIP64_END.unpack_from(end)[1:] != (44, b"PK\6\7"):
            return False
        end = end[_ZIP64_END.size :]
    return len(end) == _END.size and _END.unpack(end) == (b"PK\5\6", 0)

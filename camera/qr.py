"""QR codes in one grey picture. Runs in a child process alone: decoders of images crash and hang.

zxing-cpp first, bound to QR codes (all formats cost ten times more), zbar second; OpenCV's own decoder finds fewer and
takes up to 0.4 s for a picture of noise.
"""

import time
from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy
import zxingcpp
from numpy.typing import NDArray

try:
    from pyzbar import pyzbar
except ImportError:  # Debian's libzbar0 is not there; zxing-cpp reads nearly all that zbar reads
    pyzbar = None

Grey = NDArray[numpy.uint8]
BUDGET_S = 0.06
FORMATS = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
MAX_CHARS = 512
STILL = 1.5  # mean change of a small picture, of 255, up to which nothing moved
_SMALL = (64, 36)


def by_zxing(picture: Grey) -> list[str]:
    """Any rotation, also light on dark."""
    return [each.text for each in zxingcpp.read_barcodes(picture, formats=FORMATS) if each.valid]


def by_zbar(picture: Grey) -> list[str]:
    """What zxing-cpp does not read: some strongly blurred ones."""
    if pyzbar is None:
        return []
    found = pyzbar.decode(picture, symbols=[pyzbar.ZBarSymbol.QRCODE])
    return [each.data.decode("utf-8", "replace") for each in found]


def halved(picture: Grey) -> Grey:
    """Half the size: a code that fills its region is read here in a quarter of the time."""
    return _grey(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


def sharpened(picture: Grey) -> Grey:
    """Edges set off against a blurred copy."""
    return _grey(cv2.addWeighted(picture, 2.5, cv2.GaussianBlur(picture, (0, 0), 2), -1.5, 0))


def doubled(picture: Grey) -> Grey:
    """Twice the size: for modules of less than two pixels."""
    return _grey(cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))


Rung = Callable[[Grey], list[str]]
CHEAP: tuple[Rung, ...] = (lambda picture: by_zxing(halved(picture)), by_zxing)
DEEP: tuple[Rung, ...] = (
    lambda picture: by_zxing(sharpened(picture)),
    by_zbar,
    lambda picture: by_zxing(doubled(picture)),
)  # each costs ten times a cheap one


def read_codes(
    picture: Grey,
    deep: Sequence[Rung] = DEEP,
    budget_s: float = BUDGET_S,
    clock: Callable[[], float] = time.perf_counter,
) -> list[str]:
    """Return the texts in a picture, printable ASCII of at most 512 characters; [] when there is none.

    Args:
        picture: Rows of luma.
        deep: What is tried after the cheap rungs.
        budget_s: No further rung is begun after this time.
        clock: Seconds.
    """
    began = clock()
    for rung in (*CHEAP, *deep):
        if texts := [text for text in rung(picture) if _sound(text)]:
            return list(dict.fromkeys(texts))
        if clock() - began > budget_s:
            break
    return []


class Ladder:
    """Reads picture after picture. A moving one gets one deep rung, in turn, so that a crowd costs no core."""

    def __init__(self, still: float = STILL) -> None:
        self._still = still
        self._before: Grey | None = None
        self._turn = 0

    def read(self, picture: Grey) -> list[str]:
        """Return the texts in the next picture."""
        if not self._moved(picture):
            return read_codes(picture, ())
        self._turn = (self._turn + 1) % len(DEEP)
        return read_codes(picture, DEEP[self._turn : self._turn + 1])

    def _moved(self, picture: Grey) -> bool:
        """Compare with the picture before; the first one counts as moved."""
        small = _grey(cv2.resize(picture, _SMALL, interpolation=cv2.INTER_AREA))
        before, self._before = self._before, small
        return before is None or float(cv2.absdiff(before, small).mean()) > self._still


class Pgm:
    """Cuts a stream of binary PGM pictures (Netpbm P5, 8 bit); each has its own size. Pure."""

    def __init__(self, limit_bytes: int = 16 << 20) -> None:
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Grey]:
        """Take bytes; yield the pictures that they complete. Raises `ValueError` for anything else."""
        self._buffer += data
        while head := self._head():
            start, width, height = head
            end = start + width * height
            if width * height > self._limit_bytes:
                raise ValueError(f"a picture of {width} x {height}")
            if len(self._buffer) < end:
                return
            yield numpy.frombuffer(bytes(self._buffer[start:end]), numpy.uint8).reshape(height, width)
            del self._buffer[:end]

    def _head(self) -> tuple[int, int, int] | None:
        """Start of the pixels, width, height; None until the head is whole."""
        words = self._buffer[:64].split(maxsplit=4)
        if len(words) < 5 and len(self._buffer) < 64:
            return None
        if len(words) < 4 or words[0] != b"P5" or words[3] != b"255":
            raise ValueError("no PGM picture")
        return sum(map(len, words[:4])) + 4, int(words[1]), int(words[2])


def _sound(text: str) -> bool:
    return 0 < len(text) <= MAX_CHARS and text.isascii() and text.isprintable()


def _grey(picture: object) -> Grey:
    return numpy.asarray(picture, dtype=numpy.uint8)

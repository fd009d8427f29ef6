"""QR codes in one grey picture. Runs in a child process alone: decoders of images crash and hang.

zxing-cpp first, bound to QR codes (all formats cost ten times more), zbar second; OpenCV's own decoder finds fewer and
takes up to 0.4 s for a picture of noise.
"""

import time
from collections.abc import Callable, Sequence

import cv2
import zxingcpp

from camera.pictures import Grey, grey

try:
    from pyzbar import pyzbar
except ImportError:  # Debian's libzbar0 is not there; zxing-cpp reads nearly all that zbar reads
    pyzbar = None

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
    return grey(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


def sharpened(picture: Grey) -> Grey:
    """Edges set off against a blurred copy."""
    return grey(cv2.addWeighted(picture, 2.5, cv2.GaussianBlur(picture, (0, 0), 2), -1.5, 0))


def doubled(picture: Grey) -> Grey:
    """Twice the size: for modules of less than two pixels."""
    return grey(cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))


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
        small = grey(cv2.resize(picture, _SMALL, interpolation=cv2.INTER_AREA))
        before, self._before = self._before, small
        return before is None or float(cv2.absdiff(before, small).mean()) > self._still


def _sound(text: str) -> bool:
    return 0 < len(text) <= MAX_CHARS and text.isascii() and text.isprintable()

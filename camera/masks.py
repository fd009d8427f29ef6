"""Privacy masks: where a picture is nobody's business. Pure; a polygon's points are shares of the picture.

`covered` is what the analysis leaves out. `blackout` is the same for ffmpeg, for all that leaves the house:
`ffmpeg -i CLIP -vf BLACKOUT ...`; a picture cannot be blackened without encoding it anew.
"""

import re
from collections.abc import Iterator, Sequence

Point = tuple[float, float]
Polygon = Sequence[Point]


def covered(polygons: Sequence[Polygon], width: int, height: int) -> list[bytes]:
    """Return a row of bytes a line of the picture: 255 where a polygon lies, else 0.

    A pixel that a polygon only touches is covered too: a mask hides rather too much than too little.
    """
    rows = [bytearray(width) for _ in range(height)]
    for polygon in polygons:
        scaled = [(x * width, y * height) for x, y in polygon]
        for y in range(height):
            for begin, end in _spans(scaled, y, width):
                rows[y][begin:end] = b"\xff" * (end - begin)
    return [bytes(row) for row in rows]


def blackout(polygons: Sequence[Polygon], columns: int = 240, rows: int = 135) -> str:
    """Return an ffmpeg filter chain that blackens the polygons in pictures of any size; "" when there are none.

    Boxes of a grid, because `drawbox` knows shares of the picture and wants no second input; equal lines are one box.
    """
    return ",".join(
        f"drawbox=x=floor(iw*{x / columns:.5f}):y=floor(ih*{y / rows:.5f})"
        f":w=ceil(iw*{width / columns:.5f})+1:h=ceil(ih*{height / rows:.5f})+1:color=black:t=fill"
        for x, y, width, height in _boxes(covered(polygons, columns, rows))
    )


def _boxes(rows: Sequence[bytes]) -> Iterator[tuple[int, int, int, int]]:
    """Yield x, y, width, height of boxes that together are what is covered."""
    growing: dict[tuple[int, int], int] = {}  # a stretch of the line above -> the line in which its box began
    for y, row in enumerate([*rows, b""]):
        runs = {(run.start(), run.end()) for run in re.finditer(b"\xff+", row)}
        for run in [each for each in growing if each not in runs]:
            top = growing.pop(run)
            yield run[0], top, run[1] - run[0], y - top
        for run in runs:
            growing.setdefault(run, y)


def _spans(polygon: Sequence[Point], y: int, width: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches of pixel row `y` that a polygon touches (even-odd rule at three heights of the row)."""
    for height in (y + 0.001, y + 0.5, y + 0.999):
        crossings = sorted(_crossings(polygon, height))
        for left, right in zip(crossings[::2], crossings[1::2], strict=True):
            begin, end = max(0, int(left)), min(width, int(right) + 1)
            if end > begin:
                yield begin, end


def _crossings(polygon: Sequence[Point], y: float) -> Iterator[float]:
    """Yield where the edges cross a height; a vertex belongs to the edge below it, so that the count is even."""
    for (x1, y1), (x2, y2) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (y1 <= y) != (y2 <= y):
            yield x1 + (y - y1) / (y2 - y1) * (x2 - x1)

"""Privacy masks: which pixels they cover, and that ffmpeg blackens them and nothing else."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from camera.masks import blackout, covered
from config.drawing import Drawing, Mask

WINDOW = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.5), (0.25, 0.5))
shares = st.floats(0, 1, allow_nan=False)
points = st.tuples(shares, shares)


def inside(x: float, y: float, polygon: list[tuple[float, float]]) -> bool:
    """Even-odd rule for one point, from its definition: a ray to the right."""
    crossed = 0
    for (x1, y1), (x2, y2) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (y1 <= y) != (y2 <= y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            crossed += 1
    return crossed % 2 == 1


@given(st.lists(points, min_size=3, max_size=8), st.integers(0, 31), st.integers(0, 17))
def test_a_pixel_whose_middle_lies_within_is_covered(polygon: list[tuple[float, float]], x: int, y: int) -> None:
    rows = covered([polygon], 32, 18)
    assert len(rows) == 18
    assert {len(row) for row in rows} == {32}
    if inside((x + 0.5) / 32, (y + 0.5) / 18, polygon):
        assert rows[y][x] == 255


def test_a_rectangle_covers_its_pixels_and_at_most_one_more_on_each_side() -> None:
    rows = covered([WINDOW], 40, 20)
    assert all(set(row[10:30]) == {255} for row in rows[5:10])
    assert not any(any(row) for row in [*rows[:4], *rows[11:]])
    assert not any(any(row[:9]) or any(row[31:]) for row in rows)


def test_nothing_drawn_hides_nothing() -> None:
    assert blackout([]) == ""
    assert set(b"".join(covered([], 8, 4))) == {0}


def test_ffmpeg_blackens_what_is_masked_and_leaves_the_rest() -> None:
    triangle = ((0.5, 0.6), (0.9, 0.9), (0.1, 0.9))
    argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=white:size=320x180:rate=1", "-frames:v", "1"]
    argv += ["-vf", f"{blackout([WINDOW, triangle])},format=gray", "-f", "rawvideo", "pipe:1"]
    luma = subprocess.run(argv, capture_output=True, check=True).stdout
    picture = [luma[y * 320 : (y + 1) * 320] for y in range(180)]
    for y in range(0, 180, 4):
        for x in range(0, 320, 4):
            middle = (x + 0.5) / 320, (y + 0.5) / 180
            if inside(*middle, list(WINDOW)) or inside(*middle, list(triangle)):
                assert picture[y][x] < 20
    assert picture[20][160] > 230
    assert picture[100][160] > 230
    assert picture[170][160] > 230


@pytest.mark.parametrize(
    "polygon",
    [
        [(0, 0), (1, 1)],
        [(0, 0), (1, 1), (0.5, 0.5)],
        [(0, 0), (1.01, 0), (1, 1)],
        [(0, 0), (float("nan"), 0), (1, 1)],
        [(0, 0)] * 33,
        "rectangle",
    ],
)
def test_a_shape_that_is_none_is_refused(polygon: object) -> None:
    with pytest.raises(ValidationError):
        Mask.model_validate({"name": "window", "polygon": polygon})


def test_two_masks_are_told_apart_by_name() -> None:
    mask = {"name": "window", "polygon": WINDOW}
    with pytest.raises(ValidationError, match="used twice"):
        Drawing.model_validate({"masks": [mask, mask]})

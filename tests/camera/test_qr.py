"""QR codes in pictures: the decoders, the cutter of pictures, and what is told once."""

import numpy
import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from camera import qr
from camera.pictures import Grey, Pgm
from camera.qr import Ladder, read_codes
from camera.qr_reader import Listener, Once

TEXT = "MJ1:" + "7WGE" * 32 + "ABC"  # as long as a live code: version 6-M


def scene(text: str = TEXT, scale: int = 5, width: int = 640, height: int = 480, inverted: bool = False) -> Grey:
    """A grey wall with a code on it."""
    code = numpy.array(list(segno.make_qr(text, error="m").matrix_iter(scale)), numpy.uint8)
    rows, columns = code.shape
    picture = numpy.full((height, width), 90, numpy.uint8)
    top, left = (height - rows) // 2, (width - columns) // 2
    drawn = numpy.where((code > 0) ^ inverted, 20, 230)
    picture[top : top + rows, left : left + columns] = drawn
    return picture


def empty() -> Grey:
    return numpy.random.default_rng(7).integers(0, 255, (480, 640), numpy.uint8)


@pytest.mark.parametrize("scale", [2, 3, 5, 8])
def test_a_code_of_a_phone_is_read_near_and_far(scale: int) -> None:
    assert read_codes(scene(scale=scale)) == [TEXT]


def test_a_code_in_dark_mode_and_one_on_its_side_are_read() -> None:
    assert read_codes(scene(inverted=True)) == [TEXT]
    assert read_codes(numpy.ascontiguousarray(numpy.rot90(scene()))) == [TEXT]


def test_a_picture_without_a_code_gives_nothing_within_its_budget() -> None:
    moments = iter([0.0, 0.001, 0.2])
    assert read_codes(empty(), clock=lambda: next(moments)) == []


@pytest.mark.parametrize("text", ["开门", "x\ty", "A" * 513])
def test_a_text_that_no_credential_has_is_dropped(text: str) -> None:
    assert read_codes(scene(text, 2, 1280, 720)) == []


def test_a_still_picture_is_looked_into_once_and_a_moving_one_by_one_deep_rung_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    rungs = tuple(lambda _, n=n: asked.append(n) or [] for n in range(3))
    monkeypatch.setattr(qr, "DEEP", rungs)
    ladder, wall = Ladder(), numpy.full((480, 640), 90, numpy.uint8)
    for _ in range(3):
        assert ladder.read(wall) == []
    assert asked == [1]
    for shade in (10, 200, 90):
        ladder.read(numpy.full((480, 640), shade, numpy.uint8))
    assert asked == [1, 2, 0, 1]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=5), st.integers(1, 500))
def test_pictures_are_cut_wherever_the_stream_is_torn(widths: list[int], chunk: int) -> None:
    pictures = [numpy.full((9, width), 10 + width, numpy.uint8) for width in widths]
    stream = b"".join(f"P5\n{p.shape[1]} 9\n255\n".encode() + p.tobytes() for p in pictures) + b"P5\n"
    cutter = Pgm()
    found = [p for at in range(0, len(stream), chunk) for p in cutter.feed(stream[at : at + chunk])]
    whole = [p for p in pictures if p.size > 64]
    assert len(found) >= len(whole) - 1
    assert all((a == b).all() for a, b in zip(found, pictures, strict=False))


@pytest.mark.parametrize("bad", [b"P6\n1 1\n255\n" + bytes(99), bytes(99), b"P5\n99999 99999\n255\n" + bytes(99)])
def test_what_is_no_picture_is_refused(bad: bytes) -> None:
    with pytest.raises(ValueError, match="picture"):
        list(Pgm().feed(bad))


def test_a_text_in_sight_is_told_once_and_again_after_five_seconds_without_it() -> None:
    once = Once()
    assert [once.new("a", at) for at in (0, 1, 4, 8.5)] == [True, False, False, False]
    assert once.new("b", 8.5)
    assert once.new("a", 14)


def test_what_is_remembered_and_what_waits_is_bounded() -> None:
    once, listener = Once(limit=3), Listener(limit=2)
    for n in range(10):
        once.new(str(n), 0)
        listener.tell({"n": n})
    assert once.new("0", 0)
    assert not once.new("9", 0)
    assert len(listener._waiting) == 2

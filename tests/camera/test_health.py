"""Whether a camera still sees what it was put up for, from pictures alone."""

from collections.abc import Iterable

import cv2
import numpy
import pytest

from camera.health import Fault, Health, HealthLimits
from camera.pictures import Grey
from tests.camera.scene import Scene

START = 1_800_000_000.0
LIMITS = HealthLimits(lasts_s=10, frozen_s=30, average_s=5, learn_s=20)


class Watch:
    """A camera's health, looked at once a second."""

    def __init__(self, reference: Grey | None = None) -> None:
        self.kept: list[Grey] = []
        self.health = Health(LIMITS, self.kept.append)
        if reference is not None:
            self.health.reference = reference.astype(numpy.float32)
        self.at = START

    def see(self, pictures: Iterable[Grey]) -> list[Fault | None]:
        told = []
        for picture in pictures:
            self.at += 1
            told.append(self.health.step(picture, self.at))
        return told


def yard(scene: Scene, seconds: int) -> list[Grey]:
    return [scene.picture() for _ in range(seconds)]


def when(told: list[Fault | None], fault: Fault) -> int:
    """Seconds until a fault was told, and that nothing else was."""
    assert set(told) <= {None, fault}
    return told.index(fault)


def test_a_camera_that_sees_its_yard_is_well_for_a_while_with_people_in_it() -> None:
    scene, watch = Scene(), Watch()
    assert set(watch.see(scene.picture(((n * 7) % 300, 80)) for n in range(300))) == {None}
    assert len(watch.kept) >= 1


def test_a_covered_lens_is_black_also_with_a_clock_in_the_picture() -> None:
    scene, watch = Scene(), Watch()
    watch.see(yard(scene, 30))
    dark = numpy.full((180, 320), 16, numpy.uint8)
    dark[4:14, 10:120] = 230
    assert 9 <= when(watch.see(dark + numpy.uint8(n % 2) for n in range(30)), Fault.BLACK) <= 12


def test_a_picture_that_never_changes_is_frozen_and_one_change_ends_it() -> None:
    scene, watch = Scene(), Watch()
    watch.see(yard(scene, 30))
    same = scene.picture()
    assert 29 <= when(watch.see([same] * 60), Fault.FROZEN) <= 32
    assert watch.see([scene.picture((100, 80))]) == [None]


def test_a_picture_out_of_focus_is_blurred() -> None:
    scene, watch = Scene(noise=1.0), Watch()
    watch.see(yard(scene, 40))
    blurred = (numpy.asarray(cv2.GaussianBlur(picture, (0, 0), 6), numpy.uint8) for picture in yard(scene, 60))
    assert when(watch.see(picture + numpy.uint8(n % 2 * 12) for n, picture in enumerate(blurred)), Fault.BLURRED) >= 10


def test_a_camera_that_was_turned_is_moved_until_it_is_turned_back() -> None:
    scene, watch = Scene(), Watch()
    watch.see(yard(scene, 40))
    assert 10 <= when(watch.see(scene.picture(shift=57) for _ in range(60)), Fault.MOVED) <= 30
    assert watch.see(yard(scene, 30))[-1] is None


@pytest.mark.parametrize("light", [0.5, 1.6])
def test_dusk_and_lamps_move_no_camera(light: float) -> None:
    scene, watch = Scene(), Watch()
    watch.see(yard(scene, 40))
    assert set(watch.see(scene.picture(light=light) for _ in range(120))) == {None}


def test_a_lorry_that_stands_in_front_for_less_than_the_limit_is_no_fault() -> None:
    scene, watch = Scene(), Watch()
    watch.see(yard(scene, 40))
    lorry = numpy.full((180, 320), 120, numpy.uint8)
    told = watch.see(lorry + numpy.uint8(n % 2 * 12) for n in range(8)) + watch.see(yard(scene, 30))
    assert set(told) == {None}


def test_a_camera_that_was_turned_while_nobody_looked_is_seen_at_the_next_start() -> None:
    scene = Scene()
    watch = Watch(reference=scene.picture())
    assert Fault.MOVED in watch.see(scene.picture(shift=57) for _ in range(30))


def test_a_picture_without_anything_in_it_is_not_compared() -> None:
    watch = Watch(reference=numpy.full((180, 320), 200, numpy.uint8))
    fog = (numpy.full((180, 320), 200 + n % 2 * 12, numpy.uint8) for n in range(60))
    assert set(watch.see(fog)) == {None}

"""Motion in zones, picture by picture: what is told, what is not, and when."""

from collections.abc import Sequence

import numpy
import pytest

from camera.masks import Polygon
from camera.motion import Detector, MotionZone, Presence, Stay
from tests.camera.scene import FPS, Scene

LEFT = MotionZone("left", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
RIGHT = MotionZone("right", ((0.5, 0), (1, 0), (1, 1), (0.5, 1)))
START = 1_800_000_000.0


class Watch:
    """A detector with its presences, and what they told."""

    def __init__(self, *zones: MotionZone, masks: Sequence[Polygon] = ()) -> None:
        self._detector = Detector(zones, masks, FPS)
        self._presences = [Presence(zone) for zone in zones]
        self.told: list[Stay] = []
        self.at = START

    def see(self, *pictures: numpy.ndarray) -> None:
        for picture in pictures:
            self.at += 1 / FPS
            shares = self._detector.look(picture)
            found = (each.step(self.at, shares.get(each.zone.name)) for each in self._presences)
            self.told += [stay for stay in found if stay]

    @property
    def zones(self) -> set[str]:
        return {stay.zone for stay in self.told}


def still(scene: Scene, seconds: float) -> list[numpy.ndarray]:
    return [scene.picture() for _ in range(round(seconds * FPS))]


def test_an_empty_yard_with_a_noisy_sensor_is_no_motion() -> None:
    watch = Watch(LEFT, RIGHT)
    watch.see(*still(Scene(noise=6.0), 60))
    assert watch.told == []


def test_somebody_is_seen_in_the_zone_where_he_is_within_two_pictures() -> None:
    scene, watch = Scene(), Watch(LEFT, RIGHT)
    watch.see(*still(scene, 10))
    came = watch.at
    watch.see(*(scene.picture((200 + 3 * n, 80)) for n in range(10)))
    assert watch.zones == {"right"}
    assert watch.told[0].from_s - came <= 2 / FPS
    assert not watch.told[0].over


def test_a_stay_is_over_after_he_left() -> None:
    scene, watch = Scene(), Watch(RIGHT)
    watch.see(*still(scene, 10))
    watch.see(*(scene.picture((200 + 3 * n, 80)) for n in range(15)))
    left = watch.at
    watch.see(*still(scene, 5))
    assert watch.told[-1].over
    assert abs(watch.told[-1].to_s - left) < 0.5
    assert sum(stay.over for stay in watch.told) == 1


def test_who_passes_through_faster_than_the_dwell_time_is_not_told() -> None:
    scene, watch = Scene(), Watch(MotionZone("right", RIGHT.polygon, dwell_s=4))
    watch.see(*still(scene, 10))
    watch.see(*(scene.picture((180 + 8 * n, 80)) for n in range(12)), *still(scene, 5))
    assert watch.told == []
    watch.see(*(scene.picture((180 + 4 * n, 80)) for n in range(28)))
    assert watch.zones == {"right"}


def test_what_a_mask_covers_is_not_looked_at() -> None:
    scene, watch = Scene(), Watch(LEFT, RIGHT, masks=[((0.5, 0), (1, 0), (1, 1), (0.5, 1))])
    watch.see(*still(scene, 10), *(scene.picture((200 + 3 * n, 80)) for n in range(20)))
    assert watch.told == []


@pytest.mark.parametrize(("sensitivity", "seen"), [(1, False), (20, False), (50, True), (100, True)])
def test_sensitivity_decides_how_large_a_thing_must_be(sensitivity: int, seen: bool) -> None:
    scene, watch = Scene(), Watch(MotionZone("yard", ((0, 0), (1, 0), (1, 1), (0, 1)), sensitivity))
    watch.see(*still(scene, 10), *(scene.picture((100 + 2 * n, 60)) for n in range(10)))  # 1.1 % of the picture
    assert bool(watch.told) is seen


def test_a_lamp_that_is_switched_on_is_light_and_not_motion() -> None:
    scene, watch = Scene(), Watch(LEFT, RIGHT)
    watch.see(*still(scene, 20))
    watch.see(*(scene.picture(light=1.7) for _ in range(10 * FPS)))
    assert watch.told == []


def test_a_parked_car_is_background_after_a_minute() -> None:
    scene, watch = Scene(), Watch(RIGHT)
    watch.see(*still(scene, 10), *(scene.picture((200, 80)) for _ in range(150 * FPS)))
    assert watch.told[-1].over
    assert watch.told[-1].to_s < START + 10 + 120


def test_another_size_of_picture_begins_anew() -> None:
    scene, watch = Scene(), Watch(LEFT, RIGHT)
    watch.see(*still(scene, 10))
    watch.see(*(picture[::2, ::2] for picture in still(scene, 10)))
    assert watch.told == []


def test_one_picture_with_motion_is_noise() -> None:
    presence = Presence(LEFT)
    steps = [None, 0.1, None, None, 0.1, None, None, None]
    assert [presence.step(START + n / FPS, share) for n, share in enumerate(steps)] == [None] * len(steps)

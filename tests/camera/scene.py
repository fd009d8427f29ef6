"""Pictures as a sub stream gives them, drawn here: 320 x 180, grey, with the noise of a sensor."""

import numpy

from camera.pictures import Grey

WIDTH, HEIGHT, FPS = 320, 180, 5


class Scene:
    """A yard with a wall and a gate; who stands in it is an argument."""

    def __init__(self, seed: int = 1, noise: float = 2.0) -> None:
        self._random = numpy.random.default_rng(seed)
        self._noise = noise
        down = numpy.linspace(70, 150, HEIGHT)[:, None] + numpy.zeros((HEIGHT, WIDTH))
        down[120:160, ::16] -= 40  # a fence
        down[60:120, 40:44] += 60
        down[60:120, 240:244] += 60
        down[60:64, 40:244] += 60  # a gate
        self.yard = down

    def picture(self, person: tuple[int, int] | None = None, light: float = 1.0, shift: int = 0) -> Grey:
        """The yard; `person` is x and y of somebody of 16 x 40 pixels."""
        lit = numpy.roll(self.yard, shift, axis=1) * light
        if person:
            x, y = person
            lit[y : y + 40, x : x + 16] = 30
        return numpy.clip(lit + self._random.normal(0, self._noise, lit.shape), 0, 255).astype(numpy.uint8)

"""What a person draws on a camera's picture: monitoring zones and privacy masks. Points are shares of the picture.

The site file may hold masks; the console draws both, the management plane keeps them and hands them to the recorder.
One shape for all three, so it stands here.
"""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from config.model import DAYS, Day, Model, Name, TimeOfDay

LEAST_AREA = 1e-4  # of the picture: about five pixels square of a sub stream
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Point = tuple[Share, Share]  # x from the left, y from the top
ShortText = Annotated[str, Field(min_length=1, max_length=48, pattern=r"^[^\x00-\x1f\x7f]+$")]


def area(polygon: tuple[Point, ...]) -> float:
    """Return a polygon's area as a share of the picture (shoelace formula)."""
    pairs = zip(polygon, polygon[1:] + polygon[:1], strict=True)
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2


def _not_flat(polygon: tuple[Point, ...]) -> tuple[Point, ...]:
    if area(polygon) < LEAST_AREA:
        raise ValueError("the polygon covers next to nothing")
    return polygon


Polygon = Annotated[tuple[Point, ...], Field(min_length=3, max_length=32), AfterValidator(_not_flat)]


class Mask(Model):
    """A neighbour's window: not analysed, and black in what leaves the house."""

    name: ShortText
    polygon: Polygon


class ArmedWindow(Model):
    """A weekly time in which a zone alarms."""

    days: Annotated[tuple[Day, ...], Field(min_length=1, max_length=7)] = DAYS
    begin: TimeOfDay
    end: TimeOfDay = Field(description="Not later than begin: over midnight")


class MonitoringZone(Model):
    """Where motion counts. The whole polygon is looked at, less the masks."""

    name: ShortText
    polygon: Polygon
    sensitivity: Annotated[int, Field(ge=1, le=100, description="100: a hand; 50: a person; 1: a lorry")] = 50
    dwell_s: Annotated[float, Field(ge=0, le=60, description="Motion shorter than this is no alarm")] = 0.0
    windows: Annotated[tuple[ArmedWindow, ...], Field(max_length=21, description="None: always armed")] = ()
    door: Name | None = Field(
        default=None, description="Whoever is here passed this door: no passage, no business here"
    )


class Drawing(Model):
    """All that is drawn on one camera's picture. `revision` rises with each change; 0: nothing was drawn yet."""

    revision: Annotated[int, Field(ge=0, lt=1 << 53)] = 0
    zones: Annotated[tuple[MonitoringZone, ...], Field(max_length=16)] = ()
    masks: Annotated[tuple[Mask, ...], Field(max_length=16)] = ()

    @model_validator(mode="after")
    def _told_apart(self) -> "Drawing":
        for kind in (self.zones, self.masks):
            names = [each.name for each in kind]
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise ValueError(f"the name {twice!r} is used twice")
        return self

"""How a camera's picture is watched, and where its ONVIF service is."""

from typing import Annotated, Literal

from pydantic import Field

from config.model import Model

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Analytics(Model):
    """Motion and the camera's health, from decoded pictures."""

    stream: Literal["sub", "main", "off"] | None = Field(
        default=None, description="Left out: the sub stream if there is one; the main stream costs ten times as much"
    )
    fps: Annotated[float, Field(ge=1, le=15)] = 5
    fault_s: Seconds = Field(default=10, description="A picture must be black, blurred or moved for so long")
    frozen_s: Seconds = Field(default=60, description="A picture must stand still for so long")
    learn_s: Seconds = Field(default=60, description="In which it is learnt what the camera was put up for")
    lost_s: Seconds = Field(default=20, description="Without a picture for so long is an alarm")


class Onvif(Model):
    """The camera's ONVIF service, by the camera's own login: its clock is compared with this machine's."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s@]+$")]
    clock_error_s: Seconds = 5
    check_every_s: Annotated[float, Field(ge=1, le=86_400)] = 900

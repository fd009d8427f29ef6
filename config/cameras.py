"""The cameras and the recorder: what is recorded from where, and how long it stays."""

from typing import Annotated

from pydantic import Field, model_validator

from config.analytics import Analytics, Onvif
from config.drawing import Mask
from config.model import Label, Model, Name, Port, SitePath

Rtsp = Annotated[str, Field(pattern=r"^rtsps?://[^\s]+$")]


class Retention(Model):
    """How long footage stays; a Hold outlives it."""

    max_age_h: Annotated[float, Field(gt=0)] = 720
    max_bytes: Annotated[int, Field(gt=0)] | None = None


class CodeReader(Model):
    """QR codes shown to a camera, read as a scanner would read them."""

    reader: Name = Field(description="What access points call it")
    source: Annotated[str, Field(pattern=r"^(rtsps?://[^\s]+|/dev/video\d{1,3})$")] | None = Field(
        None, description="A sub stream with the camera's login, or a V4L2 device, in place of the recorded stream"
    )
    region: tuple[float, float, float, float] = Field(
        (0, 0, 1, 1), description="Where codes are shown: x, y, width, height as shares of the picture"
    )
    fps: Annotated[float, Field(gt=0, le=25)] = 8

    @model_validator(mode="after")
    def _within_picture(self) -> "CodeReader":
        x, y, width, height = self.region
        if not (x >= 0 and y >= 0 and width >= 0.05 and height >= 0.05 and x + width <= 1 and y + height <= 1):
            raise ValueError("region must lie within the picture: x, y, width, height are shares of it, 0 to 1")
        return self


class SubStream(Model):
    """A camera's small stream, by the camera's own login: for grids, motion and phones."""

    url: Rtsp


class Camera(Model):
    """An RTSP camera."""

    name: Name
    label: Label
    url: Rtsp
    username: str = ""
    password_file: SitePath | None = None
    doors: tuple[Name, ...] = ()
    retention: Retention = Retention()
    sub: SubStream | None = None
    masks: Annotated[tuple[Mask, ...], Field(max_length=16)] = ()
    analytics: Analytics = Analytics()
    onvif: Onvif | None = None
    qr: CodeReader | None = None


class Recorder(Model):
    """The recorder process. It listens on this machine's loopback unless told otherwise."""

    dir: SitePath
    host: str = "127.0.0.1"
    port: Port = 8092
    token_file: SitePath
    segment_s: Annotated[int, Field(ge=2, le=600)] = 60
    min_free_bytes: Annotated[int, Field(ge=0)] = 1 << 30

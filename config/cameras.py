"""The cameras and the recorder: what is recorded from where, and how long it stays."""

from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from config.analytics import Analytics, Onvif
from config.drawing import Mask
from config.model import Label, Model, Name, Port, SitePath

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)
Hours = Annotated[float, Field(gt=0)]
Rtsp = Annotated[str, Field(pattern=r"^rtsps?://[^\s]+$")]
# Folders of the recorder beside those of the cameras.
FOLDERS = ("incoming", "unusable", "snapshots", "drawings", "references", "stills")
Mode = Literal["continuous", "motion", "event", "off"]
TimeOfDay = Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]


def rtsp_fault(url: str) -> str:
    """Return why the recorder could not open an address, or should not; "" when it can."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "the address cannot be read: look at its host and port"
    if not parts.hostname:
        return "the address names no host"
    if parts.fragment:
        return "the address has a #, which ends it: write %23"
    if "@" in parts.path or "\\" in url:  # of a password with a / in it, most of the time
        return "the address has an @ or a \\ after its host: write %40 or %5C, and a password into a file of its own"
    if parts.password is not None:
        return "the address has a password in it: put that into a file of its own, and name it by password_file"
    return ""


def _free(name: str) -> str:
    if name in FOLDERS:
        raise ValueError(f"{name} is a folder of the recorder's own: call the camera something else")
    return name


class Retention(Model):
    """How long footage stays; a Hold outlives it."""

    max_age_h: Hours = 720
    motion_h: Hours | None = Field(default=None, description="Of footage with motion; left out: max_age_h")
    event_h: Hours | None = Field(default=None, description="Of footage of an event at a door; left out: max_age_h")
    max_bytes: Annotated[int, Field(gt=0)] | None = None
    min_age_h: Annotated[float, Field(ge=0)] = Field(
        default=0, description="What the law asks for: a disk too small warns"
    )

    @model_validator(mode="after")
    def _lawful(self) -> "Retention":
        if any(age is not None and age < self.min_age_h for age in (self.max_age_h, self.motion_h, self.event_h)):
            raise ValueError(f"footage would go before its legal minimum, min_age_h: {self.min_age_h:g}")
        return self


class Window(Model):
    """A weekly time in which another mode rules."""

    days: Annotated[tuple[Day, ...], Field(min_length=1)] = DAYS
    begin: TimeOfDay
    end: TimeOfDay = Field(description="Earlier than begin: over midnight")
    mode: Mode


class Recording(Model):
    """What is kept when."""

    mode: Mode = Field(
        default="continuous", description="Outside the windows; motion and event keep what has such a mark"
    )
    windows: tuple[Window, ...] = ()
    pre_s: Annotated[float, Field(ge=0, le=600)] = Field(default=10, description="What is kept before a mark")
    post_s: Annotated[float, Field(ge=0, le=600)] = Field(default=20, description="What is kept after a mark")
    linger_s: Annotated[float, Field(ge=1)] = Field(default=900, description="How long footage waits for a mark")

    @model_validator(mode="after")
    def _waits(self) -> "Recording":
        waits = any(mode in ("motion", "event") for mode in (self.mode, *(each.mode for each in self.windows)))
        if waits and self.linger_s < self.pre_s:
            raise ValueError(f"linger_s: footage would be gone before a mark can keep its pre_s: {self.pre_s:g}")
        return self


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
    record: bool = False
    retention: Retention | None = Field(default=None, description="Left out: the camera's")


class Camera(Model):
    """An RTSP camera."""

    name: Annotated[Name, AfterValidator(_free)]
    label: Label
    url: Rtsp
    username: str = ""
    password_file: SitePath | None = None
    doors: tuple[Name, ...] = ()
    audio: bool = Field(default=False, description="Record its sound; copied, or coded as AAC where MP4 asks for it")
    recording: Recording = Recording()
    retention: Retention = Retention()
    disk: Name | None = Field(default=None, description="One of the recorder's; left out: they are taken in turn")
    sub: SubStream | None = None
    masks: Annotated[tuple[Mask, ...], Field(max_length=16)] = ()
    analytics: Analytics = Analytics()
    onvif: Onvif | None = None
    qr: CodeReader | None = None


class Disk(Model):
    """One more disk for footage."""

    name: Name
    dir: SitePath


class Offsite(Model):
    """An S3 store that held footage goes to."""

    endpoint: Annotated[str, Field(pattern=r"^https?://[^\s/]+$")]
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    region: str = "us-east-1"
    prefix: str = ""
    access_key: str
    secret_key_file: SitePath
    limit_mbit: Annotated[float, Field(ge=0)] = Field(default=0, description="Of the line; 0: all of it")


class Snapshots(Model):
    """A small picture of each event at a door, which stays when its footage has gone."""

    keep_days: Annotated[float, Field(ge=180, description="No less than events are kept")] = 180
    max_bytes: Annotated[int, Field(gt=0)] | None = None
    width: Annotated[int, Field(ge=160, le=1920, multiple_of=2)] = 640


class Recorder(Model):
    """The recorder process. It listens on this machine's loopback unless told otherwise."""

    dir: SitePath
    host: str = "127.0.0.1"
    port: Port = 8092
    token_file: SitePath
    segment_s: Annotated[int, Field(ge=2, le=600)] = 60
    min_free_bytes: Annotated[int, Field(ge=0, description="No disk gets fuller; 16 MiB at least")] = 1 << 30
    snapshots: Snapshots = Snapshots()
    offsite: Offsite | None = None
    disks: tuple[Disk, ...] = Field(default=(), description="More disks beside dir, which also has the index")

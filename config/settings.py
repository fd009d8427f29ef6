"""What the electrician wired: the site file's models. Unknown keys are refused.

The file is read by `config.load.load_settings`; only a process's root reads it, everything else takes plain values.
Paths in the file are relative to the file. Secrets stand in files of their own, never in this one.
"""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from config.cameras import Camera, CodeReader, Recorder, Retention, SubStream
from config.devices import (
    Broker,
    Bus,
    IdCardReader,
    MqttDevice,
    PolledBus,
    Reader,
    Scanner,
    SerialReader,
    Uhppote,
    VguangReader,
)
from config.model import Label, Model, Name, Port, SitePath

__all__ = [
    "AccessPoint",
    "Api",
    "Broker",
    "Bus",
    "Camera",
    "CodeReader",
    "Door",
    "FireZone",
    "Label",
    "Model",
    "MqttDevice",
    "Reader",
    "Recorder",
    "Retention",
    "Scanner",
    "Secrets",
    "Settings",
    "Site",
    "SubStream",
]


class Site(Model):
    """The estate."""

    id: Annotated[int, Field(ge=1, le=0xFFFFFFFF, description="Audience of live codes and visitor passes")]
    name: Label
    timezone: str = "Asia/Shanghai"
    static_codes: bool = Field(
        False, description="Let fixed texts in QR codes open doors: anybody can copy one, so they count as level 0"
    )
    board_lists: bool = Field(
        False,
        description="Keep card numbers, sealed, so that UHPPOTE boards have a list to decide by when we are silent",
    )

    @model_validator(mode="after")
    def _known_zone(self) -> "Site":
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"unknown time zone {self.timezone!r}") from error
        return self


class Secrets(Model):
    """Files that hold the site's keys (mode 0600)."""

    site_key_file: SitePath = Field(description="32 random bytes in hex: keys the hash of card numbers")
    reader_keys_file: SitePath = Field(description="The vault of OSDP secure-channel keys, JSON by reader name")


class ApiLink(Model):
    """Where the gateway finds the management plane."""

    url: str
    token_file: SitePath


class Gateway(Model):
    """The door process."""

    id: Name = "gateway-1"
    api: ApiLink


class Lock(Model):
    """The output that releases a door."""

    device: Name
    output: Annotated[int, Field(ge=0, le=15)] = 0
    without_power: Literal["open", "locked"] | None = Field(None, description="What the lock does when power fails")


class Contact(Model):
    """The input that sees a door open."""

    device: Name
    input: Annotated[int, Field(ge=0, le=31)] = 0
    open_when_active: bool = True


class Rex(Model):
    """A request-to-exit button or sensor. Where it is not wired to the lock too, the door process releases it."""

    device: Name
    input: Annotated[int, Field(ge=0, le=31)] = 0
    pressed_when_active: bool = True
    pulse_s: Annotated[float, Field(ge=0, le=60, description="0: the button itself releases the lock")] = 0.0
    shunt_s: Annotated[float, Field(gt=0, le=600)] = 5.0


class FireLoop(Model):
    """The supervised loop of a fire zone: whole in peace, open in a fire or when a wire is cut."""

    device: Name
    input: Annotated[int, Field(ge=0, le=31)] = 0
    whole_when_active: bool = True


class FireZone(Model):
    """What one output of the fire panel releases."""

    name: Name
    label: Label | None = None
    loop: FireLoop
    when_offline: Literal["hold", "release"] = Field("hold", description="When the loop's device does not answer")


class Relock(Model):
    """A released lock is secured before its time is over: once the door has opened, or is shut again."""

    on: Literal["open", "close"]
    delay_s: Annotated[float, Field(ge=0, le=30)] = 0.0


class Unlocked(Model):
    """A schedule of the office: while it is open, the door stands unlocked."""

    schedule: Annotated[str, Field(min_length=1, max_length=64)]
    first_in: bool = Field(False, description="Only after the first person let in by a credential")


class Interlock(Model):
    """Of these doors one at most is open (mantrap, airlock)."""

    name: Name
    doors: Annotated[tuple[Name, ...], Field(min_length=2)]


class Door(Model):
    """A barrier with its lock, and what sees it and asks for it."""

    name: Name
    number: Annotated[int, Field(ge=1, le=65535, description="The door field of a live code")]
    label: Label
    lock: Lock
    contact: Contact | None = None
    strike_s: Annotated[float, Field(gt=0, le=60)] = 3.0
    extended_s: Annotated[float, Field(gt=0, le=300, description="strike_s of those who need longer")] = 10.0
    held_open_s: Annotated[float, Field(gt=0, le=3600)] = 30.0
    pre_alarm_s: Annotated[float, Field(ge=0, le=600)] = 5.0
    relock: Relock | None = None
    rex: Rex | None = None
    way_out: Literal["handle", "button", "software_button", "none"] | None = Field(
        None, description="How who is inside gets out, whatever an exit reader or the door process does"
    )
    fire_zone: Name | None = None
    unlocked: Unlocked | None = None
    when_journal_fails: Literal["secure", "let_out"] = "secure"

    @field_validator("way_out", mode="before")
    @classmethod
    def _no_reader(cls, value: object) -> object:
        if value == "reader":
            raise ValueError(
                "an exit reader is no way out, it may refuse or be dead: say handle, button or software_button"
            )
        return value


class Stricter(Model):
    """Another minimum while a schedule of the office is open."""

    schedule: Annotated[str, Field(min_length=1, max_length=64)]
    min_assurance: Annotated[int, Field(ge=0, le=3)]


class AccessPoint(Model):
    """A door's readers in one direction."""

    name: Name
    door: Name
    readers: Annotated[tuple[Name, ...], Field(min_length=1)]
    zone_from: str
    zone_to: str
    min_assurance: Annotated[int, Field(ge=0, le=3)] = 0
    assurance_by: tuple[Stricter, ...] = ()


class RecorderLink(Model):
    """Where the management plane finds a recorder."""

    url: str
    token_file: SitePath


class Token(Model):
    """A machine's bearer token."""

    name: Name
    token_file: SitePath


class Api(Model):
    """The management process."""

    host: str = "127.0.0.1"
    port: Port = 8090
    database_url: str = ""
    gateways: tuple[Token, ...] = ()
    central: tuple[Token, ...] = ()
    recorders: tuple[RecorderLink, ...] = ()
    issuer_key_file: SitePath | None = Field(None, description="PEM P-256 private key that signs visitor passes")


class Settings(Model):
    """The whole site file."""

    site: Site
    data_dir: SitePath
    secrets: Secrets
    gateway: Gateway | None = None
    recorder: Recorder | None = None
    api: Api | None = None
    buses: tuple[Bus, ...] = ()
    scanners: tuple[Scanner, ...] = ()
    serial_readers: tuple[SerialReader, ...] = ()
    polled_buses: tuple[PolledBus, ...] = ()
    vguang_readers: tuple[VguangReader, ...] = ()
    idcard_readers: tuple[IdCardReader, ...] = ()
    uhppote: Uhppote | None = None
    broker: Broker | None = None
    doors: tuple[Door, ...] = ()
    fire_zones: tuple[FireZone, ...] = ()
    interlocks: tuple[Interlock, ...] = ()
    access_points: tuple[AccessPoint, ...] = ()
    cameras: tuple[Camera, ...] = ()

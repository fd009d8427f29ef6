"""What hangs on the field's wires: one model a kind of link, each with its readers or boards.

`format` is what a bare number is restored to; `formats` are those that a reader may send, one a bit length.
"""

from typing import Annotated, Literal

from pydantic import Field

from config.model import Model, Name, Port, SitePath

Format = Annotated[str, Field(min_length=1, max_length=32)]
Formats = Annotated[tuple[Format, ...], Field(min_length=1)]
Texts = Annotated[
    Literal["codes", "plates"], Field(description="What its texts are: QR codes, or vehicles' number plates")
]


class Reader(Model):
    """An OSDP reader on a bus."""

    name: Name
    address: Annotated[int, Field(ge=0, le=126)]
    formats: tuple[str, ...] = Field(("H10301",), description="Wiegand formats on this reader, one a bit length")


class Bus(Model):
    """An RS-485 line with OSDP devices; the secure channel is always enforced."""

    name: Name
    port: str
    baud: Literal[9600, 19200, 38400, 57600, 115200, 230400] = 9600
    readers: tuple[Reader, ...]


class Scanner(Model):
    """A serial QR scanner, plate camera or long-range reader that ends each text with CR and/or LF."""

    name: Name
    port: str
    baud: int = 9600
    texts: Texts = "codes"


class SerialReader(Model):
    """A serial card reader, or Wiegand-to-serial converter, that only talks."""

    name: Name
    port: str
    baud: int = 9600
    framing: Literal["hex_cr", "dec10_crlf", "stx_etx"]
    format: Format | None = Field(None, description="Left out: H10301, WG34N or WG32, by framing")
    keypad: bool = Field(False, description="Keys between the cards; dec10_crlf only")

    @property
    def restored(self) -> str:
        """The format that its numbers are restored to."""
        return self.format or {"hex_cr": "H10301", "dec10_crlf": "WG34N", "stx_etx": "WG32"}[self.framing]


class PolledReader(Model):
    """A reader that is asked for its card."""

    name: Name
    address: Annotated[int, Field(ge=0, le=65535)]
    format: Format = "WG32"


class PolledBus(Model):
    """An RS-485 line of readers that are polled (AA AA, address, D2)."""

    name: Name
    port: str
    baud: int = 19200
    readers: Annotated[tuple[PolledReader, ...], Field(min_length=1)]


class VguangReader(Model):
    """A Vguang TLV reader: codes in, one relay (output 0) and a buzzer out; a door contact is input 0."""

    name: Name
    port: str
    baud: int = 115200
    relay: bool = True
    contact: bool = False


class IdCardReader(Model):
    """A resident ID-card reader with a SAM module (GA 467)."""

    name: Name
    port: str
    baud: Literal[9600, 19200, 38400, 57600, 115200] = 115200


class UhppoteReader(Model):
    """A reader of a board: at door 1 to 4, direction 1 in or 2 out."""

    name: Name
    door: Annotated[int, Field(ge=1, le=4)]
    direction: Annotated[int, Field(ge=1, le=2)] = 1


class UhppoteBoard(Model):
    """A UHPPOTE / Weigeng board. Output 0 to 3 is door 1 to 4, input 0 to 3 its leaf, 4 to 7 its button."""

    name: Name
    serial: Annotated[int, Field(ge=1, le=0xFFFFFFFF)]
    address: Annotated[str, Field(pattern=r"^\d{1,3}(\.\d{1,3}){3}(:\d{1,5})?$")]
    readers: tuple[UhppoteReader, ...] = ()
    format: Format = "H10301"
    decimal: bool = Field(True, description="Numbers are facility * 100000 + card; else the card's bits as one number")


class Uhppote(Model):
    """All boards of the site, and where they reach us."""

    listen_host: str = "0.0.0.0"  # noqa: S104 - packets of unlisted addresses are dropped
    listen_port: Port = 60001
    host: str = Field("", description="Our IPv4 address as the boards see it; empty: the one that leads to each")
    boards: Annotated[tuple[UhppoteBoard, ...], Field(min_length=1)]


class MqttDevice(Model):
    """A door controller behind the broker, in Menjin's own dialect (controllers/README.md)."""

    name: Name
    formats: tuple[str, ...] = ("H10301",)
    texts: Texts = "codes"


class DejaosTerminal(Model):
    """A DejaOS / Vguang terminal: lock is output 0, its leaf input 0, fire input 1."""

    name: Name
    uuid: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{4,32}$")]
    prefix: str | None = Field(None, description="The terminal's mqtt.prefix; left out: d/<uuid>")
    formats: Formats = ("WG32",)


class EspRfidBoard(Model):
    """An esp-rfid board: locks are outputs 0 to 3, its leaf input 0."""

    name: Name
    topic: str
    hostname: str
    reader: Literal["wiegand", "rfid"] = "wiegand"
    formats: Formats = Field(("H10301",), description="The first is what a Wiegand number is restored to")
    address: str = Field("", description="The board's IPv4 address; empty: learned from what it says")


class HomeAssistant(Model):
    """Doors shown to Home Assistant by MQTT discovery. Its rights on the broker are a user's of its own."""

    username: str = ""
    password_file: SitePath | None = None
    base: str = "menjin/ha"
    discovery: str = "homeassistant"
    commands: tuple[Name, ...] = Field((), description="Doors that Home Assistant may open; none by default")


class Broker(Model):
    """The MQTT broker and the devices behind it."""

    host: str = "127.0.0.1"
    port: Port = 1883
    username: str = ""
    password_file: SitePath | None = None
    ca_file: SitePath | None = None
    cert_file: SitePath | None = Field(None, description="Our client certificate (PEM), with key_file")
    key_file: SitePath | None = None
    devices: tuple[MqttDevice, ...] = ()
    dejaos: tuple[DejaosTerminal, ...] = ()
    esprfid: tuple[EspRfidBoard, ...] = ()
    home_assistant: HomeAssistant | None = None

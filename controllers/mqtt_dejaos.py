"""DejaOS / Vguang terminals, dialect `access_device/v2`: payloads in, values out, and back. No state, no clock.

Source: the maker's public document "VF105 MQTT协议（DejaOS版本）", V2 of 2026-09-08 (VF105, VF203, VF114, DW200), whose
chapters are named below. Its traps: a `serialNo` that comes twice is carried out twice (chapter 3), `time` is not
checked, sessions are persistent by default, and event topics name no device. So each terminal gets a topic prefix of
its own (`mqtt.prefix`, "d/<serial number>"), which the broker's rights can tie to its user.
"""

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from controllers.errors import ProtocolViolation
from controllers.mqtt_dialect import Publish
from controllers.serial_frames import Card

ROOT = "access_device/v2"
EVENTS = ("access_online", "access", "alarm", "heartbeat", "connect", "offline")
REPLIES = ("control_reply", "getConfig_reply")
OK, DENIED, TIMED_OUT = "000000", "100000", "100004"  # 5.1
OPEN = 1  # `command` of `control`, 4.4
DOOR, FIRE, TAMPER = 256, 257, 258  # 5.2
TEXTS, CARDS, PIN = ("100", "101", "103"), ("200", "205"), "400"  # 5.3
ONLINE = "ONLINE_ALLOW"  # 4.32: what a record says that followed our own answer
MAX_TEXT = 512
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal: `uuid` is its serial number, `prefix` its `mqtt.prefix`, "d/<uuid>" unless told otherwise."""

    name: str
    uuid: str
    prefix: str | None = None

    @property
    def base(self) -> str:
        """The beginning of its topics."""
        return base_of(f"d/{self.uuid}" if self.prefix is None else self.prefix)


class Envelope(msgspec.Struct, frozen=True):
    """What all messages have (chapter 3); `data` is read when its kind is known."""

    serialNo: str  # noqa: N815 - the document's name
    uuid: str
    time: int = 0
    code: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


class Question(msgspec.Struct, frozen=True):
    """`access_online`, 4.9: may this one pass?"""

    type: str | int
    code: str
    timeStamp: int = 0  # noqa: N815 - the document's name


class Alarm(msgspec.Struct, frozen=True):
    """`alarm`, 4.5. Not stored on the terminal, not sent again."""

    type: int
    value: int


class Record(msgspec.Struct, frozen=True):
    """One entry of `access`, 4.32. Names and pictures in it are not read."""

    type: str | int
    result: int
    timeStamp: int = 0  # noqa: N815 - the document's name
    code: str = ""
    error: str = ""


def base_of(prefix: str) -> str:
    """The topics' beginning: a prefix loses its slashes and gets one at its end (chapter 3)."""
    bare = prefix.strip("/")
    return f"{bare}/{ROOT}" if bare else ROOT


def envelope(payload: bytes) -> Envelope:
    """The message around the data. Raises `ProtocolViolation`."""
    message = _decode(payload, Envelope)
    if not 1 <= len(message.serialNo) <= 32 or not message.serialNo.isprintable():
        raise ProtocolViolation("serialNo has 1 to 32 characters")
    return message


def question(message: Envelope) -> Question:
    """Raises `ProtocolViolation`."""
    return _decode(bytes(message.data), Question)


def alarm(message: Envelope) -> Alarm:
    """Raises `ProtocolViolation`."""
    return _decode(bytes(message.data), Alarm)


def records(message: Envelope, most: int = 100) -> list[Record]:
    """Raises `ProtocolViolation`."""
    found = _decode(bytes(message.data), list[Record])
    if len(found) > most:
        raise ProtocolViolation("too many records")
    return found


def card(code: str) -> Card:
    """A card's number in hex, first byte first, as bits without parity. Raises `ProtocolViolation`.

    Zero is what a plain reader gives for every resident ID card (5.3, type 205).
    """
    if not 6 <= len(code) <= 20 or not code.isascii() or not all(digit in "0123456789abcdefABCDEF" for digit in code):
        raise ProtocolViolation("not a card number")
    if not int(code, 16):
        raise ProtocolViolation("an all-zero number")
    return Card(int(code, 16), len(code) * 4)


def text(code: str) -> str:
    """A scanned code. Raises `ProtocolViolation` unless it is bounded printable ASCII."""
    if not 1 <= len(code) <= MAX_TEXT or not all(" " <= letter <= "~" for letter in code):
        raise ProtocolViolation("not printable ASCII")
    return code


def pin(code: str) -> str:
    """Raises `ProtocolViolation`."""
    if not 1 <= len(code) <= 16 or not (code.isascii() and code.isdigit()):
        raise ProtocolViolation("not a PIN")
    return code


def command(base: str, uuid: str, action: str, serial: str, data: object, now_s: float, expiry_s: int) -> Publish:
    """A command to a terminal."""
    body = {"serialNo": serial, "uuid": uuid, "time": int(now_s), "sign": "", "data": data}
    return Publish(f"{base}/cmd/{uuid}/{action}", msgspec.json.encode(body), expiry_s)


def reply(base: str, uuid: str, event: str, serial: str, code: str, now_s: float, expiry_s: int) -> Publish:
    """The answer to an event; for `access_online`, `OK` opens the door."""
    body = {"serialNo": serial, "uuid": uuid, "time": int(now_s), "sign": "", "code": code, "data": {}, "message": ""}
    return Publish(f"{base}/event/{uuid}/{event}_reply", msgspec.json.encode(body), expiry_s)


def _decode(payload: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ProtocolViolation("malformed message") from None  # the cause may quote what it read

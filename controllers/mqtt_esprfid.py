"""esp-rfid boards (MIT firmware): payloads in, values out, and back; and the session of such boards.

Source: the firmware's README-MQTT.md and src/mqtt.esp. A board decides by its own list and tells; of a card that is not
on it the host may still open. It listens on `<topic>/cmd` and obeys only if `doorip` is its own address, which is
pinned here or learned from its boot and heartbeat messages. `opendoor` is answered by nothing but an access message of
user "MQTT". A card's `uid` is decimal from a Wiegand reader; from an RC522 it is hex without padding, so that "a1b2c3d"
may be several cards: only full lengths are taken.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import structlog

from controllers.driver import (
    Capabilities,
    CardRead,
    Command,
    DeviceEvent,
    DeviceRecord,
    InputState,
    LinkState,
    LocalState,
    LockAction,
    LockCommand,
    Result,
)
from controllers.errors import BadSetup, ControllerError, ProtocolViolation
from controllers.mqtt_dialect import Action, Message, Publish
from controllers.serial_frames import Card, card_of
from controllers.session import Moment, Sent, outcome
from controllers.wiegand import find

log = structlog.get_logger()
OWED_S = 1.0  # an answer later than this after its deadline never comes
SILENT_S = 400.0  # heartbeats come every 180 s
WHOLE_UIDS = (8, 14, 20)  # hex digits of 4, 7 and 10 bytes
OPENED_BY_US = "MQTT"  # the user name in the access message that follows `opendoor`
GRANTED = ("Always", "Admin")


class Told(msgspec.Struct, frozen=True):
    """Any message on `<topic>/send`."""

    type: str = ""
    cmd: str = ""
    src: str = ""
    desc: str = ""
    ip: str = ""
    hostname: str = ""
    door: str = ""
    uid: str = ""
    username: str = ""
    access: str | list[str] = ""
    time: int | str = 0
    isKnown: str | bool = ""  # noqa: N815 - the firmware's name


@dataclass(frozen=True, slots=True)
class EspBoard:
    """A board as wired. Give each a topic of its own, so that the broker's rights can keep boards apart."""

    name: str
    topic: str
    hostname: str
    reader: Literal["wiegand", "rfid"] = "wiegand"
    format: str = "H10301"
    address: str = ""  # pinned IPv4; empty: learned


def told(payload: bytes) -> Told:
    """A board's message. Raises `ProtocolViolation`."""
    try:
        return msgspec.json.decode(payload, type=Told)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ProtocolViolation("malformed message") from None


def card(uid: str, board: EspBoard) -> Card:
    """The card that a board names. Raises `ControllerError` when it may be several."""
    if board.reader == "wiegand":
        if not (uid.isascii() and uid.isdigit() and len(uid) <= 20):
            raise ProtocolViolation("not a decimal number")
        return card_of(board.format, int(uid))
    if len(uid) not in WHOLE_UIDS or not all(digit in "0123456789abcdefABCDEF" for digit in uid) or not int(uid, 16):
        raise ProtocolViolation("zeros were left out: it may be several cards")
    return Card(int(uid, 16), len(uid) * 4)


def opendoor(board: EspBoard, address: str, door: int, expiry_s: int) -> Publish:
    """Open a door of a board."""
    body = {"cmd": "opendoor", "doorip": address, "door": str(door)}
    return Publish(f"{board.topic}/cmd", msgspec.json.encode(body), expiry_s)


class EspRfidSession:
    """All such boards of a site."""

    tick_s = 0.1

    def __init__(self, boards: Sequence[EspBoard]) -> None:
        if len({(board.topic, board.hostname) for board in boards}) < len(boards):
            raise BadSetup("two boards with one topic and host name")
        for board in boards:
            find(board.format)
        self._boards = {board.name: board for board in boards}
        self._addresses = {board.name: board.address for board in boards}
        self._heard_s: dict[str, float] = {}
        self._sent = Sent()
        self._owed_s: dict[str, float] = {}  # boards whose answer may still come, too late
        self._records = 0
        self.dropped = 0

    def devices(self) -> dict[str, Capabilities]:
        """The boards, by name."""
        has = Capabilities("host_or_device", cards=True, inputs=1, outputs=4)
        return dict.fromkeys(self._boards, has)

    def topics(self) -> list[str]:
        """What they publish."""
        return list(dict.fromkeys(f"{board.topic}/send" for board in self._boards.values()))

    def start(self, now: Moment) -> Iterator[Action]:
        """Nobody knows yet who is there, and nobody can be asked before its address is known."""
        self._heard_s.clear()
        for board in self._boards.values():
            yield LinkState(board.name, False, False, "not heard yet", now.seen())

    def received(self, message: Message, now: Moment) -> Iterator[Action]:
        """Take a message of a known board, and drop all others."""
        try:
            tale = told(message.payload)
            board = self._board(message.topic, tale)
            if message.retained:
                raise ProtocolViolation("retained")
            yield from self._heard(board, tale, now)
            if tale.type == "access":
                yield from self._access(board, tale, now)
            elif tale.cmd == "event":
                yield from self._event(board, tale, now)
        except ControllerError as error:
            self.dropped += 1
            log.debug("message dropped", topic=message.topic, why=str(error))

    def _board(self, topic: str, tale: Told) -> EspBoard:
        for board in self._boards.values():
            if f"{board.topic}/send" == topic and board.hostname in (tale.hostname, tale.door):
                return board
        raise ProtocolViolation("unknown board")

    def _heard(self, board: EspBoard, tale: Told, now: Moment) -> Iterator[Action]:
        if tale.type in ("boot", "heartbeat") and not board.address:
            self._addresses[board.name] = tale.ip[:64]
        if board.name not in self._heard_s:
            yield LinkState(board.name, True, False, "it speaks", now.seen())
        self._heard_s[board.name] = now.mono_s

    def _access(self, board: EspBoard, tale: Told, now: Moment) -> Iterator[Action]:
        if tale.username == OPENED_BY_US:
            yield from self._sent.end(board.name, Result.DONE, "", now)
            return
        access = tale.access if isinstance(tale.access, str) else " ".join(tale.access)
        try:
            number = card(tale.uid.strip(), board)
        except ControllerError as error:
            number, access = Card(0, 0), f"{access} ({error})"
        if str(tale.isKnown).lower() == "false" and number.bit_count:
            yield CardRead(board.name, number.bits, number.bit_count, now.seen())
            return
        self._records += 1
        record = f"{board.name}-{now.wall_s:.3f}-{self._records}"
        granted = access.startswith(GRANTED) and str(tale.isKnown).lower() == "true"
        at_s = float(tale.time) if isinstance(tale.time, int) and tale.time else None
        yield DeviceRecord(
            board.name, board.name, record, granted, access[:64], now.seen(), at_s, number.bits, number.bit_count
        )

    def _event(self, board: EspBoard, tale: Told, now: Moment) -> Iterator[Action]:
        if tale.src == "door" and tale.desc in ("Door Open", "Door Closed"):
            yield InputState(board.name, (tale.desc == "Door Open",), now.seen())
        elif tale.src == "tamper" and "tampered" in tale.desc:
            yield LocalState(board.name, True, False, now.seen())

    def command(self, command: Command, now: Moment) -> Iterator[Action]:
        """Open a door. The board's answer names no command, so one is under way at a time."""
        board = self._boards[command.device]
        if not isinstance(command, LockCommand):
            yield outcome(command, Result.REFUSED, "the board shows its own signals", now)
        elif command.action is not LockAction.PULSE or command.output > 3:
            yield outcome(command, Result.REFUSED, "boards open up to four doors, for the time set on them", now)
        elif command.device not in self._heard_s or not self._addresses[command.device]:
            yield outcome(command, Result.EXPIRED, "board is off line, or its address is not known yet", now)
        elif command.device in self._sent or now.mono_s - self._owed_s.get(command.device, float("-inf")) < OWED_S:
            yield outcome(command, Result.EXPIRED, "another opening is under way, or its answer still owed", now)
        else:
            self._sent.add(command.device, command)
            expiry_s = int(command.deadline_mono_s - now.mono_s) + 1
            yield opendoor(board, self._addresses[command.device], command.output, expiry_s)

    def tick(self, now: Moment) -> Iterator[Action]:
        """Late commands, silent boards."""
        for late in self._sent.expire(now):
            self._owed_s[late.device] = now.mono_s
            yield late
        for name in [name for name, heard_s in self._heard_s.items() if now.mono_s - heard_s > SILENT_S]:
            del self._heard_s[name]
            yield LinkState(name, False, False, "no heartbeat", now.seen())

    def lost(self, now: Moment) -> Iterator[DeviceEvent]:
        """The broker is gone."""
        yield from self._sent.abandon("broker lost", now)
        for name in list(self._heard_s):
            del self._heard_s[name]
            yield LinkState(name, False, False, "broker lost", now.seen())

"""What OSDP frames say: command data to send, reply data as values (SIA OSDP v2.2, clauses 6 and 7).

Readers of replies take the data after the code and raise `ProtocolViolation` when it is not what the standard says.
"""

from dataclasses import dataclass
from enum import IntEnum

from controllers.driver import Signal
from controllers.errors import ProtocolViolation
from controllers.wiegand import from_left_aligned

MAX_CARD_BITS = 512
MAX_TEXT_CHARS = 512
MAX_POINTS = 64  # inputs or outputs of one device


class Code(IntEnum):
    """Command codes."""

    POLL = 0x60
    ID = 0x61
    CAP = 0x62
    LSTAT = 0x64
    ISTAT = 0x65
    OSTAT = 0x66
    OUT = 0x68
    LED = 0x69
    BUZ = 0x6A
    TEXT = 0x6B
    COMSET = 0x6E
    KEYSET = 0x75
    CHLNG = 0x76
    SCRYPT = 0x77
    FILETRANSFER = 0x7C


class Reply(IntEnum):
    """Reply codes."""

    ACK = 0x40
    NAK = 0x41
    PDID = 0x45
    PDCAP = 0x46
    LSTATR = 0x48
    ISTATR = 0x49
    OSTATR = 0x4A
    RAW = 0x50
    FMT = 0x51
    KEYPAD = 0x53
    COM = 0x54
    BIOREADR = 0x57
    BIOMATCHR = 0x58
    CCRYPT = 0x76
    RMAC_I = 0x78
    BUSY = 0x79
    FTSTAT = 0x7A


class Nak(IntEnum):
    """Why a device refuses."""

    CHECK = 1
    LENGTH = 2
    UNKNOWN_COMMAND = 3
    SEQUENCE = 4
    NO_SECURITY = 5
    ENCRYPTION_REQUIRED = 6
    BIO_TYPE = 7
    BIO_FORMAT = 8
    RECORD = 9


class Function(IntEnum):
    """Capability function codes that Menjin looks at."""

    INPUTS = 1
    OUTPUTS = 2
    LED = 4
    SOUND = 5
    TEXT = 6
    SECURITY = 9
    BUFFER = 10  # its two bytes are one number: the longest frame that the device takes


class OutputCode(IntEnum):
    """Control codes of OUT."""

    OFF = 1  # for good; a running timer is dropped
    ON = 2
    TIMED_ON = 5  # then back to what it was: a lock never stays open when the panel dies


MAX_TIMER = 0xFFFF  # tenths of a second


def output(number: int, code: OutputCode, tenths: int = 0) -> bytes:
    """OUT's data. A timer of 0 would mean "for ever", so a timed output lasts 0.1 s at least."""
    timer = min(max(tenths, 1), MAX_TIMER) if code is OutputCode.TIMED_ON else 0
    return bytes((number, code)) + timer.to_bytes(2, "little")


def led(color: int, on: int, off: int, tenths: int, reader: int = 0, number: int = 0) -> bytes:
    """LED's data: blink `color` for a time (0.1 s units), then back to the permanent state, which stays as it is."""
    temporary = bytes((2, on, off, color, 0)) + tenths.to_bytes(2, "little")
    return bytes((reader, number)) + temporary + bytes(5)


def buzzer(on: int, off: int, count: int, reader: int = 0) -> bytes:
    """BUZ's data: the default tone, `count` times (0.1 s units)."""
    return bytes((reader, 2, on, off, count))


def keyset(scbk: bytes) -> bytes:
    """KEYSET's data: a new base key. Only ever sent inside a secure channel."""
    return bytes((1, len(scbk))) + scbk


MAX_SHOWN_CHARS = 32


def text(shown: str, seconds: int = 0, row: int = 1, column: int = 1, reader: int = 0) -> bytes:
    """TEXT's data: without wrapping; for good (command 1), or for a time (3)."""
    return bytes((reader, 3 if seconds else 1, seconds, row, column, len(shown))) + shown.encode("ascii")


def communication(address: int, baud: int) -> bytes:
    """COMSET's data."""
    return bytes((address,)) + baud.to_bytes(4, "little")


RED, GREEN, AMBER = 1, 2, 3
# What each signal looks and sounds like: LED (color, on, off, total) and buzzer (on, off, count), 0.1 s units.
SIGNALS: dict[Signal, tuple[tuple[int, int, int, int], tuple[int, int, int]]] = {
    Signal.GRANTED: ((GREEN, 30, 0, 30), (2, 1, 1)),
    Signal.DENIED: ((RED, 2, 2, 20), (1, 1, 2)),
    Signal.HELD: ((AMBER, 3, 3, 50), (3, 3, 5)),
    Signal.MORE: ((AMBER, 100, 0, 100), (1, 1, 1)),
}


@dataclass(frozen=True, slots=True)
class DeviceId:
    """PDID: who the device says it is."""

    vendor: str  # IEEE OUI in hex
    model: int
    version: int
    serial: int
    firmware: str


def read_id(data: bytes) -> DeviceId:
    """PDID's 12 bytes."""
    _need(len(data) == 12, "PDID")
    firmware = ".".join(str(part) for part in data[9:12])
    return DeviceId(data[:3].hex(), data[3], data[4], int.from_bytes(data[5:9], "little"), firmware)


def read_capabilities(data: bytes) -> dict[int, tuple[int, int]]:
    """PDCAP: function code to (compliance, number of items). Unknown functions are kept."""
    _need(len(data) % 3 == 0, "PDCAP")
    return {data[at]: (data[at + 1], data[at + 2]) for at in range(0, len(data), 3)}


def read_communication(data: bytes) -> tuple[int, int]:
    """COM: the device's address and baud."""
    _need(len(data) == 5, "COM")
    return data[0], int.from_bytes(data[1:], "little")


def read_levels(data: bytes) -> tuple[bool, ...]:
    """ISTATR or OSTATR: a byte a point, 1 = active."""
    _need(len(data) <= MAX_POINTS, "status")
    return tuple(byte != 0 for byte in data)


def read_local(data: bytes) -> tuple[bool, bool]:
    """LSTATR: tamper, power fault."""
    _need(len(data) == 2, "LSTATR")
    return data[0] != 0, data[1] != 0


def read_raw(data: bytes) -> tuple[int, int]:
    """RAW (reader, format, bit count LE, left-aligned bits) as right-aligned bits and their count."""
    _need(len(data) > 4, "RAW")
    count = int.from_bytes(data[2:4], "little")
    _need(count <= MAX_CARD_BITS, "RAW")
    return from_left_aligned(data[4:], count), count


def read_formatted(data: bytes) -> str:
    """FMT (reader, direction, length, characters) as text: printable ASCII alone."""
    _need(len(data) > 3 and len(data) == 3 + data[2] <= 3 + MAX_TEXT_CHARS, "FMT")
    _need(all(0x20 <= byte < 0x7F for byte in data[3:]), "FMT")
    return data[3:].decode("ascii")


_KEYS = {0x7F: "*", 0x0D: "#"} | {byte: chr(byte) for byte in b"0123456789*#"}


def read_keys(data: bytes) -> str:
    """KEYPAD (reader, count, characters) as digits, `*` and `#`."""
    _need(len(data) > 2 and len(data) == 2 + data[1], "KEYPAD")
    _need(all(byte in _KEYS for byte in data[2:]), "KEYPAD")
    return "".join(_KEYS[byte] for byte in data[2:])


def read_nak(data: bytes) -> int:
    """NAK's reason; 0 when it gives none."""
    return data[0] if data else 0


def nak_words(reason: int) -> str:
    """A NAK's reason for a technician."""
    name = Nak(reason).name if reason in set(Nak) else str(reason)
    return f"refused: {name.lower().replace('_', ' ')}"


def _need(condition: bool, what: str) -> None:
    if not condition:
        raise ProtocolViolation(f"malformed {what}")

"""Menjin's own MQTT dialect `menjin/1` (README.md): topics, and JSON payloads as checked values."""

import msgspec

from controllers.driver import Command, LockAction, LockCommand
from controllers.errors import ProtocolViolation

ROOT = "menjin/1"
MAX_PAYLOAD_BYTES = 4096
MAX_CARD_BITS = 512
MAX_POINTS = 64
MAX_CHARS = 512


class State(msgspec.Struct, frozen=True):
    """`up/state`, retained: whether the device is there. `boot` names its present life."""

    online: bool
    boot: str = ""


class Read(msgspec.Struct, frozen=True):
    """`up/read`: a card. `n` rises with each read of one boot; `age_ms` is how long it waited in the device."""

    reader: str
    bits: str
    count: int
    n: int
    boot: str
    age_ms: int = 0


class Text(msgspec.Struct, frozen=True):
    """`up/text`: a code, or a number plate. `n` rises with each text of one boot."""

    reader: str
    text: str
    n: int
    boot: str
    age_ms: int = 0


class Inputs(msgspec.Struct, frozen=True):
    """`up/inputs`, better retained: all input levels."""

    active: tuple[bool, ...]
    boot: str
    n: int


class Done(msgspec.Struct, frozen=True):
    """`up/done`: what became of a command."""

    id: str
    result: str
    detail: str = ""


Message = State | Read | Text | Inputs | Done
KINDS: dict[str, type[Message]] = {"state": State, "read": Read, "text": Text, "inputs": Inputs, "done": Done}


def up_topics(device: str) -> str:
    """The filter of all that a device tells."""
    return f"{ROOT}/d/{device}/up/+"


def fence_topic(client: str) -> str:
    """Where the gateway hears itself: what comes before it had waited in the broker."""
    return f"{ROOT}/g/{client}/fence"


def read_topic(topic: str) -> tuple[str, str]:
    """Device and kind of an `up` topic. Raises `ProtocolViolation` for any other."""
    match topic.split("/"):
        case ["menjin", "1", "d", device, "up", kind] if kind in KINDS:
            return device, kind
    raise ProtocolViolation("unknown topic")


def read_payload(kind: str, payload: bytes) -> Message:
    """A checked message. Raises `ProtocolViolation`."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ProtocolViolation("payload too long")
    try:
        message = msgspec.json.decode(payload, type=KINDS[kind])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProtocolViolation(f"malformed {kind}") from error
    if isinstance(message, Inputs) and len(message.active) > MAX_POINTS:
        raise ProtocolViolation("too many inputs")
    if isinstance(message, Text) and not _sound(message):
        raise ProtocolViolation("malformed text")
    return message


def _sound(text: Text) -> bool:
    return 0 < len(text.text) <= MAX_CHARS and text.text.isprintable() and text.age_ms >= 0


def card_bits(read: Read) -> int:
    """The right-aligned bits of a read. Raises `ProtocolViolation` when they are not `count` bits in hex."""
    if not 0 < read.count <= MAX_CARD_BITS or read.age_ms < 0 or len(read.bits) > (read.count + 7) // 8 * 2:
        raise ProtocolViolation("malformed read")
    try:
        bits = int.from_bytes(bytes.fromhex(read.bits.zfill(len(read.bits) + len(read.bits) % 2)), "big")
    except ValueError as error:
        raise ProtocolViolation("malformed read") from error
    if bits >> read.count:
        raise ProtocolViolation("malformed read")
    return bits


def command_topic(command: Command) -> str:
    """Where a command goes."""
    return f"{ROOT}/d/{command.device}/down/{'lock' if isinstance(command, LockCommand) else 'signal'}"


def command_payload(command: Command, issued_at: float, expires_at: float) -> bytes:
    """A command as the device reads it; times are Unix seconds."""
    body: dict[str, object] = {"id": command.command_id, "issued_at": issued_at, "expires_at": expires_at}
    if isinstance(command, LockCommand):
        body |= {"action": command.action.value, "output": command.output}
        if command.action is LockAction.PULSE:
            body["pulse_ms"] = command.pulse_ms
    else:
        body["signal"] = command.signal.value
    return msgspec.json.encode(body)

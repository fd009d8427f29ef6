"""The contract between a driver and the gateway: events up, commands down.

A driver is one link (a serial bus, a scanner's port, a broker connection). It runs in a thread of its own, hands
events to the sink that it was built with, and takes commands from any thread. It knows bits, levels and outputs, never
residents. It does not retry a broken link: `run` raises `LinkLost`, and the gateway's supervisor starts it again.

Each command gets exactly one `Outcome`, and is never executed after its deadline.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Seen:
    """When, and on which life of the link, something was seen."""

    mono_s: float  # time.monotonic()
    wall_s: float  # time.time(), Unix seconds
    epoch: int  # rises at each connection of the link
    stale: bool = False  # waited in the device while the link was down: logged, never granted


@dataclass(frozen=True, slots=True)
class CardRead:
    """Raw card bits as the reader sent them; formats are applied later."""

    reader: str
    bits: int  # right-aligned: the last bit read is bit 0
    bit_count: int
    seen: Seen
    checked: bool = True  # False where the framing has no checksum


@dataclass(frozen=True, slots=True)
class TextRead:
    """A line of text from a scanner: untrusted, bounded, printable ASCII; of a plate reader, Chinese letters too."""

    reader: str
    text: str
    seen: Seen


@dataclass(frozen=True, slots=True)
class KeyRead:
    """Keys pressed at a keypad: digits, '*' and '#'."""

    reader: str
    keys: str
    seen: Seen


@dataclass(frozen=True, slots=True)
class IdCardRead:
    """A resident ID card (GA 467): of its content only the keyed hash of its number leaves the driver."""

    reader: str
    key: bytes
    seen: Seen


@dataclass(frozen=True, slots=True)
class UnsupportedRead:
    """Something was presented that no decision can use (a fingerprint, say): told, never granted."""

    reader: str
    what: str  # a short English word or two, never its content
    seen: Seen


def _no_receipt() -> None:
    """Most devices want none."""


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """What a device decided or noted by itself: history, never granted. The same `record_id` is the same record."""

    device: str
    reader: str  # "" where the record names none
    record_id: str
    granted: bool
    reason: str  # the device's own words
    seen: Seen
    occurred_s: float | None = None  # Unix seconds by the device's clock, which may be wrong
    bits: int = 0
    bit_count: int = 0  # 0: not a card
    stored: Callable[[], None] = field(default=_no_receipt, compare=False, repr=False)  # call it once it is durable


@dataclass(frozen=True, slots=True)
class InputState:
    """Levels of all inputs of a device; sent whole whenever one changes and at each connection."""

    device: str
    active: tuple[bool, ...]
    seen: Seen


@dataclass(frozen=True, slots=True)
class OutputState:
    """Levels of all outputs of a device, as the device reports them."""

    device: str
    active: tuple[bool, ...]
    seen: Seen


@dataclass(frozen=True, slots=True)
class LocalState:
    """A device's own condition."""

    device: str
    tamper: bool
    power_fault: bool
    seen: Seen


@dataclass(frozen=True, slots=True)
class LinkState:
    """A device came on line or was lost; `reason` is a short English phrase for a technician."""

    device: str
    up: bool
    secure: bool
    reason: str
    seen: Seen


@dataclass(frozen=True, slots=True)
class KeyChanged:
    """A device proved that it has the newest key of its link; the one before is good for nothing any more."""

    device: str
    seen: Seen


@dataclass(frozen=True, slots=True)
class DeviceAlarm:
    """Something at a device that a guard should hear of: a short English phrase."""

    device: str
    what: str
    seen: Seen


class Result(StrEnum):
    """What became of a command."""

    DONE = "Done"  # the device acknowledged it
    REFUSED = "Refused"  # the device answered that it will not
    EXPIRED = "Expired"  # provably never sent
    UNKNOWN = "Unknown"  # sent, but no answer: may have been executed


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one command."""

    command_id: str
    device: str
    result: Result
    detail: str
    seen: Seen


DeviceEvent = (
    CardRead
    | TextRead
    | KeyRead
    | IdCardRead
    | UnsupportedRead
    | DeviceRecord
    | InputState
    | OutputState
    | LocalState
    | LinkState
    | KeyChanged
    | DeviceAlarm
    | Outcome
)
Sink = Callable[[DeviceEvent], None]


class LockAction(StrEnum):
    """What a lock is told."""

    PULSE = "pulse"  # release for pulse_ms, then secure by the device itself
    RELEASE = "release"  # stay released until SECURE
    SECURE = "secure"


@dataclass(frozen=True, slots=True)
class LockCommand:
    """Drive a lock's output."""

    command_id: str
    device: str
    output: int
    action: LockAction
    deadline_mono_s: float
    pulse_ms: int = 0


class Signal(StrEnum):
    """What a reader shows a person."""

    GRANTED = "granted"  # green and one beep
    DENIED = "denied"  # red and two beeps
    HELD = "held"  # pre-alarm: the door has been open too long
    MORE = "more"  # one more step: a PIN, or a second person


@dataclass(frozen=True, slots=True)
class FeedbackCommand:
    """Light and sound at a reader."""

    command_id: str
    device: str
    signal: Signal
    deadline_mono_s: float


Command = LockCommand | FeedbackCommand


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one device of a driver can do."""

    decides: str = "host"  # "host", "device" or "host_or_device"
    cards: bool = False
    text: bool = False
    keys: bool = False
    inputs: int = 0
    outputs: int = 0
    feedback: bool = False
    secure: bool = False


class Driver(Protocol):
    """One link to one or more devices."""

    name: str

    def devices(self) -> dict[str, Capabilities]:
        """The devices behind this link, by name."""

    def run(self, stop: threading.Event) -> None:
        """Serve the link until `stop` is set. Raises `LinkLost` when it breaks."""

    def submit(self, command: Command) -> None:
        """Take a command from any thread; its `Outcome` comes through the sink. Never blocks, never raises."""

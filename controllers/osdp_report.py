"""What an OSDP device tells, as events: reads, levels when they change, the link's state, the end of commands."""

from collections.abc import Callable

from controllers import osdp_message as message
from controllers.driver import (
    Capabilities,
    CardRead,
    DeviceAlarm,
    DeviceEvent,
    InputState,
    KeyChanged,
    KeyRead,
    LinkState,
    LocalState,
    Outcome,
    OutputState,
    Result,
    Seen,
    Sink,
    TextRead,
    UnsupportedRead,
)  # fmt: skip
from controllers.errors import ProtocolViolation
from controllers.osdp_command import OsdpCommand
from controllers.osdp_job import Functions
from controllers.osdp_message import Function, Reply

ALARM_EVERY_S = 60.0


class Report:
    """One device's voice. It is heard only through a secure channel; `epoch` counts those."""

    def __init__(self, device: str, emit: Sink, wall: Callable[[], float]) -> None:
        self.functions: Functions | None = None  # None until the device told them
        self.identity: message.DeviceId | None = None
        self._device, self._emit, self._wall = device, emit, wall
        self._epoch = 0
        self._levels: dict[int, object] = {}
        self._draining = True  # reads are stale until the device once had nothing to tell
        self._link: tuple[bool, str] | None = None
        self._alarm_at = float("-inf")

    def capabilities(self) -> Capabilities:
        """What the device can do, as far as it told."""
        has = {code: items or compliance for code, (compliance, items) in (self.functions or {}).items()}
        return Capabilities(
            cards=True,
            keys=True,
            inputs=has.get(Function.INPUTS, 0),
            outputs=has.get(Function.OUTPUTS, 0),
            feedback=bool(has.get(Function.LED) or has.get(Function.SOUND)),
            secure=True,
        )

    def opened(self, now: float) -> None:
        """A secure channel is open: forget what the last one told."""
        self._epoch += 1
        self._draining, self.functions = True, None
        self._levels.clear()
        self._tell_link(True, "secure channel open", now)

    def lost(self, reason: str, now: float) -> None:
        """The device is off line, or still is for another reason."""
        self._tell_link(False, reason, now)

    def ended(self, command: OsdpCommand, result: Result, detail: str, now: float) -> None:
        """A command's end."""
        self._emit(Outcome(command.command_id, self._device, result, detail, self._seen(now)))

    def key_changed(self, now: float) -> None:
        """The device proved that it has the newest key."""
        self._emit(KeyChanged(self._device, self._seen(now)))

    def default_key(self, now: float) -> None:
        """It answered with the published key, and nobody allowed that: told at once, then once a minute."""
        if now >= self._alarm_at:
            self._alarm_at = now + ALARM_EVERY_S
            self._emit(DeviceAlarm(self._device, "reader answers with the default key", self._seen(now)))

    def nothing(self) -> None:
        """The device had nothing to tell: what it tells from now on is fresh."""
        self._draining = False

    def answer(self, code: int, data: bytes, now: float) -> None:
        """An answer's data. What the standard does not let a device say, it did not say."""
        try:
            event = self._event(code, data, now)
        except ProtocolViolation:
            return
        if event is not None:
            self._emit(event)

    def _event(self, code: int, data: bytes, now: float) -> DeviceEvent | None:
        match code:
            case Reply.RAW:
                return CardRead(self._device, *message.read_raw(data), self._seen(now, self._draining))
            case Reply.FMT:
                return TextRead(self._device, message.read_formatted(data), self._seen(now, self._draining))
            case Reply.KEYPAD:
                return KeyRead(self._device, message.read_keys(data), self._seen(now, self._draining))
            case Reply.BIOREADR | Reply.BIOMATCHR:
                return UnsupportedRead(self._device, "biometric", self._seen(now, self._draining))
            case Reply.PDID:
                self.identity = message.read_id(data)
            case Reply.PDCAP:
                self.functions = message.read_capabilities(data)
            case Reply.LSTATR:
                tamper, power_fault = message.read_local(data)
                return self._changed(code, LocalState(self._device, tamper, power_fault, self._seen(now)), data)
            case Reply.ISTATR | Reply.OSTATR:
                levels = message.read_levels(data)
                kind = InputState if code == Reply.ISTATR else OutputState
                return self._changed(code, kind(self._device, levels, self._seen(now)), levels)
        return None

    def _changed(self, code: int, event: DeviceEvent, levels: object) -> DeviceEvent | None:
        if self._levels.get(code) == levels:
            return None
        self._levels[code] = levels
        return event

    def _seen(self, now: float, stale: bool = False) -> Seen:
        return Seen(now, self._wall(), self._epoch, stale)

    def _tell_link(self, up: bool, reason: str, now: float) -> None:
        if self._link != (up, reason):
            self._link = (up, reason)
            self._emit(LinkState(self._device, up, up, reason, self._seen(now)))

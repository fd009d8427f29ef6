"""One MQTT device as the gateway sees it, sans-IO: its presence, its reads without repeats, its levels."""

from collections import OrderedDict
from collections.abc import Iterator

from controllers.driver import CardRead, DeviceEvent, InputState, LinkState, Seen, TextRead
from controllers.errors import ProtocolViolation
from controllers.mqtt_menjin import Inputs, Read, State, Text, card_bits

MAX_AGE_MS = 2000
BOOTS_KEPT = 8


class MqttDevice:
    """A device behind the broker. `secure` says whether our own link to the broker is encrypted."""

    def __init__(self, name: str, secure: bool, max_age_ms: int = MAX_AGE_MS) -> None:
        self.name = name
        self.online = False
        self._secure, self._max_age_ms = secure, max_age_ms
        self._boot = ""
        self._epoch = 0
        self._last: OrderedDict[tuple[str, str], int] = OrderedDict()  # (kind, boot) -> highest n heard
        self._told: tuple[bool, str] | None = None

    def state(self, message: State, mono_s: float, wall_s: float) -> Iterator[DeviceEvent]:
        """The device or its will says whether it is there. A new boot is a new life of the link."""
        if message.online and (not self.online or message.boot != self._boot):
            self._epoch += 1
            self._boot = message.boot
        self.online = message.online
        yield from self._link(message.online, "on line" if message.online else "off line", mono_s, wall_s)

    def read(self, message: Read, fresh: bool, mono_s: float, wall_s: float) -> Iterator[DeviceEvent]:
        """A card, once."""
        bits, seen = card_bits(message), self._presented(message, fresh, mono_s, wall_s)
        if self._is_new("read", message.boot, message.n):
            yield CardRead(self.name, bits, message.count, seen)

    def text(self, message: Text, fresh: bool, mono_s: float, wall_s: float) -> Iterator[DeviceEvent]:
        """A code or number plate, once."""
        seen = self._presented(message, fresh, mono_s, wall_s)
        if self._is_new("text", message.boot, message.n):
            yield TextRead(self.name, message.text, seen)

    def inputs(self, message: Inputs, retained: bool, mono_s: float, wall_s: float) -> Iterator[DeviceEvent]:
        """Levels. What the broker retained is the latest there is; else an older `n` is late and dropped."""
        if self._is_new("inputs", message.boot, message.n) or retained:
            yield InputState(self.name, message.active, Seen(mono_s, wall_s, self._epoch))

    def lost(self, reason: str, mono_s: float, wall_s: float) -> Iterator[DeviceEvent]:
        """Our own link to the broker is down, so nothing is known of the device."""
        self.online = False
        yield from self._link(False, reason, mono_s, wall_s)

    def seen(self, mono_s: float, wall_s: float) -> Seen:
        """Now, in this life of the link."""
        return Seen(mono_s, wall_s, self._epoch)

    def _presented(self, message: Read | Text, fresh: bool, mono_s: float, wall_s: float) -> Seen:
        """It is stale when it waited anywhere: in the device, in the broker, from a former life."""
        if message.reader != self.name:
            raise ProtocolViolation("a device speaks for its own reader alone")
        stale = not (fresh and self.online and message.boot == self._boot and message.age_ms <= self._max_age_ms)
        return Seen(mono_s, wall_s, self._epoch, stale)

    def _is_new(self, kind: str, boot: str, number: int) -> bool:
        key = (kind, boot)
        if number <= self._last.get(key, -1):
            return False
        self._last[key] = number
        self._last.move_to_end(key)
        while len(self._last) > BOOTS_KEPT:
            self._last.popitem(last=False)
        return True

    def _link(self, up: bool, reason: str, mono_s: float, wall_s: float) -> Iterator[DeviceEvent]:
        if self._told != (up, reason):
            self._told = (up, reason)
            yield LinkState(self.name, up, self._secure and up, reason, self.seen(mono_s, wall_s))

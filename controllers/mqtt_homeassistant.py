"""Doors shown to Home Assistant through its MQTT discovery: states outward; openings only at doors that allow it.

States and descriptions are retained, as discovery wants them; commands never are, and a retained one is dropped. A door
without `commands` has no command topic at all: it appears as sensors. Source: Home Assistant's documents "MQTT
discovery", "lock.mqtt" and "binary_sensor.mqtt".
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
import structlog

from controllers.driver import Capabilities, Command, DeviceEvent, Result
from controllers.mqtt_dialect import Action, Message, Publish
from controllers.session import Moment, outcome

log = structlog.get_logger()
DISCOVERY = "homeassistant"
UNLOCK = b"UNLOCK"


@dataclass(frozen=True, slots=True)
class ShownDoor:
    """A door as Home Assistant shall see it."""

    name: str
    label: str
    commands: bool = False


@dataclass(frozen=True, slots=True)
class DoorView:
    """How a door is now; None where nobody knows."""

    name: str
    locked: bool | None
    open: bool | None
    alarm: bool = False


def descriptions(door: ShownDoor, base: str, discovery: str = DISCOVERY) -> Iterator[Publish]:
    """What Home Assistant is told about a door once. One of lock and lock sensor, and the door's leaf and alarm."""
    common = {
        "availability_topic": f"{base}/state",
        "device": {"identifiers": [f"menjin-{door.name}"], "name": door.label, "manufacturer": "Menjin"},
    }
    kinds: dict[str, dict[str, str]] = {
        "leaf": {"device_class": "door", "name": "Leaf"},
        "alarm": {"device_class": "problem", "name": "Alarm"},
        "bolt": {"device_class": "lock", "name": "Lock"},
    }
    for kind, facts in kinds.items():
        topic, shown = (
            f"{discovery}/binary_sensor/menjin-{door.name}-{kind}/config",
            kind != "bolt" or not door.commands,
        )
        config = {
            **common,
            **facts,
            "unique_id": f"menjin-{door.name}-{kind}",
            "state_topic": f"{base}/{door.name}/{kind}",
        }
        yield Publish(topic, msgspec.json.encode(config) if shown else b"", retain=True)
    lock = {
        **common,
        "name": "Lock",
        "unique_id": f"menjin-{door.name}-lock",
        "state_topic": f"{base}/{door.name}/lock",
        "command_topic": f"{base}/{door.name}/set",
        "payload_unlock": UNLOCK.decode(),
        "retain": False,
    }
    payload = msgspec.json.encode(lock) if door.commands else b""  # an empty one takes back what was told before
    yield Publish(f"{discovery}/lock/menjin-{door.name}/config", payload, retain=True)


def states(view: DoorView, base: str) -> Iterator[Publish]:
    """What changed, as retained states."""
    bolt = {True: ("LOCKED", "OFF"), False: ("UNLOCKED", "ON"), None: ("None", "None")}[view.locked]
    leaf = {True: "ON", False: "OFF", None: "None"}[view.open]
    for kind, state in (("lock", bolt[0]), ("bolt", bolt[1]), ("leaf", leaf), ("alarm", "ON" if view.alarm else "OFF")):
        yield Publish(f"{base}/{view.name}/{kind}", state.encode(), retain=True)


def will(base: str = "menjin/ha") -> Publish:
    """What the broker says when we are gone; give it to the driver."""
    return Publish(f"{base}/state", b"offline", retain=True)


class HomeAssistantSession:
    """Shows doors; `unlock` is called, in the driver's thread, with the name of a door that allows it."""

    tick_s = 0.1

    def __init__(
        self,
        doors: Sequence[ShownDoor],
        unlock: Callable[[str], None],
        base: str = "menjin/ha",
        discovery: str = DISCOVERY,
    ) -> None:
        self._doors = {door.name: door for door in doors}
        self._unlock = unlock
        self._base = base
        self._discovery = discovery
        self._views: dict[str, DoorView] = {}
        self._changed: deque[DoorView] = deque(maxlen=1024)  # from any thread; the newest of a door counts

    def show(self, view: DoorView) -> None:
        """A door changed. From any thread."""
        if view.name in self._doors:
            self._changed.append(view)

    def devices(self) -> dict[str, Capabilities]:
        """None: it drives nothing."""
        return {}

    def topics(self) -> list[str]:
        """Commands of the doors that allow them; else only our own state, for the sake of a subscription."""
        allowed = [f"{self._base}/{door.name}/set" for door in self._doors.values() if door.commands]
        return allowed or [f"{self._base}/none/set"]

    def start(self, now: Moment) -> Iterator[Action]:
        """Describe all doors, and tell what is known of them."""
        for door in self._doors.values():
            yield from descriptions(door, self._base, self._discovery)
        for view in self._views.values():
            yield from states(view, self._base)
        yield Publish(f"{self._base}/state", b"online", retain=True)

    def received(self, message: Message, now: Moment) -> Iterator[Action]:
        """Someone asks for an opening."""
        name = message.topic.removeprefix(f"{self._base}/").removesuffix("/set")
        door = self._doors.get(name)
        if door is not None and door.commands and not message.retained and message.payload == UNLOCK:
            self._unlock(name)
        else:
            log.warning("message dropped", topic=message.topic, retained=message.retained)
        return iter(())

    def tick(self, now: Moment) -> Iterator[Action]:
        """Tell what changed."""
        while self._changed:
            view = self._changed.popleft()
            if self._views.get(view.name) != view:
                self._views[view.name] = view
                yield from states(view, self._base)

    def command(self, command: Command, now: Moment) -> Iterator[Action]:
        """It drives nothing."""
        yield outcome(command, Result.REFUSED, "Home Assistant is no device", now)

    def lost(self, now: Moment) -> Iterator[DeviceEvent]:
        """The broker keeps the states; `state` shows by its will that they are old."""
        return iter(())

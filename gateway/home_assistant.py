"""The doors as Home Assistant sees them, and its orders as those of an operator."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from controllers.mqtt_homeassistant import DoorView
from gateway.access.door import DoorAlarm, DoorMode
from gateway.clock import Clock
from gateway.commands import new_id
from gateway.orders import COMMAND_S
from gateway.remote import RemoteOrder
from gateway.service import Service

LOCKED = {DoorMode.LOCKED, DoorMode.BLOCKED, DoorMode.LOCKED_DOWN, DoorMode.DOUBLE_LOCKED}
OPERATOR = "home-assistant"


def views(service: Service) -> Iterator[DoorView]:
    """All doors as they are now; nobody knows the lock of a device that is off line."""
    for name, door in service.doors.by_name.items():
        state, link = service.doors.state(name), service.links.get(door.lock_device)
        locked = state.mode in LOCKED if link is not None and link.up and state.mode != DoorMode.UNKNOWN else None
        yield DoorView(name, locked, state.open, state.alarm != DoorAlarm.NORMAL)


def unlocker(
    loop: asyncio.AbstractEventLoop, clock: Clock, unlock: Callable[[RemoteOrder], None]
) -> Callable[[str], None]:
    """What the driver's thread calls with the name of a door to open."""

    def ask(door: str) -> None:
        order = RemoteOrder(new_id(), door, OPERATOR, "Home Assistant", clock.now() + COMMAND_S)
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending
            loop.call_soon_threadsafe(unlock, order)

    return ask

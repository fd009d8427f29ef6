"""The doors' states, stepped from what devices report; what they say goes to one listener."""

from collections.abc import Callable, Sequence

from controllers.driver import InputState
from gateway.access import door as machine
from gateway.access.door import DoorInput, DoorOutput, DoorState
from gateway.site import Door

Say = Callable[[Door, DoorOutput, float], None]  # the door, what it says, when (monotonic seconds)


class Doors:
    """All doors of the gateway. Times are monotonic seconds. One thread."""

    def __init__(self, doors: Sequence[Door], say: Say, on_change: Callable[[], None] = lambda: None) -> None:
        self._say, self._on_change = say, on_change
        self.by_name = {door.name: door for door in doors}
        self._states = {door.name: DoorState() for door in doors}
        self._watching: dict[str, list[Door]] = {}
        for door in doors:
            if door.contact is not None:
                self._watching.setdefault(door.contact.device, []).append(door)

    def state(self, name: str) -> DoorState:
        """A door's state now."""
        return self._states[name]

    def inputs(self, levels: InputState) -> None:
        """A device reports its inputs."""
        for door in self._watching.get(levels.device, ()):
            contact = door.contact
            if contact is not None and contact.input < len(levels.active):
                is_open = levels.active[contact.input] == contact.open_when_active
                self.step(door, machine.ContactLevel(is_open), levels.seen.mono_s)

    def link_lost(self, device: str, at: float) -> None:
        """Nobody sees these doors now."""
        for door in self._watching.get(device, ()):
            self.step(door, machine.ContactLevel(None), at)

    def tick(self, at: float) -> None:
        """Step each door for which something is due."""
        for name, door in self.by_name.items():
            due = machine.next_tick(self._states[name], door.config)
            if due is not None and due <= at:
                self.step(door, machine.Tick(), at)

    def step(self, door: Door, input_: DoorInput, at: float) -> None:
        """Step one door, and tell what it says."""
        before = self._states[door.name]
        after, outputs = machine.step(before, input_, at, door.config)
        self._states[door.name] = after
        for output in outputs:
            self._say(door, output, at)
        if (before.mode, before.alarm, before.open) != (after.mode, after.alarm, after.open):
            self._on_change()

"""Commands on their way to locks and readers, and what became of them."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from controllers.driver import Driver, FeedbackCommand, LockAction, LockCommand, Outcome, Result, Signal
from gateway.access.presence import PresenceChange
from gateway.site import Door

FEEDBACK_S = 1.0  # a light that comes later says nothing to anybody
OVERDUE_S = 5.0  # after its deadline: the driver fell over it, and nobody knows what it did


@dataclass(frozen=True, slots=True)
class Order:
    """A lock command that was given."""

    command_id: str
    door: Door
    deadline_mono_s: float
    access_point: str = ""
    reader: str = ""  # who is shown the result
    operator: str = ""
    extended: bool = False  # the person needs longer
    moves: tuple[PresenceChange, ...] = ()  # noted once he has passed
    lasts: bool = False  # as of `GrantGiven`
    leads_in: bool = False

    @property
    def pulse_s(self) -> float:
        """How long the lock is released."""
        return self.door.config.extended_s if self.extended else self.door.config.strike_s


def new_id() -> str:
    """A fresh command id."""
    return secrets.token_hex(8)


class Commands:
    """Routes commands to the drivers that own the devices."""

    def __init__(self, drivers: Sequence[Driver]) -> None:
        self._owner: dict[str, Driver] = {}
        for driver in drivers:
            self._owner.update(dict.fromkeys(driver.devices(), driver))
        self._open: dict[str, Order] = {}

    def expect(self, order: Order) -> None:
        """Remember an order, so that its outcome finds its door."""
        self._open[order.command_id] = order

    def send(self, order: Order, at_least_s: float = 0.0) -> bool:
        """Release the lock for the order's time. False when no driver has the device."""
        pulse_ms = round(max(order.pulse_s, at_least_s) * 1000)
        return self.lock(order.door, order.command_id, LockAction.PULSE, order.deadline_mono_s, pulse_ms)

    def lock(self, door: Door, command_id: str, action: LockAction, deadline_mono_s: float, pulse_ms: int = 0) -> bool:
        """Drive a door's lock. False when no driver has the device."""
        driver = self._owner.get(door.lock_device)
        if driver is None:
            return False
        driver.submit(LockCommand(command_id, door.lock_device, door.lock_output, action, deadline_mono_s, pulse_ms))
        return True

    def has_keys(self, reader: str) -> bool:
        """Whether PINs may be entered at a reader."""
        driver = self._owner.get(reader)
        return driver is not None and driver.devices()[reader].keys

    def show(self, reader: str, signal: Signal, mono_s: float) -> None:
        """Light and sound at a reader, if it has them; a reader tells what it has when it comes on line."""
        driver = self._owner.get(reader)
        if driver is not None and driver.devices()[reader].feedback:
            driver.submit(FeedbackCommand(new_id(), reader, signal, mono_s + FEEDBACK_S))

    def ended(self, outcome: Outcome) -> Order | None:
        """The order that this ends, once; None for feedback and for what was ended before."""
        return self._open.pop(outcome.command_id, None)

    def drop(self, command_id: str) -> None:
        """Forget an order that was never sent."""
        self._open.pop(command_id, None)

    def overdue(self, mono_s: float) -> Iterator[Order]:
        """Orders that no driver answered: they end as Unknown."""
        for order in [each for each in self._open.values() if each.deadline_mono_s + OVERDUE_S < mono_s]:
            yield self._open.pop(order.command_id)


RELEASED: Mapping[Result, bool | None] = {
    Result.DONE: True,
    Result.REFUSED: False,
    Result.EXPIRED: False,
    Result.UNKNOWN: None,
}

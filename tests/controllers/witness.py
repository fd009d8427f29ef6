"""What a driver told, and a driver's thread."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from controllers.driver import Command, DeviceEvent, Driver, FeedbackCommand, LockAction, LockCommand, Outcome, Signal
from controllers.errors import ControllerError

Event = TypeVar("Event")


class Witness:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.events: list[DeviceEvent] = []
        self._changed = threading.Condition()

    def __call__(self, event: DeviceEvent) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def expect(
        self, kind: type[Event], which: Callable[[Event], bool] = lambda _: True, after: int = 0, timeout: float = 30.0
    ) -> Event:
        """The first such event, waited for."""

        def found() -> Event | None:
            return next((each for each in self.events[after:] if isinstance(each, kind) and which(each)), None)

        with self._changed:
            assert self._changed.wait_for(lambda: found() is not None, timeout), (kind, self.events[after:])
            event = found()
        assert event is not None
        return event

    def outcome(self, command: Command, timeout: float = 30.0) -> Outcome:
        """How a command ended."""
        return self.expect(Outcome, lambda each: each.command_id == command.command_id, timeout=timeout)

    def all(self, kind: type[Event]) -> list[Event]:
        """All of a kind, until now."""
        return [each for each in self.events if isinstance(each, kind)]


class Running:
    """A driver in its thread."""

    def __init__(self, driver: Driver) -> None:
        self.failure: BaseException | None = None
        self.stop = threading.Event()
        self._driver = driver
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._driver.run(self.stop)
        except BaseException as failure:  # noqa: BLE001 - whatever it dies of is what is asked
            self.failure = failure

    def end(self, timeout: float = 30.0) -> BaseException | None:
        """Stop it; what it died of, if of anything."""
        self.stop.set()
        self.thread.join(timeout)
        assert not self.thread.is_alive()
        assert self.failure is None or isinstance(self.failure, ControllerError), self.failure
        return self.failure


@contextmanager
def running(driver: Driver) -> Iterator[Running]:
    """Run a driver for a while."""
    thread = Running(driver)
    try:
        yield thread
    finally:
        thread.end()


_ids = iter(range(1, 1_000_000))


def lock(device: str, action: LockAction = LockAction.PULSE, output: int = 0, pulse_ms: int = 3000, in_s: float = 2.0) -> LockCommand:  # fmt: skip  # noqa: E501 - one line shows the whole call
    return LockCommand(f"lock-{next(_ids)}", device, output, action, time.monotonic() + in_s, pulse_ms)


def signal(device: str, shown: Signal = Signal.GRANTED, in_s: float = 2.0) -> FeedbackCommand:
    return FeedbackCommand(f"signal-{next(_ids)}", device, shown, time.monotonic() + in_s)

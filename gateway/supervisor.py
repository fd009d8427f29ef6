"""Keeps the drivers running: each in a thread of its own, started again when it falls."""

import threading
import time
from collections.abc import Sequence

import structlog

from controllers.driver import Driver, LinkState, Seen, Sink
from controllers.errors import BadSetup, LinkLost

STEADY_S = 10.0  # a link that held so long starts again at once

log = structlog.get_logger()


class Supervisor:
    """Runs drivers; a fallen one pauses `min_s`, then twice as long each time, up to `max_s`."""

    def __init__(self, drivers: Sequence[Driver], sink: Sink, min_s: float = 0.25, max_s: float = 5.0) -> None:
        self._sink, self._min_s, self._max_s = sink, min_s, max_s
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep, args=(driver,), name=f"driver-{driver.name}", daemon=True)
            for driver in drivers
        ]

    def start(self) -> None:
        """Start all drivers."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Stop all drivers; one that does not end in time is left behind."""
        self._stop.set()
        end = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
            if thread.is_alive():
                log.warning("driver does not stop", thread=thread.name)

    def _keep(self, driver: Driver) -> None:
        pause_s, told = 0.0, ""
        while not self._stop.wait(pause_s):
            born = time.monotonic()
            reason = self._live(driver)
            if self._stop.is_set():
                return
            if reason != told:
                log.warning("driver fell", driver=driver.name, reason=reason)
            told = reason
            self._tell_down(driver, reason)
            steady = time.monotonic() - born >= STEADY_S
            pause_s = self._min_s if steady else min(self._max_s, max(self._min_s, pause_s * 2))

    def _live(self, driver: Driver) -> str:
        """One life of a driver; why it ended."""
        try:
            driver.run(self._stop)
        except LinkLost as error:
            return str(error) or "link lost"
        except BadSetup as error:  # a restart mends nothing, but a technician may: the pause is short enough
            return f"bad setup: {error}"
        except Exception as error:  # whatever a driver does, its neighbours and the doors go on
            log.exception("driver crashed", driver=driver.name)
            return f"crashed: {type(error).__name__}"
        return "ended by itself"

    def _tell_down(self, driver: Driver, reason: str) -> None:
        """A driver that fell may not have said so for its devices."""
        seen = Seen(time.monotonic(), time.time(), 0)
        for device in driver.devices():
            self._sink(LinkState(device, up=False, secure=False, reason=reason, seen=seen))

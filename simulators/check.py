"""`menjin demo --check`: the eleven legs, walked on a running site, and what each of them measured."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulators.legs import cameras, cards, codes, egress, evidence, mqtt, outage, push, retention, revoke, unlock
from simulators.stage import Stage

Say = Callable[[str], None]
Leg = Callable[[Stage], dict[str, Any]]

LEGS = ("push", "cards", "refusals", "mqtt", "codes", "revocation", "outage", "cameras", "unlock", "egress", "evidence")
FIRST: tuple[tuple[str, Leg], ...] = (("push", push.run), ("cards", cards.run_granted))
BESIDE: tuple[str, Leg] = ("codes", codes.run)  # mostly waits for a code to grow old, so it runs beside the next ones
MEANWHILE: tuple[tuple[str, Leg], ...] = (
    ("refusals", cards.run_refused),
    ("mqtt", mqtt.run),
    ("revocation", revoke.run),
    ("cameras", cameras.run),
    ("unlock", unlock.run),
    ("egress", egress.run),
    ("cameras", retention.run),
)
LAST: tuple[tuple[str, Leg], ...] = (
    ("outage", outage.run),
    ("evidence", evidence.run),
)


@dataclass
class Report:
    """What became of each leg. A leg that did not run is not ok."""

    say: Say
    legs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def walk(self, name: str, leg: Leg, stage: Stage) -> None:
        """Run a leg, or a further part of it, and keep its figures or its failure in words."""
        started = time.monotonic()
        before = self.legs.get(name, {"ok": True, "ms": 0})
        try:
            outcome: dict[str, Any] = {"ok": True, **leg(stage)}
        except Exception as error:  # noqa: BLE001 - whatever stopped a leg is that leg's failure
            outcome = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        outcome["ok"] = outcome["ok"] and before["ok"]
        outcome["ms"] = before["ms"] + round((time.monotonic() - started) * 1000)
        self.legs[name] = {**before, **outcome}
        self.say(f"{'✓' if outcome['ok'] else '✗'} {name} {outcome['ms']} ms {outcome.get('error', '')}".rstrip())

    def result(self) -> dict[str, Any]:
        """The one JSON object."""
        legs = {name: self.legs.get(name, {"ok": False, "ms": 0, "error": "did not run"}) for name in LEGS}
        return {"ok": all(leg["ok"] for leg in legs.values()), "legs": legs}


def walk(stage: Stage, say: Say) -> dict[str, Any]:
    """Walk all legs; none is left out because another failed."""
    report = Report(say)
    console = threading.Thread(target=_open_console, args=(stage, say), daemon=True)
    console.start()
    for name, leg in FIRST:
        report.walk(name, leg, stage)
    beside = threading.Thread(target=report.walk, args=(*BESIDE, stage), daemon=True)
    beside.start()
    console.join()
    for name, leg in MEANWHILE:
        report.walk(name, leg, stage)
    stage.stop_browser()
    beside.join()
    for name, leg in LAST:
        report.walk(name, leg, stage)
    return report.result()


def nothing_ran() -> dict[str, Any]:
    """The report of a site that did not start."""
    return Report(lambda _: None).result()


def _open_console(stage: Stage, say: Say) -> None:
    """Change the one-time password, as a person must, and log in by HTTP and in the browser."""
    password = secrets.token_urlsafe(16)
    try:
        guard = stage.guard()
        first = stage.first_password
        guard.log_in("admin", first)
        guard.change_password(first, password)
        guard.log_in("admin", password)
        stage.notes["guard"] = guard
        stage.start_browser()
        stage.browser.call("log_in", username="admin", password=password)
    except Exception as error:  # noqa: BLE001 - the legs that need the console say that it is missing
        say(f"the console could not be opened: {error}")

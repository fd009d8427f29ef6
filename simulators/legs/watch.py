"""What a leg looks at: the devices' diaries and central's events, from a moment on."""

import time
from collections.abc import Callable
from typing import Any

from simulators.control import Remote
from simulators.diary import Entry
from simulators.estate import Card
from simulators.site import MQTT_DOOR
from simulators.stage import Stage
from simulators.wiegand import Bits

Test = Callable[[Entry], bool]
LOCKS = {"main-gate": "reader-main", "building-1": "reader-b1", "garage": MQTT_DOOR}  # the device with a door's strike
VERDICT_S = 3.0


class LegFailed(Exception):
    """What a leg expected and did not see, in words."""


class Watch:
    """What happens on the site from now on."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.since = {remote.port: remote.last() for remote in (stage.readers, stage.garage, stage.scanners)}
        self.events_since = stage.last_event()

    def entry(self, remote: Remote, test: Test, words: str, wait_s: float = VERDICT_S) -> Entry:
        """The first diary entry that passes, or `LegFailed`."""
        return _first(remote.diary, self.since[remote.port], test, words, wait_s)

    def entries(self, remote: Remote, test: Test) -> list[Entry]:
        """All diary entries so far that pass."""
        return [entry for entry in remote.diary(self.since[remote.port]) if test(entry)]

    def event(self, words: str, wait_s: float = 8, **fields: str) -> dict[str, Any]:
        """The first event at central whose fields are these, or `LegFailed`."""

        def matches(entry: Entry) -> bool:
            return all(entry["event"].get(name) == value for name, value in fields.items())

        found: dict[str, Any] = _first(self.stage.events, self.events_since, matches, words, wait_s)["event"]
        return found


def _first(read: Callable[[int, float], list[Entry]], since: int, test: Test, words: str, wait_s: float) -> Entry:
    deadline = time.monotonic() + wait_s
    last: list[Entry] = []
    while (left_s := deadline - time.monotonic()) > 0:
        for entry in (entries := read(since, left_s)):
            if test(entry):
                return entry
            since = entry["n"]
        last = (last + entries)[-3:]
    raise LegFailed(f"{words}: not seen within {wait_s:g} s; seen instead: {_brief(last)}")


def _brief(entries: list[Entry]) -> str:
    told = ("kind", "what", "device", "door", "reader", "reason", "colour", "on", "credential", "raw")
    facts = [entry.get("event", entry) for entry in entries]
    return "; ".join(" ".join(f"{k}={each[k]}" for k in told if k in each) for each in facts) or "nothing"


def hardware(stage: Stage, door: str) -> Remote:
    """The device process behind a door."""
    return stage.garage if door == "garage" else stage.readers


def present(stage: Stage, door: str, bits: Bits, walk: bool = False) -> Watch:
    """Hold a card at a door's reader; what happens from just before."""
    watch = Watch(stage)
    remote = hardware(stage, door)
    where = {} if door == "garage" else {"reader": LOCKS[door]}
    remote.call("present", bits=f"{bits[0]:x}", count=bits[1], walk=walk, **where)
    return watch


def opened(watch: Watch, door: str, words: str, wait_s: float = VERDICT_S) -> Entry:
    """The strike of this door is energised; `LegFailed` otherwise."""
    return watch.entry(hardware(watch.stage, door), lambda e: is_on(e, door), f"{words}: strike of {door}", wait_s)


def refused(watch: Watch, door: str, words: str) -> Entry:
    """Red light, and no strike."""
    remote = hardware(watch.stage, door)
    red = watch.entry(remote, lambda e: is_red(e, door), f"{words}: red light at {door}")
    if watch.entries(remote, lambda e: is_on(e, door)):
        raise LegFailed(f"{words}: refused with a red light, and yet the strike was energised")
    return red


def verdict(stage: Stage, door: str, card: Card) -> tuple[bool, float]:
    """Hold a card: whether the door opened, and when that was seen (Unix seconds)."""
    watch = present(stage, door, card.bits)
    words = f"an answer to card {card.id} at {door}"
    found = watch.entry(hardware(stage, door), lambda e: is_on(e, door) or is_red(e, door), words)
    return found["what"] == "output", float(found["at"])


def is_on(entry: Entry, door: str = "") -> bool:
    """A strike is energised, of this door or of any."""
    return bool(entry["what"] == "output" and entry["on"] and (not door or entry["device"] == LOCKS[door]))


def is_red(entry: Entry, door: str) -> bool:
    """A door's reader turns red."""
    return bool(entry["what"] == "led" and entry["colour"] == "red" and entry["device"] == LOCKS[door])


def since_presented_ms(watch: Watch, door: str, entry: Entry) -> int:
    """Milliseconds from the card held to this entry."""
    shown = watch.entries(hardware(watch.stage, door), lambda e: bool(e["what"] == "presented"))[0]
    return int((entry["at"] - shown["at"]) * 1000)

"""Legs 2 and 3: cards over the OSDP secure channel open the right door, or are refused for the right reason."""

from datetime import datetime
from typing import Any

from simulators.estate import Card, Estate
from simulators.legs.watch import (
    LOCKS,
    LegFailed,
    Watch,
    is_on,
    opened,
    present,
    refused,
    since_presented_ms,
)
from simulators.stage import Stage
from simulators.wiegand import h10301, hex_bits

STRIKE_TOLERANCE_S = 0.5
UNKNOWN = h10301(99, 64_999)


def run_granted(stage: Stage) -> dict[str, Any]:
    """26 bits at building 1, 34 bits at the main gate; each walks through."""
    estate = stage.site.estate
    channels = stage.readers.call("state")["readers"]
    if plain := [name for name, reader in channels.items() if not reader["secure"]]:
        raise LegFailed(f"no secure channel at {', '.join(plain)}")
    first = _passage(stage, "building-1", estate.cards_of("building-1", "H10301")[1])
    second = _passage(stage, "main-gate", estate.cards_of("building-2", "H10306")[1])
    stage.notes["footage_event"] = second.pop("granted")
    first.pop("granted")
    return {"secure_channels": len(channels), "h10301": first, "h10306": second}


def run_refused(stage: Stage) -> dict[str, Any]:
    """Four people who may not enter building 1 now; four at one reader stay below its alarm."""
    estate = stage.site.estate
    cases = {
        "Unauthorized": estate.cards_of("building-2", "H10301")[2].bits,
        "CredentialNotFound": UNKNOWN,
        "CredentialExpired": estate.card("c-moved-out").bits,
        "NotPermittedAtThisTime": off_duty(stage, estate).bits,
    }
    figures = {}
    for reason, bits in cases.items():
        with stage.alone_at("building-1"):
            watch = present(stage, "building-1", bits)
            red = refused(watch, "building-1", reason)
        event = watch.event(f"{reason} at central", kind="Denied", door="building-1")
        if event.get("reason") != reason:
            raise LegFailed(f"refused as {event.get('reason')!r}, expected {reason}")
        _numbered(event, hex_bits(bits) if reason == "CredentialNotFound" else None)
        figures[reason] = {"red_ms": since_presented_ms(watch, "building-1", red)}
    return {"reasons": figures}


def off_duty(stage: Stage, estate: Estate) -> Card:
    """The cleaner whose shift it is not, by the site's clock."""
    local = datetime.now(stage.site.zone)
    return estate.card("c-cleaner-night" if 8 <= local.hour < 18 else "c-cleaner-day")


def _passage(stage: Stage, door: str, card: Card) -> dict[str, Any]:
    watch = present(stage, door, card.bits, walk=True)
    on = opened(watch, door, f"card {card.id}")
    _lit(watch, door)
    granted = watch.event(f"Granted for {card.id}", kind="Granted", door=door, credential=card.id)
    _numbered(granted, None)
    taken = watch.event(f"Taken at {door}", kind="Taken", door=door)
    if taken["seq"] <= granted["seq"]:
        raise LegFailed("Taken was written before Granted")
    strike_s = _energised_s(watch, door, on["at"])
    wrong = [e for e in watch.entries(stage.readers, is_on) if e["device"] != LOCKS[door]]
    if wrong:
        raise LegFailed(f"another door opened too: {wrong[0]['device']}")
    return {"card_to_strike_ms": since_presented_ms(watch, door, on), "strike_s": strike_s, "granted": granted}


def _numbered(event: dict[str, Any], bits: str | None) -> None:
    """The event has the bits of a card that nobody has, and those of no other."""
    if event.get("raw") != bits:
        raise LegFailed(f"event says raw {event.get('raw')!r}, expected {bits!r}")


def _lit(watch: Watch, door: str) -> None:
    device, readers = LOCKS[door], watch.stage.readers
    watch.entry(readers, lambda e: (e["what"], e["device"], e.get("colour")) == ("led", device, "green"), "green light")
    watch.entry(readers, lambda e: (e["what"], e["device"], e.get("beeps")) == ("buzzer", device, 1), "one beep")


def _energised_s(watch: Watch, door: str, on_at: float) -> float:
    wanted_s = next(each.strike_s for each in watch.stage.site.settings.doors if each.name == door)
    off = watch.entry(
        watch.stage.readers,
        lambda e: e["what"] == "output" and not e["on"] and e["device"] == LOCKS[door],
        "strike released its hold",
        wanted_s + 2,
    )
    lasted_s = round(off["at"] - on_at, 2)
    if abs(lasted_s - wanted_s) > STRIKE_TOLERANCE_S:
        raise LegFailed(f"strike of {door} was energised {lasted_s} s, not {wanted_s} s")
    return float(lasted_s)

"""Leg 5: live codes and visitor passes at the serial scanners. It waits 31 s for a code to grow old."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from simulators.estate import Phone
from simulators.legs.watch import LegFailed, Watch, opened
from simulators.phone import live_code
from simulators.stage import Stage

AGAIN_S = 6.0  # the same text within 5 s is the same presentation
OLD_S = 31.0
SCANNERS = {"main-gate": "scanner-main", "building-1": "scanner-b1"}


def run(stage: Stage) -> dict[str, Any]:
    """A code that opens once, and a pass that opens public doors twice."""
    estate = stage.site.estate
    phone = estate.phones_of("building-1")[0]
    issued = time.time()
    code = live_code(phone, estate.site_id)
    code_ms = _opens(stage, "building-1", code, "a fresh live code")
    passes = _passes(stage)
    _sleep_until(issued + AGAIN_S)
    reasons = {"twice": _refused(stage, "building-1", code, "Replayed")}
    uses = _use_up(stage, passes["visitor"])
    reasons["third_use"] = uses.pop("reason")
    reasons["private_door"] = _refused(stage, "building-1", passes["visitor"], "NotPublic", "Unauthorized")
    reasons["private_profile"] = _refused(stage, "building-1", passes["building-1"], "NotPublic")
    _opens(stage, "building-1", live_code(phone, estate.site_id), "the next live code")
    _elsewhere(stage, phone)
    _sleep_until(issued + OLD_S)
    reasons["after_31_s"] = _refused(stage, "building-1", code, "CodeExpired")
    return {"code_to_strike_ms": code_ms, "pass_to_strike_ms": uses["ms"], "reasons": reasons}


def _passes(stage: Stage) -> dict[str, str]:
    now = datetime.now(UTC)
    window = {
        "valid_from": (now - timedelta(minutes=1)).isoformat(),
        "valid_to": (now + timedelta(hours=2)).isoformat(),
    }
    host = stage.site.estate.residents[0].id
    texts = {}
    for profile in ("visitor", "building-1"):
        body = {"profile": profile, **window, "max_uses": 2, "host": host}
        texts[profile] = str(stage.central.call("post", path="passes", body=body)["answer"]["text"])
    return texts


def _use_up(stage: Stage, text: str) -> dict[str, Any]:
    ms = []
    for use in (1, 2):
        shown = time.time()
        ms.append(_opens(stage, "main-gate", text, f"use {use} of a visitor pass"))
        _sleep_until(shown + AGAIN_S)
    return {"ms": ms, "reason": _refused(stage, "main-gate", text, "UsedUp")}


def _elsewhere(stage: Stage, phone: Phone) -> None:
    """A code made for another door, and one of another estate."""
    estate, now = stage.site.estate, int(time.time())
    _refused(stage, "main-gate", live_code(phone, estate.site_id, now + 1, door=2), "WrongDoor")
    _refused(stage, "main-gate", live_code(phone, estate.site_id + 1, now + 2), "WrongSite")


def _show(stage: Stage, door: str, text: str) -> Watch:
    watch = Watch(stage)
    stage.scanners.call("show", scanner=SCANNERS[door], text=text)
    return watch


def _opens(stage: Stage, door: str, text: str, words: str) -> int:
    watch = _show(stage, door, text)
    on = opened(watch, door, words)
    watch.event(f"{words}: Granted", kind="Granted", door=door, reader=SCANNERS[door])
    shown = watch.entries(stage.scanners, lambda entry: entry["what"] == "shown")[0]
    return round((on["at"] - shown["at"]) * 1000)


def _refused(stage: Stage, door: str, text: str, *reasons: str) -> str:
    watch = _show(stage, door, text)
    event = watch.event(f"a refusal ({' or '.join(reasons)})", kind="Denied", reader=SCANNERS[door])
    if event["reason"] not in reasons:
        raise LegFailed(f"refused as {event['reason']}, expected {' or '.join(reasons)}")
    return str(event["reason"])


def _sleep_until(at: float) -> None:
    time.sleep(max(0.0, at - time.time()))

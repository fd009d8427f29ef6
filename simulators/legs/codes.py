"""Leg 5: live codes and visitor passes at the serial scanners. It waits 31 s for a code to grow old."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

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
    code_ms = _opens(stage, code, "a fresh live code")
    passes = _passes(stage)
    reasons = {
        "pass_at_private_door": _refused(stage, "building-1", passes["visitor"], "NotPublic", "Unauthorized"),
        "pass_of_private_profile": _refused(stage, "building-1", passes["building-1"], "NotPublic"),
    }
    _sleep_until(issued + AGAIN_S)
    reasons["code_shown_twice"] = _refused(stage, "main-gate", code, "Replayed")
    pass_ms = [_use(stage, passes["visitor"], number) for number in (1, 2)]
    reasons["pass_used_up"] = _refused(stage, "main-gate", passes["visitor"], "UsedUp")
    now = int(time.time())
    reasons["other_door"] = _refused(stage, "main-gate", live_code(phone, estate.site_id, now, door=2), "WrongDoor")
    reasons["other_estate"] = _refused(stage, "main-gate", live_code(phone, estate.site_id + 1, now), "WrongSite")
    _opens(stage, live_code(phone, estate.site_id), "the next live code")
    _sleep_until(issued + OLD_S)
    reasons["code_after_31_s"] = _refused(stage, "main-gate", code, "CodeExpired")
    return {"code_to_strike_ms": code_ms, "pass_to_strike_ms": pass_ms, "reasons": reasons}


def _passes(stage: Stage) -> dict[str, str]:
    now = datetime.now(UTC)
    ends = {"valid_from": now - timedelta(minutes=1), "valid_to": now + timedelta(hours=2)}
    rest = {"max_uses": 2, "host": stage.site.estate.residents[0].id}
    texts = {}
    for profile in ("visitor", "building-1"):
        body = {"profile": profile, **{name: at.isoformat() for name, at in ends.items()}, **rest}
        texts[profile] = str(stage.central.call("post", path="passes", body=body)["answer"]["text"])
    return texts


def _use(stage: Stage, text: str, number: int) -> int:
    shown = time.time()
    ms = _opens(stage, text, f"use {number} of a visitor pass")
    _sleep_until(shown + AGAIN_S)
    return ms


def _show(stage: Stage, door: str, text: str) -> Watch:
    watch = Watch(stage)
    stage.scanners.call("show", scanner=SCANNERS[door], text=text)
    return watch


def _opens(stage: Stage, text: str, words: str) -> int:
    """Shown at the main gate, it opens; milliseconds until the strike."""
    with stage.alone_at("main-gate"):
        watch = _show(stage, "main-gate", text)
        on = opened(watch, "main-gate", words)
        watch.event(f"{words}: Granted", kind="Granted", reader=SCANNERS["main-gate"])
    shown = watch.entries(stage.scanners, lambda entry: bool(entry["what"] == "shown"))[0]
    return int((on["at"] - shown["at"]) * 1000)


def _refused(stage: Stage, door: str, text: str, *reasons: str) -> str:
    with stage.alone_at(door):
        watch = _show(stage, door, text)
        event = watch.event(f"a refusal ({' or '.join(reasons)})", kind="Denied", reader=SCANNERS[door])
    if event["reason"] not in reasons:
        raise LegFailed(f"refused as {event['reason']}, expected {' or '.join(reasons)}")
    return str(event["reason"])


def _sleep_until(at: float) -> None:
    time.sleep(max(0.0, at - time.time()))

"""Leg 8: both cameras are recorded, an event leads to its footage, the live picture is fresh, old footage goes."""

import json
import statistics
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from simulators.guard import Guard
from simulators.legs.watch import LegFailed
from simulators.site import CAMERAS
from simulators.stage import Stage

LIVE_LIMIT_MS = 1000
AFTER_EVENT_S = 3.0  # at least so much of what followed the event must play
RECORDED_WITHIN_S = 25.0
BEFORE_EVENT_MS = 30_000  # footage begins no earlier than this before its event


def run(stage: Stage) -> dict[str, Any]:
    """Record, look back, look now."""
    guard: Guard = stage.noted("guard")
    states = _wait_recording(guard)
    live = {name: _live(stage, name) for name in CAMERAS}
    return {"cameras": states, "picture_age_ms": live, **_footage(stage, guard)}


def _wait_recording(guard: Guard) -> dict[str, str]:
    deadline = time.monotonic() + RECORDED_WITHIN_S
    while True:
        states = {camera["name"]: str(camera["state"]) for camera in guard.ask("GET", "cameras")}
        if set(states) == set(CAMERAS) and set(states.values()) == {"recording"}:
            return states
        if time.monotonic() > deadline:
            raise LegFailed(f"not all cameras are recording: {states}")
        time.sleep(0.3)


def _live(stage: Stage, camera: str) -> dict[str, int]:
    ages = sorted(stage.browser.call("live", camera=camera, for_s=2)["ages_ms"])
    middle, worst = round(statistics.median(ages)), ages[-1]
    if middle >= LIVE_LIMIT_MS:
        raise LegFailed(f"the live picture of {camera} is {middle} ms old")
    return {"median": middle, "worst": worst}


def _footage(stage: Stage, guard: Guard) -> dict[str, Any]:
    event = stage.noted("footage_event")
    clip = _wait_clip(guard, event)
    url = urljoin(f"{guard.url}/", clip["playlist"])
    probed = _ffprobe(url, guard.cookie)
    fragments = _fragments(guard, url)
    occurred_ms = datetime.fromisoformat(event["occurred_at"]).timestamp() * 1000
    played = stage.browser.call("footage", occurred_at=event["occurred_at"], for_s=2)
    first_ms, last_ms = played["picture_ms"][0], played["picture_ms"][-1]
    if not occurred_ms - BEFORE_EVENT_MS <= first_ms <= occurred_ms + AFTER_EVENT_S * 1000:
        raise LegFailed(f"the footage shows a time {round((first_ms - occurred_ms) / 1000)} s off its event")
    if last_ms <= first_ms:
        raise LegFailed("the footage stands still in the browser")
    seen = {"fragments": fragments, "begins_ms": round(first_ms - occurred_ms), "played_ms": last_ms - first_ms}
    return {"footage": {**probed, **seen}}


def _wait_clip(guard: Guard, event: dict[str, Any]) -> dict[str, Any]:
    """Until the footage reaches past the event."""
    occurred = datetime.fromisoformat(event["occurred_at"]).timestamp()
    deadline = time.monotonic() + RECORDED_WITHIN_S
    while True:
        clips = guard.ask("GET", f"events/{event['cursor']}/footage")["clips"]
        clip = next((each for each in clips if each["recorded"]), None)
        if clip and time.time() > occurred + AFTER_EVENT_S and _covers(guard, clip, occurred + AFTER_EVENT_S):
            return dict(clip)
        if time.monotonic() > deadline:
            raise LegFailed(f"no footage of the event after {RECORDED_WITHIN_S:g} s: {json.dumps(clips)[:300]}")
        time.sleep(0.5)


def _covers(guard: Guard, clip: dict[str, Any], until: float) -> bool:
    """Whether the playlist's last segment ends after a moment."""
    end = 0.0
    for line in guard.get(urljoin(f"{guard.url}/", clip["playlist"])).text.splitlines():
        if line.startswith("#EXT-X-PROGRAM-DATE-TIME:"):
            end = datetime.fromisoformat(line.split(":", 1)[1]).timestamp()
        elif line.startswith("#EXTINF:"):
            end += float(line.split(":", 1)[1].split(",")[0])
    return end >= until


def _ffprobe(url: str, cookie: str) -> dict[str, Any]:
    wanted = ("-show_entries", "stream=codec_name,width,height:format=duration", "-of", "json")
    argv = ["ffprobe", "-v", "error", "-headers", f"Cookie: {cookie}\r\n", *wanted, url]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        raise LegFailed(f"ffprobe cannot read the footage: {done.stderr.strip()[-300:]}")
    found = json.loads(done.stdout)
    stream = found["streams"][0]
    return {"codec": stream["codec_name"], "width": stream["width"], "seconds": float(found["format"]["duration"])}


def _fragments(guard: Guard, playlist: str) -> int:
    """How many fragments the first media file has; a plain MP4 has none."""
    names = [line for line in guard.get(playlist).text.splitlines() if line and not line.startswith("#")]
    count = guard.get(urljoin(playlist, names[0])).content.count(b"moof")
    if count < 2:
        raise LegFailed(f"{Path(names[0]).name} has {count} fragments: not a fragmented MP4")
    return count

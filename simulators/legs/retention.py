"""Leg 8, its end: footage goes by age and by bytes, once the site file says so."""

import time
from typing import Any

import httpx2

from simulators.legs.watch import LegFailed
from simulators.site import wiring, write_yaml
from simulators.stage import Stage

MAX_AGE_S = 12.0
WITHIN_S = 15.0


def run(stage: Stage) -> dict[str, Any]:
    """Tighten the site file, restart the recorder as an electrician would, and watch old footage go."""
    recorder = Recorder(stage)
    by_bytes, by_age = "gate-camera", "garage-camera"
    before = {name: recorder.segments(name) for name in (by_bytes, by_age)}
    limit = sum(segment["bytes"] for segment in before[by_bytes]) // 2
    _tighten(stage, {by_bytes: {"max_bytes": limit}, by_age: {"max_age_h": MAX_AGE_S / 3600}})
    stage.stop_menjin("recorder")
    stage.start_menjin("recorder")
    deadline = time.monotonic() + WITHIN_S
    while True:
        after = {name: recorder.segments(name) for name in (by_bytes, by_age)}
        gone = {name: _gone(before[name], after[name]) for name in (by_bytes, by_age)}
        kept_bytes = sum(segment["bytes"] for segment in after[by_bytes])
        if gone[by_bytes] and kept_bytes <= limit and gone[by_age]:
            break
        if time.monotonic() > deadline:
            raise LegFailed(f"deleted by bytes {gone[by_bytes]} ({kept_bytes} of {limit} bytes), by age {gone[by_age]}")
        time.sleep(0.5)
    bytes_ = {"deleted": gone[by_bytes], "kept": kept_bytes, "limit": limit}
    return {"deleted_by_bytes": bytes_, "deleted_by_age": gone[by_age]}


def _gone(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> int:
    left = {segment["id"] for segment in after}
    return sum(segment["id"] not in left for segment in before)


def _tighten(stage: Stage, retention: dict[str, Any]) -> None:
    site = wiring(stage.site)
    for camera in site["cameras"]:
        camera["retention"] = retention[camera["name"]]
    write_yaml(stage.site.config, site)


class Recorder:
    """The recorder's own interface, as a technician uses it on the machine."""

    def __init__(self, stage: Stage) -> None:
        token = stage.site.secret("recorder.token").read_text()
        url = f"http://127.0.0.1:{stage.site.ports.recorder}"
        self._http = httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=10)

    def segments(self, camera: str) -> list[dict[str, Any]]:
        """All whole segments of a camera."""
        window = {"from": "2026-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
        answer = self._http.get(f"/cameras/{camera}/timeline", params=window)
        answer.raise_for_status()
        segments: list[dict[str, Any]] = answer.json()["segments"]
        return segments

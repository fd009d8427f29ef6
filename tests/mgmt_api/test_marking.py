"""What happens at a door marks the footage of the cameras that see it: told by the plane to a real recorder."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from mgmt_api.plane import Estate, Plane
from mgmt_api.recorders import RecorderAddress
from tests.camera.site import TOKEN, RecorderProcess, eventually, wired
from tests.mgmt_api.conftest import GATEWAY, INVENTORY, V1, Served, event

SPAN = {"from": "2026-01-01T00:00:00Z", "to": "2030-01-01T00:00:00Z"}


def test_each_event_at_a_door_is_marked_once_also_when_the_recorder_was_away(estate: Estate, tmp_path: Path) -> None:
    recorder = RecorderProcess(tmp_path, [wired("lobby", "rtsp://127.0.0.1:1/x", doors=("lobby-door",))])

    def reasons() -> list[Any]:
        return [each["reason"] for each in recorder.get("/marks", camera="lobby", **SPAN)]

    plane = Plane(replace(estate, recorders=[RecorderAddress(f"http://127.0.0.1:{recorder.port}", TOKEN)]))
    try:
        with Served(plane) as served, served.sign_in() as client:

            def send(*events: dict[str, Any]) -> None:
                url = f"{V1}/gateways/gateway-1/events"
                client.post(url, json={"events": list(events)}, headers=GATEWAY).raise_for_status()

            client.put(f"{V1}/gateways/gateway-1/inventory", json=INVENTORY, headers=GATEWAY).raise_for_status()
            send(event(1), event(2, "Denied"), event(3, door="back-door"))
            eventually(lambda: reasons() == ["Granted gateway-1/1", "Denied gateway-1/2"])
            recorder.end()
            send(event(4, "DoorForced"))
            recorder.start()
            eventually(lambda: reasons()[-1:] == ["DoorForced gateway-1/4"])
        with Served(Plane(plane.estate)):  # a plane that starts anew tells the last hour again
            eventually(lambda: len(reasons()) == 3)
            assert len(set(reasons())) == len(reasons())
    finally:
        recorder.close()

"""What the management plane hears of doors and devices."""

from types import SimpleNamespace

from controllers.driver import LinkState
from gateway.access.door import DoorState
from gateway.inventory import inventory
from tests.gateway.world import seen, site

PLANE_TAKES = 200  # characters of a reason; with more the plane refuses the whole


def test_a_long_reason_is_cut_so_that_the_plane_takes_the_rest() -> None:
    lost = LinkState("lobby-1", False, False, "cannot open /dev/serial/by-id/" + "x" * 1000, seen())
    wired = site()
    by_name = {door.name: door for door in wired.doors}
    doors = SimpleNamespace(by_name=by_name, state=lambda _: DoorState(), fire_zone=lambda _: "")
    nothing = {"until": lambda _: None, "zones": lambda _: [], "lockdowns_of": lambda _: []}
    service = SimpleNamespace(doors=doors, links={"lobby-1": lost}, **nothing)
    body = inventory(wired, service, 1, 1)  # type: ignore[arg-type] # as much of a service as it asks for
    reasons = {each["name"]: each["reason"] for each in body["devices"]}
    assert reasons["lobby-1"].startswith("cannot open /dev/serial")
    assert len(reasons["lobby-1"]) <= PLANE_TAKES
    assert reasons["scan-1"] == "not seen yet"

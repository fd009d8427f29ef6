"""Doors and devices as they are now, for the management plane."""

from typing import Any

from gateway.doors import reason_of
from gateway.pen import REASON_CHARS
from gateway.service import Service
from gateway.site import Site


def inventory(site: Site, service: Service, table_version: int, journal_seq: int) -> dict[str, Any]:
    """The body of `PUT …/inventory`."""
    return {
        "table_version": table_version,
        "journal_seq": journal_seq,
        "doors": [_door(service, door.name) for door in site.doors],
        "devices": [_device(service, reader.name, reader.kind) for reader in site.readers],
        "access_points": [
            {"name": point.name, "door": point.door, "zone_from": point.zone_from, "zone_to": point.zone_to}
            for point in site.access_points
        ],
    }


def _door(service: Service, name: str) -> dict[str, Any]:
    door, state = service.doors.by_name[name], service.doors.state(name)
    link = service.links.get(door.lock_device)
    return {
        "name": name,
        "number": door.number,
        "label": dict(door.label),
        "mode": state.mode,
        "alarm": state.alarm,
        "open": state.open,
        "online": link is not None and link.up,
        "by": reason_of(state),
        "until": service.until(name),
        "fire": state.fire,
        "fire_zone": service.doors.fire_zone(name),
        "zones": service.zones(name),
        "locked_down_by": service.lockdowns_of(name),
        "may_block": door.may_block,
    }


def _device(service: Service, name: str, kind: str) -> dict[str, Any]:
    link = service.links.get(name)
    if link is None:
        return {"name": name, "kind": kind, "online": False, "secure": False, "reason": "not seen yet"}
    return {"name": name, "kind": kind, "online": link.up, "secure": link.secure, "reason": link.reason[:REASON_CHARS]}

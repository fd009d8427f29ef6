"""What may be ordered of doors: one table, action to what it needs and who may. Each order is commands to gateways."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.access.door import DoorMode
from mgmt_api import doors
from mgmt_api.access import ADMIN, DESK, PLAIN, Caller
from mgmt_api.problems import Fault, Problem
from mgmt_api.tables.office import Zone

Mode = Literal["Locked", "Unlocked", "LockedOpen", "Blocked", "DoubleLocked"]  # those that a person may order
Id = Annotated[str, StringConstraints(max_length=64, pattern=PLAIN)]
Json = dict[str, Any]
LONGEST_S = 7 * 86400.0  # of a mode that is to end by itself
GUARD_S = 12 * 3600.0  # a guard's mode ends within his shift; one without an end is the administrator's
assert set(Mode.__args__) < set(DoorMode)  # type: ignore[attr-defined] # noqa: S101 - typing does not show it


class Order(BaseModel):
    """An order by a person. What its action does not need is left out."""

    model_config = ConfigDict(extra="forbid")
    action: Literal["unlock", "mode", "mode_release", "lockdown", "lockdown_release", "fire_reset", "pardon"]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=PLAIN)]
    door: Id = ""
    zone: Id = Field(default="", description="Of a lockdown or pardon (empty: the whole site), or the fire zone")
    mode: Mode | None = None
    for_s: Annotated[float, Field(ge=1, le=LONGEST_S)] | None = Field(
        default=None, description="Left out: until released"
    )
    person: Id = Field(default="", description="Of a pardon: a resident's id; empty: everybody")

    @property
    def target(self) -> str:
        """What it is about, for the audit."""
        return self.door or self.zone or "site"


@dataclass(frozen=True, slots=True)
class Action:
    """What an order of this kind may say, and which gateways it goes to."""

    needs: frozenset[str]
    may: frozenset[str]
    gateways: Callable[[Session, Order], list[str]]
    roles: frozenset[str] = DESK


def _of_door(session: Session, order: Order) -> list[str]:
    return [doors.gateway_of(session, order.door)]


def _of_place(session: Session, order: Order) -> list[str]:
    """Gateways with a door at the place: at a zone, or at one inside it."""
    if order.door:
        return _of_door(session, order)
    inside = _within(session, order.zone) if order.zone else None
    return _some(
        gateway
        for gateway, inventory in doors.inventories(session)
        if inventory.get("doors") and (inside is None or inside & set(_zones(inventory)))
    )


def _zones(inventory: Json) -> Iterator[str]:
    """The zones at a gateway's doors."""
    for door in inventory.get("doors", ()):
        yield from door.get("zones", ())
    for point in inventory.get("access_points", ()):
        yield from (point["zone_from"], point["zone_to"])


def _of_lockdown(session: Session, order: Order) -> list[str]:
    """Those, and gateways where such a lockdown stands although the zone has gone meanwhile."""
    place = f"door {order.door}" if order.door else f"zone {order.zone}" if order.zone else "site"
    standing = [
        gateway
        for gateway, inventory in doors.inventories(session)
        if any(place in door.get("locked_down_by", ()) for door in inventory.get("doors", ()))
    ]
    return standing or _of_place(session, order)


def _of_fire_zone(session: Session, order: Order) -> list[str]:
    return _some(
        gateway
        for gateway, inventory in doors.inventories(session)
        if any(door.get("fire_zone") == order.zone for door in inventory.get("doors", ()))
    )


def _some(gateways: Iterator[str]) -> list[str]:
    if not (found := list(gateways)):
        raise Problem("not-found", "No gateway has a door there.")
    return found


def _within(session: Session, zone: str) -> set[str]:
    """The zone, and all that lie in it at any depth."""
    parents: Mapping[str, str | None] = {each.id: each.parent for each in session.execute(select(Zone.id, Zone.parent))}
    found = {zone}
    while more := {each for each, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _action(needs: str, may: str, gateways: Callable[[Session, Order], list[str]]) -> Action:
    return Action(frozenset(needs.split()), frozenset(may.split()), gateways)


ACTIONS: dict[str, Action] = {
    "unlock": _action("door", "", _of_door),
    "mode": _action("door mode", "for_s", _of_door),
    "mode_release": _action("door", "", _of_door),
    "lockdown": _action("", "door zone", _of_place),
    "lockdown_release": _action("", "door zone", _of_lockdown),
    "fire_reset": _action("zone", "", _of_fire_zone),
    "pardon": _action("", "zone person", _of_place),
}
_FIELDS = ("door", "zone", "mode", "for_s", "person")


def check(order: Order, caller: Caller) -> Action:
    """The order's row, if it says what it should and the caller may. Raises `Problem`."""
    action = ACTIONS[order.action]
    said = {name for name in _FIELDS if getattr(order, name) not in (None, "")}
    faults = [Fault(f"/{name}", "missing", f"{order.action} needs it") for name in sorted(action.needs - said)]
    faults += [
        Fault(f"/{name}", "unknown", f"{order.action} takes none") for name in sorted(said - action.needs - action.may)
    ]
    if order.door and order.zone:
        faults.append(Fault("/zone", "invalid", "either a door or a zone"))
    if faults:
        raise Problem("validation", errors=faults)
    roles = action.roles
    if order.action == "mode" and (order.for_s is None or order.for_s > GUARD_S):
        roles = ADMIN
    if caller.role not in roles:
        raise Problem("forbidden", "A mode that lasts for more than 12 hours is the administrator's to order.")
    return action


def arguments(order: Order) -> Json:
    """What the gateway needs beside action, door, operator and reason."""
    return {name: value for name in _FIELDS[1:] if (value := getattr(order, name)) not in (None, "")}

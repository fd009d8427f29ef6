"""Doors as gateways report them."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct, to_builtins
from sqlalchemy import select
from sqlalchemy.orm import Session

from mgmt_api.database import Database
from mgmt_api.office.wire_base import PLAIN
from mgmt_api.presence import Presence
from mgmt_api.problems import Problem
from mgmt_api.tables import table_of
from mgmt_api.tables.doors import GatewayState
from mgmt_api.tables.office import Zone

Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=PLAIN)]
Short = Annotated[str, Meta(max_length=200)]
Number = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]
Json = dict[str, Any]


class Label(Struct, frozen=True):
    """A door's name for people."""

    zh: Short
    en: Short


class Door(Struct, frozen=True):
    """A door as its gateway sees it; `open` is None where no contact tells."""

    name: Name
    number: Number
    label: Label
    mode: Short
    alarm: Short
    open: bool | None = None
    online: bool = True
    by: Short = ""  # what holds it at its mode: fire, lockdown, guard, schedule or rest
    until: float | None = None  # when a guard's mode ends, Unix seconds
    fire: Short = "Clear"  # or Burning, Latched
    fire_zone: Short = ""
    zones: Annotated[list[Short], Meta(max_length=64)] = []
    locked_down_by: Annotated[list[Short], Meta(max_length=64)] = []  # "site", "zone <id>", "door <name>"
    may_block: bool = False


class Device(Struct, frozen=True):
    """A reader, scanner, bus or broker."""

    name: Name
    kind: Short
    online: bool
    secure: bool | None = None
    reason: Short = ""


class AccessPoint(Struct, frozen=True):
    """A door's readers in one direction."""

    name: Name
    door: Name
    zone_from: Short
    zone_to: Short


class Inventory(Struct, frozen=True):
    """PUT /gateways/{id}/inventory; members that are not known here are ignored."""

    table_version: Number | None = None
    journal_seq: Number = 0
    doors: Annotated[list[Door], Meta(max_length=5000)] = []
    devices: Annotated[list[Device], Meta(max_length=5000)] = []
    access_points: Annotated[list[AccessPoint], Meta(max_length=10000)] = []


def keep(session: Session, database: Database, gateway: str, inventory: Inventory, now: int) -> bool:
    """Store an inventory; whether its doors or devices differ from the last."""
    text = json.dumps(to_builtins(inventory), ensure_ascii=False)
    kept = session.get(GatewayState, gateway)
    before = json.loads(kept.inventory) if kept else {}
    row = {"id": gateway, "acked": kept.acked if kept else 0, "inventory": text, "inventory_at": now}
    session.connection().execute(database.upsert(table_of(GatewayState), ["id"]), row)
    return any(before.get(part) != json.loads(text)[part] for part in ("doors", "devices"))


def know(session: Session, gateway: str) -> None:
    """Make sure that the gateway has a row."""
    if session.get(GatewayState, gateway) is None:
        session.add(GatewayState(id=gateway, acked=0, inventory="{}", inventory_at=0))
        session.flush()


def listed(session: Session, presence: Presence, cameras: Mapping[str, Sequence[str]], now: float) -> list[Json]:
    """All doors; one is online while its gateway is. `cameras`: door to names."""
    found: dict[str, Json] = {}
    for gateway, inventory in inventories(session):
        here = presence.online(gateway, now)
        for door in inventory.get("doors", ()):
            extra = {"gateway": gateway, "cameras": list(cameras.get(door["name"], ()))}
            found.setdefault(door["name"], door | extra | {"online": here and door["online"]})
    return list(found.values())


def zone_names(session: Session) -> dict[str, Json]:
    """The names of the zones at doors."""
    told = (door for _, inventory in inventories(session) for door in inventory.get("doors", ()))
    at_doors = sorted({zone for door in told for zone in door.get("zones", ())})
    found = session.execute(select(Zone.id, Zone.name).where(Zone.id.in_(at_doors)))
    return {zone: json.loads(name) for zone, name in found}


def gateway_of(session: Session, door: str) -> str:
    """The gateway that drives a door. Raises `Problem` not-found."""
    for gateway, inventory in inventories(session):
        if any(each["name"] == door for each in inventory.get("doors", ())):
            return gateway
    raise Problem("not-found", f"No gateway has a door {door!r}.")


def gateways(session: Session) -> list[str]:
    """Every gateway that told of doors."""
    return [gateway for gateway, inventory in inventories(session) if inventory.get("doors")]


def inventories(session: Session) -> list[tuple[str, Json]]:
    """What each gateway told last."""
    rows = session.execute(select(GatewayState.id, GatewayState.inventory).order_by(GatewayState.id))
    return [(gateway, json.loads(text)) for gateway, text in rows]

"""What one event of a world is: a presentation, or an input of a door."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from gateway.access import door as machine
from gateway.access import mj1
from gateway.access.door import DoorInput
from gateway.access.mj1 import LiveCode, VisitorPass
from gateway.access.presented import Card, Live, Pass, Presented, Unreadable
from gateway.access.reasons import DenyReason
from gateway.access.table import PermissionTable
from gateway.access.world import Body, World, id_of, key_of, moment
from gateway.access.world_rows import pin_of

LEVELS = {"open": True, "shut": False, "unseen": None}
FIRE = {"whole": True, "cut": False, "unseen": None}
REX = {"pressed": True, "idle": False, "unseen": None}
FLAGS = {"duress": mj1.DURESS, "software_key": mj1.SOFTWARE_KEY}


def presented(body: Body, table: PermissionTable, world: World, at: datetime) -> Presented:
    """What `present` shows to the reader.

    Raises:
        KeyError, ValueError: a name or value that cannot be.
    """
    make = next(make for word, make in _SHOWN.items() if word in body)  # one does: world_words.event
    return make(body, table, world, at)


def _card(body: Body, table: PermissionTable, world: World, at: datetime) -> Presented:
    return Card(key_of(body["card"]), body.get("assurance", 0), _pin(body, body["card"]))


def _live(body: Body, table: PermissionTable, world: World, at: datetime) -> Presented:
    name = body["live"]
    iat = int(moment(body["iat"], world.start, world.tz).timestamp()) if "iat" in body else int(at.timestamp())
    flags = sum(FLAGS[word] for word in body.get("flags", ()))
    code = LiveCode(0, id_of(name), body.get("site", world.site), iat, flags, body.get("code_door", 0), b"", b"")
    return Live(key_of(name), code, body.get("signature", True), _pin(body, name))


def _pin(body: Body, credential: str) -> bytes:
    return key_of(pin_of(credential, body["pin"])) if "pin" in body else b""


def _pass(body: Body, table: PermissionTable, world: World, at: datetime) -> Presented:
    numbers = {row: number for number in range(1, 65536) if (row := table.profile_of_number(number))}
    nbf, exp = (
        int(moment(body.get(word, fallback), world.start, world.tz).timestamp())
        for word, fallback in (("nbf", 0), ("exp", 86_400))
    )
    kid, uses = body.get("kid", 1), body.get("max_uses", 1)
    site, profile = body.get("site", world.site), numbers[body["profile"]]
    code = VisitorPass(kid, id_of(body["pass"]), site, nbf, exp, profile, 0, uses, b"", b"")
    return Pass(code, body.get("signature", True))


def _unreadable(body: Body, table: PermissionTable, world: World, at: datetime) -> Presented:
    return Unreadable(DenyReason(body["unreadable"]))


_SHOWN: dict[str, Callable[[Body, PermissionTable, World, datetime], Presented]] = {
    "card": _card,
    "live": _live,
    "pass": _pass,
    "unreadable": _unreadable,
}


def door_input(body: Body) -> DoorInput:
    """The input of an event that names a door; one with no other word lets time pass.

    Raises:
        KeyError, ValueError: a value that cannot be.
    """
    for word, make in _INPUTS.items():
        if word in body:
            return make(body[word], body)
    return machine.Tick()


_INPUTS: dict[str, Callable[[Any, Body], DoorInput]] = {
    "contact": lambda word, _: machine.ContactLevel(LEVELS[word]),
    "mode": lambda word, body: machine.ModeSet(machine.DoorMode(word), body.get("for_s")),
    "release_mode": lambda _, __: machine.ModeReleased(),
    "lockdown": lambda on, _: machine.LockdownLevel(on),
    "schedule": lambda on, _: machine.ScheduleLevel(on),
    "fire": lambda word, _: machine.FireLevel(FIRE[word]),
    "fire_reset": lambda _, __: machine.FireReset(),
    "rex": lambda word, _: machine.RexLevel(REX[word]),
    "resumed": lambda _, __: machine.Resumed(),
}

"""What would lock people in: refused, with its place in the site file.

Software is not the life-safety path. A door's `way_out` says how who is inside gets out while nothing here works:
a `handle` that always turns, or a `button` that cuts the lock's power itself. A `software_button` needs the door
process; `none` is a door through which nobody leaves (a barrier, a cabinet). An exit reader is never the way out: it
may refuse, or be dead.
"""

from collections.abc import Iterator

from config.settings import Door, Settings

Finding = tuple[tuple[int | str, ...], str]  # place in the file, what is wrong there
BY_HARDWARE = {"handle", "button"}


def lock_ins(settings: Settings) -> Iterator[Finding]:
    """Each door, and each interlock, that could keep somebody inside."""
    unable = set(_pulse_only(settings))
    both_ways = set(_with_exit_reader(settings))
    for i, door in enumerate(settings.doors):
        if door.name in both_ways and door.way_out in (None, "none"):
            yield ("doors", i, "way_out"), "people leave by its exit reader: say handle, button or software_button"
        for key, what in _faults(door, unable):
            yield ("doors", i, *key), what
    doors = {door.name: door for door in settings.doors}
    for i, interlock in enumerate(settings.interlocks):
        for j, name in enumerate(interlock.doors):
            if name in doors:
                yield from ((("interlocks", i, "doors", j), what) for what in _locked_between(doors[name]))


def _faults(door: Door, unable: set[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    if door.way_out == "software_button":
        if door.lock.without_power != "open":
            yield ("way_out",), "who is inside is let out by software alone: the lock must open without power"
        if door.fire_zone is None:
            yield ("way_out",), "who is inside is let out by software alone: it needs a fire_zone that releases it"
        if door.rex is None or not door.rex.pulse_s:
            yield ("way_out",), "a software_button needs rex with pulse_s"
    if door.way_out == "button" and door.lock.without_power == "locked":
        yield ("lock", "without_power"), "a button cuts the lock's power: this lock would stay locked"
    if door.way_out == "button" and door.rex and door.rex.pulse_s:
        yield ("rex", "pulse_s"), "a button that releases the lock itself needs no pulse_s; else say software_button"
    if door.way_out is None and door.rex and door.rex.pulse_s:
        yield ("rex", "pulse_s"), "say way_out: the door process releases this lock for who leaves"
    if door.way_out is None and door.lock.without_power == "locked":
        yield ("lock", "without_power"), "say way_out: without power this lock stays locked"
    if door.fire_zone and door.lock.device in unable:
        yield ("fire_zone",), f"{door.lock.device!r} can only pulse its lock, and fire has to hold it released"


def _locked_between(door: Door) -> Iterator[str]:
    if door.contact is None:
        yield f"door {door.name!r} has no contact: nobody sees whether it is shut"
    if door.unlocked:
        yield f"door {door.name!r} is unlocked by a schedule: the other would stay refused meanwhile"
    if door.way_out not in BY_HARDWARE:
        yield f"door {door.name!r} needs way_out handle or button: nobody may be held between two doors"


def _with_exit_reader(settings: Settings) -> Iterator[str]:
    """Doors with readers in two opposite directions: one of them lets people out."""
    ways = {(point.door, point.zone_from, point.zone_to) for point in settings.access_points}
    yield from (door for door, zone_from, zone_to in ways if (door, zone_to, zone_from) in ways)


def _pulse_only(settings: Settings) -> Iterator[str]:
    """Devices whose locks cannot be held released (controllers/README.md)."""
    if settings.broker:
        yield from (each.name for each in settings.broker.dejaos)
        yield from (each.name for each in settings.broker.esprfid)

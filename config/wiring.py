"""What the models cannot see: names that must be unique, and names that must exist."""

from collections import Counter
from collections.abc import Iterable, Iterator

from config.settings import Settings

Finding = tuple[tuple[int | str, ...], str]  # place in the file, what is wrong there


def wiring_faults(settings: Settings) -> list[Finding]:
    """Each reference that leads nowhere and each name given twice."""
    return [*_repeats(settings), *_dangling(settings)]


def device_names(settings: Settings) -> set[str]:
    """Readers, scanners and MQTT devices: all that a door or access point may name."""
    return {name for _, name in _devices(settings)}


def _devices(settings: Settings) -> Iterator[tuple[tuple[int | str, ...], str]]:
    for i, bus in enumerate(settings.buses):
        for j, reader in enumerate(bus.readers):
            yield ("buses", i, "readers", j, "name"), reader.name
    for i, scanner in enumerate(settings.scanners):
        yield ("scanners", i, "name"), scanner.name
    for i, device in enumerate(settings.broker.devices if settings.broker else ()):
        yield ("broker", "devices", i, "name"), device.name


def _repeats(settings: Settings) -> Iterator[Finding]:
    yield from _twice(_devices(settings), "device name")
    for key in ("doors", "access_points", "cameras", "buses"):
        yield from _twice((((key, i, "name"), each.name) for i, each in enumerate(getattr(settings, key))), "name")
    yield from _twice(((("doors", i, "number"), door.number) for i, door in enumerate(settings.doors)), "door number")
    locks = (
        (("doors", i, "lock"), f"{door.lock.device} output {door.lock.output}") for i, door in enumerate(settings.doors)
    )
    yield from _twice(locks, "lock")
    readers = (
        (("access_points", i, "readers", j), reader)
        for i, point in enumerate(settings.access_points)
        for j, reader in enumerate(point.readers)
    )
    yield from _twice(readers, "reader of an access point")
    for i, bus in enumerate(settings.buses):
        addresses = ((("buses", i, "readers", j, "address"), r.address) for j, r in enumerate(bus.readers))
        yield from _twice(addresses, "address on this bus")


def _twice(found: Iterable[tuple[tuple[int | str, ...], str | int]], what: str) -> Iterator[Finding]:
    listed = list(found)
    count = Counter(value for _, value in listed)
    first = dict.fromkeys(count, True)
    for place, value in listed:
        if count[value] > 1 and not first[value]:
            yield place, f"{what} {value!r} is used twice"
        first[value] = False


def _dangling(settings: Settings) -> Iterator[Finding]:
    devices = device_names(settings)
    scanners = {scanner.name for scanner in settings.scanners}
    doors = {door.name for door in settings.doors}
    for i, door in enumerate(settings.doors):
        yield from _unknown(("doors", i, "lock", "device"), door.lock.device, devices - scanners, "device with outputs")
        if door.contact:
            place = ("doors", i, "contact", "device")
            yield from _unknown(place, door.contact.device, devices - scanners, "device with inputs")
    for i, point in enumerate(settings.access_points):
        yield from _unknown(("access_points", i, "door"), point.door, doors, "door")
        for j, reader in enumerate(point.readers):
            yield from _unknown(("access_points", i, "readers", j), reader, devices, "reader")
    for i, camera in enumerate(settings.cameras):
        for j, name in enumerate(camera.doors):
            yield from _unknown(("cameras", i, "doors", j), name, doors, "door")


def _unknown(place: tuple[int | str, ...], name: str, known: set[str], what: str) -> Iterator[Finding]:
    if name not in known:
        yield place, f"no {what} is named {name!r}; there are: {', '.join(sorted(known)) or 'none'}"

"""What the models cannot see: names that are unique, names that exist, inputs and outputs that a device has."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from config.cameras import rtsp_fault
from config.egress import lock_ins
from config.settings import Settings

Place = tuple[int | str, ...]
Finding = tuple[Place, str]  # place in the file, what is wrong there


class Wired(NamedTuple):
    """A device as doors and access points may name it."""

    place: Place
    name: str
    reads: bool = True
    outputs: int = 0
    inputs: int = 0
    formats: tuple[str, ...] = ()  # Wiegand formats that it may send
    where: str = "formats"  # the key that they stand under


def wiring_faults(settings: Settings) -> list[Finding]:
    """Each reference that leads nowhere and each name given twice."""
    return [*_repeats(settings), *_dangling(settings), *_unmeant(settings), *_streams(settings), *lock_ins(settings)]


def devices(settings: Settings) -> Iterator[Wired]:
    """Readers, scanners, boards and terminals: all that a door or access point may name."""
    for i, bus in enumerate(settings.buses):
        for j, reader in enumerate(bus.readers):
            yield Wired(("buses", i, "readers", j), reader.name, True, 16, 32, reader.formats)
    for i, scanner in enumerate(settings.scanners):
        yield Wired(("scanners", i), scanner.name)
    for i, serial in enumerate(settings.serial_readers):
        yield Wired(("serial_readers", i), serial.name, formats=(serial.restored,), where="format")
    for i, line in enumerate(settings.polled_buses):
        for j, polled in enumerate(line.readers):
            yield Wired(("polled_buses", i, "readers", j), polled.name, formats=(polled.format,), where="format")
    for i, vguang in enumerate(settings.vguang_readers):
        yield Wired(("vguang_readers", i), vguang.name, True, int(vguang.relay), int(vguang.contact))
    for i, sam in enumerate(settings.idcard_readers):
        yield Wired(("idcard_readers", i), sam.name)
    for i, board in enumerate(settings.uhppote.boards if settings.uhppote else ()):
        at: Place = ("uhppote", "boards", i)
        yield Wired(at, board.name, False, 4, 8, (board.format,), "format")
        for j, each in enumerate(board.readers):
            yield Wired((*at, "readers", j), each.name)
    for i, camera in enumerate(settings.cameras):
        if camera.qr:
            yield Wired(("cameras", i, "qr"), camera.qr.reader)
    yield from _behind_broker(settings)


def _behind_broker(settings: Settings) -> Iterator[Wired]:
    broker = settings.broker
    if broker is None:
        return
    for i, device in enumerate(broker.devices):
        yield Wired(("broker", "devices", i), device.name, True, 16, 32, device.formats)
    for i, terminal in enumerate(broker.dejaos):
        yield Wired(("broker", "dejaos", i), terminal.name, True, 1, 2, terminal.formats)
    for i, esp in enumerate(broker.esprfid):
        yield Wired(("broker", "esprfid", i), esp.name, True, 4, 1, esp.formats)


def _repeats(settings: Settings) -> Iterator[Finding]:
    yield from _twice((((*each.place, "name"), each.name) for each in devices(settings)), "device name")
    for key in ("doors", "access_points", "cameras", "buses", "polled_buses", "fire_zones", "interlocks"):
        yield from _twice((((key, i, "name"), each.name) for i, each in enumerate(getattr(settings, key))), "name")
    yield from _twice(((("doors", i, "number"), door.number) for i, door in enumerate(settings.doors)), "door number")
    inputs = [
        (("doors", i, what), f"{each.device} input {each.input}")
        for i, door in enumerate(settings.doors)
        for what, each in (("contact", door.contact), ("rex", door.rex))
        if each
    ]
    loops = [
        (("fire_zones", i, "loop"), f"{zone.loop.device} input {zone.loop.input}")
        for i, zone in enumerate(settings.fire_zones)
    ]
    yield from _twice([*inputs, *loops], "input")
    disks = settings.recorder.disks if settings.recorder else ()
    yield from _twice(((("recorder", "disks", i, "name"), each.name) for i, each in enumerate(disks)), "disk")
    locks = (
        (("doors", i, "lock"), f"{door.lock.device} output {door.lock.output}") for i, door in enumerate(settings.doors)
    )
    yield from _twice(locks, "lock")
    for i, interlock in enumerate(settings.interlocks):
        members = ((("interlocks", i, "doors", j), name) for j, name in enumerate(interlock.doors))
        yield from _twice(members, "door of this interlock")
    readers = (
        (("access_points", i, "readers", j), reader)
        for i, point in enumerate(settings.access_points)
        for j, reader in enumerate(point.readers)
    )
    yield from _twice(readers, "reader of an access point")
    yield from _twice(ports(settings), "serial port")
    for key in ("buses", "polled_buses"):
        for i, bus in enumerate(getattr(settings, key)):
            addresses = (((key, i, "readers", j, "address"), each.address) for j, each in enumerate(bus.readers))
            yield from _twice(addresses, "address on this bus")
    for what, numbers in _peers(settings):
        yield from _twice(numbers, what)


def ports(settings: Settings) -> Iterator[tuple[Place, str]]:
    """Each serial port, with its place in the file."""
    for key in ("buses", "scanners", "serial_readers", "polled_buses", "vguang_readers", "idcard_readers"):
        for i, link in enumerate(getattr(settings, key)):
            yield (key, i, "port"), link.port


def _peers(settings: Settings) -> Iterator[tuple[str, list[tuple[Place, str | int]]]]:
    """Numbers and addresses that tell boards and terminals apart."""
    boards = settings.uhppote.boards if settings.uhppote else ()
    yield "serial number", [(("uhppote", "boards", i, "serial"), board.serial) for i, board in enumerate(boards)]
    hosts = ((("uhppote", "boards", i, "address"), board.address.split(":")[0]) for i, board in enumerate(boards))
    yield "address", [*hosts]
    if settings.broker:
        terminals, esp = settings.broker.dejaos, settings.broker.esprfid
        yield "uuid", [(("broker", "dejaos", i, "uuid"), each.uuid) for i, each in enumerate(terminals)]
        yield "topic", [(("broker", "esprfid", i, "topic"), each.topic) for i, each in enumerate(esp)]


def _twice(found: Iterable[tuple[Place, str | int]], what: str) -> Iterator[Finding]:
    listed = list(found)
    count = Counter(value for _, value in listed)
    first = dict.fromkeys(count, True)
    for place, value in listed:
        if count[value] > 1 and not first[value]:
            yield place, f"{what} {value!r} is used twice"
        first[value] = False


def _dangling(settings: Settings) -> Iterator[Finding]:
    there = {each.name: each for each in devices(settings)}
    doors = {door.name for door in settings.doors}
    for i, door in enumerate(settings.doors):
        yield from _wire(("doors", i, "lock"), door.lock.device, door.lock.output, "output", there)
        if door.contact:
            yield from _wire(("doors", i, "contact"), door.contact.device, door.contact.input, "input", there)
        if door.rex:
            yield from _wire(("doors", i, "rex"), door.rex.device, door.rex.input, "input", there)
        if door.fire_zone:
            zones = {zone.name for zone in settings.fire_zones}
            yield from _unknown(("doors", i, "fire_zone"), door.fire_zone, zones, "fire zone")
    for i, zone in enumerate(settings.fire_zones):
        yield from _wire(("fire_zones", i, "loop"), zone.loop.device, zone.loop.input, "input", there)
    for i, interlock in enumerate(settings.interlocks):
        for j, name in enumerate(interlock.doors):
            yield from _unknown(("interlocks", i, "doors", j), name, doors, "door")
    readers = {each.name for each in there.values() if each.reads}
    for i, point in enumerate(settings.access_points):
        yield from _unknown(("access_points", i, "door"), point.door, doors, "door")
        for j, reader in enumerate(point.readers):
            yield from _unknown(("access_points", i, "readers", j), reader, readers, "reader")
    for i, camera in enumerate(settings.cameras):
        for j, name in enumerate(camera.doors):
            yield from _unknown(("cameras", i, "doors", j), name, doors, "door")
    disks = {each.name for each in settings.recorder.disks} if settings.recorder else set()
    for i, camera in enumerate(settings.cameras):
        if camera.disk:
            yield from _unknown(("cameras", i, "disk"), camera.disk, disks, "disk")
    shown = settings.broker.home_assistant if settings.broker else None
    for i, name in enumerate(shown.commands if shown else ()):
        yield from _unknown(("broker", "home_assistant", "commands", i), name, doors, "door")


def _wire(place: Place, device: str, number: int, what: str, there: dict[str, Wired]) -> Iterator[Finding]:
    """A lock or contact hangs on a device that has such an output or input."""
    has = {name: each.outputs if what == "output" else each.inputs for name, each in there.items()}
    able = {name for name, count in has.items() if count}
    yield from _unknown((*place, "device"), device, able, f"device with {what}s")
    if 0 < has.get(device, 0) <= number:
        yield (*place, what), f"{device!r} has no {what} {number}; its last is {has[device] - 1}"


def _unknown(place: Place, name: str, known: set[str], what: str) -> Iterator[Finding]:
    if name not in known:
        yield place, f"no {what} is named {name!r}; there are: {', '.join(sorted(known)) or 'none'}"


def _streams(settings: Settings) -> Iterator[Finding]:
    """Addresses that the recorder would not open."""
    for i, camera in enumerate(settings.cameras):
        urls: dict[Place, str | None] = {
            ("url",): camera.url,
            ("sub", "url"): camera.sub.url if camera.sub else None,
            ("qr", "source"): camera.qr.source if camera.qr else None,
        }
        for place, url in urls.items():
            if url and not url.startswith("/") and (what := rtsp_fault(url)):
                yield ("cameras", i, *place), what


def _unmeant(settings: Settings) -> Iterator[Finding]:
    """Settings that have no effect where they stand, or no sense."""
    for i, reader in enumerate(settings.serial_readers):
        if reader.keypad and reader.framing != "dec10_crlf":
            yield ("serial_readers", i, "keypad"), f"{reader.framing} has no keys; only dec10_crlf does"
    released = {door.fire_zone for door in settings.doors}
    for i, zone in enumerate(settings.fire_zones):
        if zone.name not in released:
            yield ("fire_zones", i, "name"), f"no door is in fire zone {zone.name!r}: it releases nothing"
    for i, point in enumerate(settings.access_points):
        if point.zone_from == point.zone_to:
            yield ("access_points", i, "zone_to"), "leads nowhere: zone_from and zone_to are the same"
    for i, door in enumerate(settings.doors):
        if door.relock and not door.contact:
            yield ("doors", i, "relock"), "without a contact nobody sees it open or shut"
        if door.pre_alarm_s and not door.contact and "pre_alarm_s" in door.model_fields_set:
            yield ("doors", i, "pre_alarm_s"), "without a contact nobody sees it open"
        if door.pre_alarm_s >= door.held_open_s and "pre_alarm_s" in door.model_fields_set:
            yield ("doors", i, "pre_alarm_s"), "must be shorter than held_open_s"
    broker = settings.broker
    if broker and (broker.cert_file is None) != (broker.key_file is None):
        yield ("broker", "key_file"), "cert_file and key_file go together"
    if broker and broker.cert_file and broker.ca_file is None:
        yield ("broker", "cert_file"), "a client certificate needs ca_file: without it there is no TLS"

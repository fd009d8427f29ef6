"""What `menjin doctor` finds in the field: serial ports, brokers, boards, cameras."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from config.secret import BadSecret
from config.settings import Settings
from config.wiring import ports as wired_ports
from controllers import mqtt_probe, ports, uhppote_probe
from controllers.uhppote_link import UhppoteBoard
from gateway.drivers import broker_login
from gateway.running import is_running
from mgmt_api.cli.doctor_osdp import bus_findings
from mgmt_api.cli.finding import Finding

CONNECT_S = 2.0


def machine_ports() -> Iterator[Finding]:
    """The serial ports of this machine, by the names that stay."""
    found = ports.ports()
    yield Finding("serial ports", True, ", ".join(each.path for each in found) or "none seen")
    for each in found:
        if each.stable:
            yield Finding(each.path, True, f"{each.what}; its name that stays: {each.stable}")


def field(settings: Settings) -> Iterator[Finding]:
    """All that the site file's wires lead to."""
    running = is_running(settings.data_dir / "gateway")
    if running:
        yield Finding("gateway", True, "it runs here and holds its ports; ask it: menjin device list, or the console")
    for (kind, index, _), port in wired_ports(settings):
        name = getattr(settings, str(kind))[index].name
        what = "" if running else ports.fault(port)
        yield Finding(f"port of {name}", not what, what or port)
        if kind == "buses" and not (running or what):
            yield from bus_findings(settings.buses[int(index)])
    yield from _broker(settings)
    yield from _boards(settings)
    for camera in settings.cameras:
        parts = urlsplit(camera.url)
        usual = 322 if parts.scheme == "rtsps" else 554
        yield _reach(f"camera {camera.name}", parts.hostname or "", parts.port or usual)


def _broker(settings: Settings) -> Iterator[Finding]:
    if settings.broker is None:
        return
    try:
        what = mqtt_probe.fault(broker_login(settings))
    except BadSecret as error:
        what = str(error)
    yield Finding("broker", not what, what or f"{settings.broker.host}:{settings.broker.port} lets us in")


def _boards(settings: Settings) -> Iterator[Finding]:
    if settings.uhppote is None:
        return
    wired = {board.name: board for board in settings.uhppote.boards}
    faults = uhppote_probe.faults([UhppoteBoard(each.name, each.serial, each.address) for each in wired.values()])
    for name, what in faults.items():
        yield Finding(f"board {name}", not what, what or f"{wired[name].serial} answers at {wired[name].address}")
    known = {each.serial for each in wired.values()}
    for board in uhppote_probe.found():
        if board.serial not in known:
            yield Finding(f"board {board.serial}", True, f"answers at {board.address}, but is not in the site file")


def _reach(what: str, host: str, port: int) -> Finding:
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        socket.create_connection((host, port), timeout=CONNECT_S).close()
    except (OSError, UnicodeError) as error:  # a label that is no name fails in IDNA
        return Finding(what, False, f"{place} does not answer ({getattr(error, 'strerror', None) or error})")
    return Finding(what, True, f"{place} answers")

"""The drivers of a site: one row a kind of link, made from the site file. Part of the process's root.

A new kind is its models in config/devices.py, a function here that builds its drivers, and a row in `KINDS`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from config.devices import SerialReader
from config.secret import read_secret
from config.settings import Settings
from controllers.driver import Driver, Sink
from controllers.errors import BadSetup
from controllers.idcard import IdCardDriver
from controllers.mqtt import MqttDriver
from controllers.mqtt_dejaos import Terminal
from controllers.mqtt_dejaos_session import DejaosSession
from controllers.mqtt_dialect import BrokerLogin, MqttSessionDriver
from controllers.mqtt_esprfid import EspBoard, EspRfidSession
from controllers.mqtt_homeassistant import HomeAssistantSession, ShownDoor, will
from controllers.osdp_bus import OsdpReader
from controllers.osdp_driver import OsdpBusDriver
from controllers.poll_aa import PolledReader, PollSession
from controllers.qr_camera import QrCameraDriver
from controllers.serial_frames import Codec, Dec10CrLf, HexCr, StxEtx
from controllers.serial_port import ScannerDriver
from controllers.serial_reader import SerialDriver, TalkingReader
from controllers.uhppote import BoardReader, UhppoteBoard, UhppoteDriver
from controllers.uhppote_link import DOORS
from controllers.vault import load_keys
from controllers.vguang import VguangSession
from gateway.access.identifier import identifier_key
from gateway.access.model import CredentialType
from gateway.board_lists import ListedBoard, Setup
from gateway.site import CARDS, CODES, ID_CARDS, KEYS, PLATES, Reader, Site

ID_FORMAT = "GB11643"


@dataclass(frozen=True, slots=True)
class Wiring:
    """What drivers are built from."""

    settings: Settings
    site_key: bytes = field(repr=False)
    sink: Sink


def osdp(wiring: Wiring) -> Iterator[Driver]:
    """RS-485 lines of OSDP readers; each needs its key in the vault."""
    buses, vault = wiring.settings.buses, wiring.settings.secrets.reader_keys_file
    keys = load_keys(vault) if buses else {}
    for bus in buses:
        if missing := [reader.name for reader in bus.readers if reader.name not in keys]:
            raise BadSetup(f"{vault} has no key for {', '.join(missing)}: run menjin device make-keys")
        readers = [OsdpReader(reader.name, reader.address, keys[reader.name]) for reader in bus.readers]
        yield OsdpBusDriver(bus.name, bus.port, bus.baud, readers, wiring.sink, vault=vault)


def scanners(wiring: Wiring) -> Iterator[Driver]:
    """Serial scanners of plain lines."""
    for each in wiring.settings.scanners:
        yield ScannerDriver(each.name, each.port, each.baud, wiring.sink, plates=each.texts == "plates")


CODECS: dict[str, Callable[[SerialReader], Codec]] = {
    "hex_cr": lambda reader: HexCr(reader.restored),
    "dec10_crlf": lambda reader: Dec10CrLf(reader.restored, reader.keypad),
    "stx_etx": lambda reader: StxEtx(reader.restored),
}


def serial(wiring: Wiring) -> Iterator[Driver]:
    """Readers and converters that only talk."""
    for each in wiring.settings.serial_readers:
        session = TalkingReader(each.name, CODECS[each.framing](each))
        yield SerialDriver(each.name, each.port, each.baud, session, wiring.sink)


def polled(wiring: Wiring) -> Iterator[Driver]:
    """RS-485 lines of polled readers."""
    for bus in wiring.settings.polled_buses:
        session = PollSession([PolledReader(each.name, each.address, each.format) for each in bus.readers])
        yield SerialDriver(bus.name, bus.port, bus.baud, session, wiring.sink)


def vguang(wiring: Wiring) -> Iterator[Driver]:
    """Vguang TLV readers."""
    for each in wiring.settings.vguang_readers:
        session = VguangSession(each.name, each.relay, each.contact)
        yield SerialDriver(each.name, each.port, each.baud, session, wiring.sink)


def idcard(wiring: Wiring) -> Iterator[Driver]:
    """ID-card readers: the number becomes its key inside the driver."""
    key = partial(identifier_key, wiring.site_key, CredentialType.IDCARD, ID_FORMAT)
    for each in wiring.settings.idcard_readers:
        yield IdCardDriver(each.name, each.port, each.baud, key, wiring.sink)


def uhppote(wiring: Wiring) -> Iterator[Driver]:
    """All UHPPOTE boards, in one driver."""
    if (wired := wiring.settings.uhppote) is None:
        return
    boards = boards_of(wiring.settings)
    listen, zone = (wired.listen_host, wired.listen_port), ZoneInfo(wiring.settings.site.timezone)
    yield UhppoteDriver("uhppote", boards, wiring.sink, listen, wired.host, zone)


def boards_of(settings: Settings) -> list[UhppoteBoard]:
    """The UHPPOTE boards as they are wired."""
    return [
        UhppoteBoard(
            board.name,
            board.serial,
            board.address,
            tuple(BoardReader(each.name, each.door, each.direction) for each in board.readers),
            board.format,
            board.decimal,
        )
        for board in (settings.uhppote.boards if settings.uhppote else ())
    ]


def board_setup(settings: Settings, site: Site) -> Setup | None:
    """What keeps the boards' own lists in step; None where the site keeps no card numbers, or has no boards."""
    boards, gateway = boards_of(settings), settings.gateway
    if gateway is None or not settings.site.board_lists or not boards:
        return None
    return Setup(
        gateway.api.url,
        read_secret(gateway.api.token_file),
        gateway.id,
        str(settings.data_dir / "gateway" / "store.db"),
        site.site_key,
        site.number,
        settings.site.timezone,
        tuple(site.access_points),
        tuple(ListedBoard(board, _points_of_doors(board, site)) for board in boards),
    )


def _points_of_doors(board: UhppoteBoard, site: Site) -> tuple[tuple[str, ...], ...]:
    """The access points of doors 1 to 4 of a board: those whose readers are there."""
    return tuple(
        tuple(
            {
                site.points[each.name].name: None
                for each in board.readers
                if each.door == door and each.name in site.points
            }
        )
        for door in DOORS
    )


def mqtt(wiring: Wiring) -> Iterator[Driver]:
    """Controllers of our own dialect."""
    broker = wiring.settings.broker
    if broker is not None and broker.devices:
        names = [device.name for device in broker.devices]
        login = (broker.host, broker.port, broker.username, secret(broker.password_file), broker.ca_file)
        yield MqttDriver("broker", *login, names, wiring.sink, certificate=(broker.cert_file, broker.key_file))


def dejaos(wiring: Wiring) -> Iterator[Driver]:
    """DejaOS terminals."""
    broker = wiring.settings.broker
    if broker is not None and broker.dejaos:
        session = DejaosSession([Terminal(each.name, each.uuid, each.prefix) for each in broker.dejaos])
        yield MqttSessionDriver("dejaos", broker_login(wiring.settings), session, wiring.sink)


def esprfid(wiring: Wiring) -> Iterator[Driver]:
    """esp-rfid boards."""
    broker = wiring.settings.broker
    if broker is not None and broker.esprfid:
        boards = [
            EspBoard(each.name, each.topic, each.hostname, each.reader, each.formats[0], each.address)
            for each in broker.esprfid
        ]
        yield MqttSessionDriver("esprfid", broker_login(wiring.settings), EspRfidSession(boards), wiring.sink)


def qr_cameras(wiring: Wiring) -> Iterator[Driver]:
    """Cameras that read codes: the recorder of this site file decodes them."""
    recorder = wiring.settings.recorder
    for camera in wiring.settings.cameras:
        if camera.qr and recorder:
            place = (recorder.host, recorder.port, secret(recorder.token_file))
            yield QrCameraDriver(camera.qr.reader, camera.name, *place, wiring.sink)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of link: how its drivers are built, which devices read what, and how far their cards are trusted."""

    build: Callable[[Wiring], Iterator[Driver]]
    readers: Callable[[Settings], Iterable[tuple[str, tuple[str, ...]]]]  # names, and Wiegand formats
    takes: frozenset[CredentialType]
    assurance: int = 0  # 1 only where cards come over a secure channel


KINDS: dict[str, Kind] = {
    "osdp": Kind(
        osdp, lambda s: ((each.name, each.formats) for bus in s.buses for each in bus.readers), CARDS | CODES | KEYS, 1
    ),
    "scanner": Kind(scanners, lambda s: ((each.name, ()) for each in s.scanners), CODES),
    "serial": Kind(serial, lambda s: ((each.name, (each.restored,)) for each in s.serial_readers), CARDS),
    "polled": Kind(
        polled, lambda s: ((each.name, (each.format,)) for bus in s.polled_buses for each in bus.readers), CARDS
    ),
    "vguang": Kind(vguang, lambda s: ((each.name, ()) for each in s.vguang_readers), CODES),
    "idcard": Kind(idcard, lambda s: ((each.name, ()) for each in s.idcard_readers), ID_CARDS),
    "uhppote": Kind(uhppote, lambda s: _board_readers(s), CARDS),
    "mqtt": Kind(
        mqtt, lambda s: ((each.name, each.formats) for each in (s.broker.devices if s.broker else ())), CARDS | CODES
    ),
    "dejaos": Kind(
        dejaos,
        lambda s: ((each.name, each.formats) for each in (s.broker.dejaos if s.broker else ())),
        CARDS | CODES | KEYS,
    ),
    "qr_camera": Kind(qr_cameras, lambda s: ((each.qr.reader, ()) for each in s.cameras if each.qr), CODES),
    "esprfid": Kind(
        esprfid, lambda s: ((each.name, each.formats) for each in (s.broker.esprfid if s.broker else ())), CARDS
    ),
}


def _board_readers(settings: Settings) -> Iterator[tuple[str, tuple[str, ...]]]:
    for board in settings.uhppote.boards if settings.uhppote else ():
        yield board.name, ()  # it reads nothing itself, but is a device with a state of its own
        yield from ((each.name, (board.format,)) for each in board.readers)


def drivers_of(settings: Settings, site_key: bytes, sink: Sink) -> list[Driver]:
    """One driver a link. Raises `BadSecret` and `BadSetup`."""
    wiring = Wiring(settings, site_key, sink)
    return [driver for kind in KINDS.values() for driver in kind.build(wiring)]


def readers_of(settings: Settings) -> list[Reader]:
    """All devices that read. A card over OSDP's secure channel is worth more than a number from the network."""
    behind_broker = settings.broker.devices if settings.broker else ()
    plates = {each.name for each in settings.scanners if each.texts == "plates"}
    plates |= {each.name for each in behind_broker if each.texts == "plates"}
    keypads = {each.name for each in settings.serial_readers if each.keypad}
    return [
        Reader(name, word, formats, kind.assurance, name in plates, _takes(kind, name in plates, name in keypads))
        for word, kind in KINDS.items()
        for name, formats in kind.readers(settings)
    ]


def _takes(kind: Kind, plates: bool, keypad: bool) -> frozenset[CredentialType]:
    takes = (kind.takes - CODES) | PLATES if plates else kind.takes
    return takes | KEYS if keypad else takes


def home_assistant(
    settings: Settings, unlock: Callable[[str], None], sink: Sink
) -> tuple[HomeAssistantSession, Driver] | None:
    """What shows the doors to Home Assistant, if the site wants that: it drives nothing, so it is no row of `KINDS`."""
    shown = settings.broker.home_assistant if settings.broker else None
    if shown is None:
        return None
    doors = [ShownDoor(door.name, door.label.zh, door.name in shown.commands) for door in settings.doors]
    session = HomeAssistantSession(doors, unlock, shown.base, shown.discovery)
    login = broker_login(settings)
    if shown.username:
        login = replace(login, username=shown.username, password=secret(shown.password_file))
    return session, MqttSessionDriver("home-assistant", login, session, sink, will=will(shown.base))


def broker_login(settings: Settings) -> BrokerLogin:
    """How we log in at the broker. Raises `BadSecret`."""
    broker = settings.broker
    if broker is None:
        raise ValueError("the site file has no broker")
    files = (broker.ca_file, broker.cert_file, broker.key_file)
    return BrokerLogin(broker.host, broker.port, broker.username, secret(broker.password_file), *files)


def secret(path: Path | None) -> str:
    """A secret's text; empty where none is named. Raises `BadSecret`."""
    return "" if path is None else read_secret(path)

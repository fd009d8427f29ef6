"""The wiring as the door process needs it: plain values, made from the site file by the process's root."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from gateway.access.door import DoorConfig
from gateway.access.holders import BEST
from gateway.access.model import AccessPoint, CredentialType

CARDS, KEYS = frozenset({CredentialType.CARD}), frozenset({CredentialType.PIN})
CODES = frozenset({CredentialType.LIVE, CredentialType.PASS, CredentialType.STATIC})
PLATES, ID_CARDS = frozenset({CredentialType.PLATE}), frozenset({CredentialType.IDCARD})


@dataclass(frozen=True, slots=True)
class Input:
    """An input of a device: a contact that says open, a button that says pressed, a loop that says whole."""

    device: str
    input: int = 0
    when_active: bool = True  # it says so when it is active; else when it is not


@dataclass(frozen=True, slots=True)
class FireZone:
    """A supervised loop from the fire panel, and what it means that its device is off line."""

    name: str
    loop: Input  # whole
    lost_is_fire: bool = False


@dataclass(frozen=True, slots=True)
class Door:
    """A door with its lock and what sees it."""

    name: str
    number: int
    label: Mapping[str, str]  # by language
    lock_device: str
    lock_output: int = 0
    contact: Input | None = None
    config: DoorConfig = field(default_factory=DoorConfig)
    rex: Input | None = None
    fire_zone: str = ""
    schedule: str = ""  # of the office: while it is open, the door stands unlocked
    may_block: bool = False  # who is inside gets out without any reader: it may be blocked
    opens_outwards_unrecorded: bool = False  # when no journal can be written

    @property
    def inputs(self) -> list[Input]:
        """What is wired to it, but for the fire loop."""
        return [each for each in (self.contact, self.rex) if each]


@dataclass(frozen=True, slots=True)
class Reader:
    """A device that reads: its Wiegand formats, how far its cards are to be trusted, and what its texts are."""

    name: str
    kind: str  # "osdp", "scanner" or "mqtt"
    formats: tuple[str, ...] = ()
    assurance: int = 0  # of a card: 1 over a secure channel
    plates: bool = False  # its texts are number plates, else codes
    takes: frozenset[CredentialType] = frozenset(CredentialType)  # what may be presented at it

    @property
    def best(self) -> dict[CredentialType, int]:
        """How far what it takes can be trusted."""
        return {each: min(BEST[each], self.assurance) if each in CARDS else BEST[each] for each in self.takes}


@dataclass(frozen=True, slots=True)
class Site:
    """All doors of this gateway."""

    number: int  # the audience of codes
    tz: tzinfo
    site_key: bytes = field(repr=False)
    doors: Sequence[Door] = ()
    points: Mapping[str, AccessPoint] = field(default_factory=dict)  # by reader
    readers: Sequence[Reader] = ()
    fire_zones: Sequence[FireZone] = ()
    interlocks: Sequence[tuple[str, ...]] = ()  # of these doors one at most is open
    static_codes: bool = False  # whether a fixed text in a QR code may open a door

    def readers_beside(self, reader: str) -> list[str]:
        """The readers of the same access point, itself among them."""
        return [each for each, point in self.points.items() if point.name == self.points[reader].name]

    @property
    def access_points(self) -> list[AccessPoint]:
        """Each access point once."""
        return list({point.name: point for point in self.points.values()}.values())

    @property
    def best(self) -> dict[str, dict[CredentialType, int]]:
        """By access point: how far each type is trusted at the best of its readers that take it."""
        found: dict[str, dict[CredentialType, int]] = {}
        for reader in self.readers:
            if (point := self.points.get(reader.name)) is not None:
                here = found.setdefault(point.name, {})
                here |= {each: max(n, here.get(each, n)) for each, n in reader.best.items()}
        return found

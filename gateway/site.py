"""The wiring as the door process needs it: plain values, made from the site file by the process's root."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from gateway.access.door import DoorConfig
from gateway.access.model import AccessPoint


@dataclass(frozen=True, slots=True)
class Contact:
    """The input that sees a door open."""

    device: str
    input: int = 0
    open_when_active: bool = True


@dataclass(frozen=True, slots=True)
class Door:
    """A door with its lock and contact."""

    name: str
    number: int
    label: Mapping[str, str]  # by language
    lock_device: str
    lock_output: int = 0
    contact: Contact | None = None
    config: DoorConfig = field(default_factory=DoorConfig)


@dataclass(frozen=True, slots=True)
class Reader:
    """A device that reads: its Wiegand formats, and how far its cards are to be trusted."""

    name: str
    kind: str  # "osdp", "scanner" or "mqtt"
    formats: tuple[str, ...] = ()
    assurance: int = 0  # of a card: 1 over a secure channel


@dataclass(frozen=True, slots=True)
class Site:
    """All doors of this gateway."""

    number: int  # the audience of codes
    tz: tzinfo
    site_key: bytes = field(repr=False)
    doors: Sequence[Door] = ()
    points: Mapping[str, AccessPoint] = field(default_factory=dict)  # by reader
    readers: Sequence[Reader] = ()

    @property
    def access_points(self) -> list[AccessPoint]:
        """Each access point once."""
        return list({point.name: point for point in self.points.values()}.values())

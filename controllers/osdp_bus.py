"""The OSDP control panel for one bus, sans-IO."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class OsdpReader:
    """A reader on a bus: its name, address (0 to 126) and 16-byte secure-channel base key."""

    name: str
    address: int
    scbk: bytes = field(repr=False)

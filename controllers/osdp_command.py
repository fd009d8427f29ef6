"""Commands that OSDP devices alone know, beside those of every driver. Each ends with one `Outcome`, as all do."""

from collections.abc import Callable
from dataclasses import dataclass, field

from controllers.driver import Command


@dataclass(frozen=True, slots=True)
class KeyCommand:
    """Give a device the key that it shall have (KEYSET, inside its secure channel)."""

    command_id: str
    device: str
    key: bytes = field(repr=False)
    deadline_mono_s: float


@dataclass(frozen=True, slots=True)
class TextCommand:
    """Show a text on a reader's display; ASCII, 32 characters at most."""

    command_id: str
    device: str
    text: str
    deadline_mono_s: float
    seconds: int = 0  # 0: until the next text
    row: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class AddressCommand:
    """Give a device another address and baud rate (COMSET). Then the wiring file must say so too."""

    command_id: str
    device: str
    address: int
    baud: int
    deadline_mono_s: float


def _no_progress(sent: int, size: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class FileCommand:
    """Send a file to a device (FILETRANSFER): a configuration or firmware in its maker's own form."""

    command_id: str
    device: str
    content: bytes = field(repr=False)
    deadline_mono_s: float
    kind: int = 1  # SIA OSDP v2.2 clause 6.26: 1 opaque, 128 to 255 private
    progress: Callable[[int, int], None] = field(default=_no_progress, compare=False, repr=False)  # bytes sent, of all


OsdpCommand = Command | KeyCommand | TextCommand | AddressCommand | FileCommand

"""The serial ports of this machine, and why one cannot be used."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

from controllers.errors import LinkLost
from controllers.serial_port import open_port

PROBE_BAUD = 9600


@dataclass(frozen=True, slots=True)
class Port:
    """A port. `stable` is a name that stays when the adapter is plugged in elsewhere or with others."""

    path: str
    what: str
    stable: str = ""


def ports(by_id: Path = Path("/dev/serial/by-id")) -> list[Port]:
    """Ports with hardware behind them."""
    stable = {str(link.resolve()): str(link) for link in by_id.iterdir()} if by_id.is_dir() else {}
    found = [each for each in list_ports.comports() if each.hwid != "n/a"]
    return [Port(each.device, each.description or "", stable.get(each.device, "")) for each in sorted(found)]


def fault(path: str) -> str:
    """What keeps a port from being used, as something to do; empty when it opens. It is opened for a moment."""
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return f"{path} is not there; plug it in, or mend `port`"
    if not stat.S_ISCHR(mode):
        return f"{path} is no serial port"
    if not os.access(path, os.R_OK | os.W_OK):
        return f"{path} may not be used by this user; add it to the group that owns it: usermod -aG dialout menjin"
    try:
        with open_port(path, PROBE_BAUD):
            return ""
    except LinkLost as error:
        held = "lock" in str(error) or "busy" in str(error)
        return f"{path} is held by another program (a running gateway?)" if held else str(error)

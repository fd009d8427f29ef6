"""What the routes stand on: plain values of the estate, and the services made from them."""

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from mgmt_api.database import Database
from mgmt_api.hub import Hub
from mgmt_api.keys import Keys
from mgmt_api.looks import Looks
from mgmt_api.passwords import Passwords
from mgmt_api.presence import Presence
from mgmt_api.recorders import RecorderAddress, Recorders


@dataclass(frozen=True, slots=True)
class CameraPlace:
    """A camera as it was wired: its name for people and the doors it sees."""

    name: str
    label: Mapping[str, str]
    doors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Estate:
    """What the process root knows and nobody else reads for himself."""

    site_id: int
    site_key: bytes
    data_dir: Path  # the plane's own folder
    name: Mapping[str, str] = field(default_factory=lambda: {"zh": "Menjin 门禁", "en": "Menjin"})
    timezone: str = "Asia/Shanghai"
    database_url: str = ""
    gateway_tokens: Mapping[str, str] = field(default_factory=dict)
    central_tokens: Mapping[str, str] = field(default_factory=dict)
    recorders: Sequence[RecorderAddress] = ()
    cameras: Sequence[CameraPlace] = ()
    issuer_key: EllipticCurvePrivateKey | None = None
    console_dir: Path = Path(__file__).parent / "console_dist"
    command_ttl_s: float = 5.0
    card_numbers: bool = False  # kept, sealed, for boards' own lists


class Tokens:
    """Bearer tokens of machines, compared in constant time."""

    def __init__(self, gateways: Mapping[str, str], central: Mapping[str, str]) -> None:
        self._known = [
            (hashlib.sha256(token.encode()).digest(), name, role)
            for role, tokens in (("gateway", gateways), ("central", central))
            for name, token in tokens.items()
        ]

    def find(self, token: str) -> tuple[str, str] | None:
        """(name, role) of the machine with this token."""
        offered, found = hashlib.sha256(token.encode()).digest(), None
        for known, name, role in self._known:
            if hmac.compare_digest(known, offered):
                found = (name, role)
        return found


class Plane:
    """The services of one management process."""

    def __init__(self, estate: Estate, clock: Callable[[], float] = time.time) -> None:
        self.estate = estate
        self.clock = clock
        url = estate.database_url or f"sqlite:///{estate.data_dir / 'api.db'}"
        estate.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.database = Database(url)
        self.keys = Keys(estate.site_key, estate.card_numbers)
        self.tokens = Tokens(estate.gateway_tokens, estate.central_tokens)
        self.passwords = Passwords()
        self.hub = Hub()
        self.presence = Presence()
        self.recorders = Recorders(estate.recorders)
        self.looks = Looks()
        self.cameras_of_doors: dict[str, list[str]] = {}
        for camera in estate.cameras:
            for door in camera.doors:
                self.cameras_of_doors.setdefault(door, []).append(camera.name)

    def now(self) -> int:
        """Unix seconds."""
        return int(self.clock())

    def today(self) -> date:
        """The site's date."""
        return datetime.fromtimestamp(self.clock(), ZoneInfo(self.estate.timezone)).date()

    def close(self) -> None:
        """Let go of threads and connections."""
        self.passwords.close()
        self.database.close()

"""A small estate for the tests of the door process: rows, wiring, a driver that records, real signatures."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from controllers.driver import (
    Capabilities,
    CardRead,
    Command,
    FeedbackCommand,
    InputState,
    LinkState,
    LockCommand,
    Outcome,
    Result,
    Seen,
    Sink,
    TextRead,
)
from controllers.wiegand import encode
from gateway.access import mj1
from gateway.access.door import DoorConfig
from gateway.access.identifier import card_value, identifier_key
from gateway.access.model import AccessPoint
from gateway.site import Door, Input, Reader, Site

SITE_KEY = bytes(range(32))
SITE = 4097
ZONE = "building-1"
HANDLE = bytes.fromhex("0102030405060708")


def site() -> Site:
    """Two doors: an OSDP reader with a contact, and a scanner beside it; an MQTT door."""
    lobby = AccessPoint("lobby-in", "lobby", 1, "estate", ZONE)
    club = AccessPoint("club-in", "club", 2, "estate", "club")
    config = DoorConfig(strike_s=0.3, held_open_s=0.6, pre_alarm_s=0.2, grace_s=0.1)
    return Site(
        SITE,
        ZoneInfo("Asia/Shanghai"),
        SITE_KEY,
        (
            Door("lobby", 1, {"zh": "大堂", "en": "Lobby"}, "lobby-1", 0, Input("lobby-1"), config),
            Door("club", 2, {"zh": "会所", "en": "Clubhouse"}, "club-1"),
        ),
        {"lobby-1": lobby, "scan-1": lobby, "club-1": club},
        (Reader("lobby-1", "osdp", ("H10301",), 1), Reader("scan-1", "scanner"), Reader("club-1", "mqtt", ("H10301",))),
    )


def card_key(card: int, facility: int = 7) -> bytes:
    return identifier_key(SITE_KEY, "card", "H10301", card_value(facility, card))


def credential(card: int, **changes: Any) -> dict[str, Any]:
    """A card credential as the plane sends it."""
    now = int(time.time())
    body = {"id": f"c-{card}", "key": card_key(card).hex(), "type": "card", "holder": f"r-{card}"}
    body |= {"holder_class": "resident", "state": "enabled", "profiles": ["residents"], "valid_from": None}
    return body | {"valid_to": None, "refreshed_at": now, "public_key": ""} | changes


def live_credential(phone: "Key") -> dict[str, Any]:
    key = identifier_key(SITE_KEY, "live", "MJ1", HANDLE.hex())
    return credential(0, id="live-1", key=key.hex(), type="live", public_key=phone.public.hex())


def rows(*credentials: dict[str, Any], issuers: tuple[dict[str, Any], ...] = ()) -> dict[str, list[dict[str, Any]]]:
    """The six lists: residents may enter building 1 always, visitors the club."""
    always = [{"weekday": day, "start": 0, "end": 1440} for day in range(1, 8)]
    return {
        "zones": [{"id": ZONE, "parent": None, "public": False}, {"id": "club", "parent": None, "public": True}],
        "schedules": [{"id": "always", "windows": always}],
        "profiles": [
            {"id": "residents", "number": 1, "policies": [{"schedule": "always", "zone": ZONE}]},
            {"id": "visitors", "number": 2, "policies": [{"schedule": "always", "zone": "club"}]},
        ],
        "credentials": list(credentials),
        "issuers": list(issuers),
        "denied": [],
    }


@dataclass
class Key:
    """A P-256 key of a phone or issuer."""

    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    def text(self, signed: bytes) -> str:
        r, s = decode_dss_signature(self.private.sign(signed, ec.ECDSA(SHA256())))
        return mj1.encode(signed, r.to_bytes(32) + s.to_bytes(32))

    def live(self, iat: float, kid: int = 0, **fields: int) -> str:
        return self.text(mj1.live_signed(kid, HANDLE, fields.pop("site", SITE), int(iat), **fields))


class RecordingDriver:
    """A driver of all devices of `site`: keeps what it is told and when, and answers as `answer` says."""

    name = "recorder"

    def __init__(self, sink: Sink, answer: Result | None = Result.DONE) -> None:
        self._sink, self.answer = sink, answer
        self.commands: list[Command] = []
        self.on_lock: Callable[[LockCommand], None] = lambda command: None

    def devices(self) -> dict[str, Capabilities]:
        return {
            "lobby-1": Capabilities(cards=True, keys=True, inputs=4, outputs=1, feedback=True, secure=True),
            "scan-1": Capabilities(text=True),
            "club-1": Capabilities(cards=True, inputs=1, outputs=1, feedback=True),
        }

    def run(self, stop: threading.Event) -> None:
        for device in self.devices():
            self._sink(LinkState(device, True, True, "connected", seen()))
        stop.wait()

    def submit(self, command: Command) -> None:
        if isinstance(command, LockCommand):
            self.on_lock(command)
        self.commands.append(command)
        if isinstance(command, LockCommand) and self.answer is not None:
            self._sink(Outcome(command.command_id, command.device, self.answer, "", seen()))

    @property
    def locks(self) -> list[LockCommand]:
        return [each for each in self.commands if isinstance(each, LockCommand)]

    @property
    def signals(self) -> list[tuple[str, str]]:
        return [(each.device, each.signal) for each in self.commands if isinstance(each, FeedbackCommand)]


def seen(*, stale: bool = False, ago_s: float = 0.0) -> Seen:
    return Seen(time.monotonic() - ago_s, time.time() - ago_s, 1, stale)


def card_read(card: int, reader: str = "lobby-1", **how: Any) -> CardRead:
    bits, count = encode("H10301", 7, card)
    return CardRead(reader, bits, count, seen(**how))


def text_read(text: str, reader: str = "scan-1") -> TextRead:
    return TextRead(reader, text, seen())


def contact(*, is_open: bool) -> InputState:
    return InputState("lobby-1", (is_open,), seen())


@contextmanager
def small_disk(folder: Path, size: str = "1m") -> Iterator[Path]:
    """A tmpfs of this size: a disk that is soon full."""
    import subprocess

    folder.mkdir(exist_ok=True)
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["/bin/umount", "-l", str(folder)], check=True)

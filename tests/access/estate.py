"""One small estate for the sentences: a street, an estate (public), a block in it, a plant room in the block."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway.access.decision import Card, DenyReason, Granted, Live, Pass, Presented, decide
from gateway.access.generation import build
from gateway.access.mj1 import LiveCode, VisitorPass
from gateway.access.model import (
    AccessPoint,
    AccessPolicy,
    AccessProfile,
    Credential,
    CredentialState,
    CredentialType,
    HolderClass,
    IssuerKey,
    Row,
    Schedule,
    Window,
    Zone,
)
from gateway.access.table import PermissionTable
from tests.access.worlds import SITE, Memory

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)  # a Wednesday, 12:00 in Shanghai
NOW = int(NOON.timestamp())
HANDLE = b"handle-1"

GATE_IN = AccessPoint("gate-in", "gate", 1, "street", "estate")
GATE_OUT = AccessPoint("gate-out", "gate", 1, "estate", "street")
LOBBY_IN = AccessPoint("lobby-in", "lobby", 2, "estate", "block")
LOBBY_OUT = AccessPoint("lobby-out", "lobby", 2, "block", "estate")
PLANT_IN = AccessPoint("plant-in", "plant", 3, "block", "plant", min_assurance=1)
VAULT_IN = AccessPoint("vault-in", "vault", 4, "estate", "vault", min_assurance=2)
POINTS = (GATE_IN, GATE_OUT, LOBBY_IN, LOBBY_OUT, PLANT_IN, VAULT_IN)

ALWAYS = Schedule("always", tuple(Window(weekday, 0, 1440) for weekday in range(1, 8)))
OFFICE = Schedule("office", tuple(Window(weekday, 540, 1080) for weekday in range(1, 6)))
ROWS: tuple[Row, ...] = (
    Zone("street"),
    Zone("estate", public=True),
    Zone("block", "estate"),
    Zone("plant", "block"),
    Zone("vault", "estate"),
    ALWAYS,
    OFFICE,
    AccessProfile("home", 1, (AccessPolicy("always", zone="estate"), AccessPolicy("always", zone="block"))),
    AccessProfile("work", 2, (AccessPolicy("office", zone="block"), AccessPolicy("office", access_point="plant-in"))),
    AccessProfile("visit", 3, (AccessPolicy("office", zone="estate"), AccessPolicy("office", zone="block"))),
    AccessProfile("secure", 4, (AccessPolicy("always", zone="vault"), AccessPolicy("nowhere", zone="plant"))),
    IssuerKey(1, bytes.fromhex("036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")),  # P-256's G
)


def credential(number: int = 1, **fields: object) -> Credential:
    base = Credential(
        id=f"c{number}",
        key=bytes([number]) * 16,
        type=CredentialType.CARD,
        holder="r1",
        holder_class=HolderClass.RESIDENT,
        state=CredentialState.ENABLED,
        profiles=("home",),
    )
    return Credential(**{name: fields.get(name, getattr(base, name)) for name in Credential._fields})


def table(*rows: Row) -> PermissionTable:
    return PermissionTable.load(build((*ROWS, *rows), 1), POINTS, SHANGHAI, site=SITE)


def card(number: int = 1, assurance: int = 0) -> Card:
    return Card(bytes([number]) * 16, assurance)


def live(iat: int = NOW, *, site: int = SITE, flags: int = 0, door: int = 0, signature_ok: bool = True) -> Live:
    return Live(bytes([1]) * 16, LiveCode(0, HANDLE, site, iat, flags, door, b"", b""), signature_ok)


def visit(
    *, kid: int = 1, site: int = SITE, nbf: int = NOW, exp: int = NOW + 60, profile: int = 3, max_uses: int = 2
) -> Pass:
    return Pass(VisitorPass(kid, b"pass-001", site, nbf, exp, profile, 0, max_uses, b"", b""), signature_ok=True)


@dataclass
class Door:
    """Asks one access point."""

    table: PermissionTable
    point: AccessPoint = GATE_IN
    memory: Memory = field(default_factory=lambda: Memory({}, {}))

    def ask(self, presented: Presented, at: datetime = NOON) -> Granted | DenyReason:
        result = decide(self.table, self.memory, self.point, presented, at)
        return result if isinstance(result, Granted) else result.reason

"""The rules once more, slow and obvious, over lists of rows: what `decide` must agree with."""

from datetime import datetime, tzinfo

from gateway.access.mj1 import SOFTWARE_KEY
from gateway.access.model import (
    AccessPoint,
    AccessPolicy,
    AccessProfile,
    Credential,
    DeniedPass,
    IssuerKey,
    Row,
    Schedule,
    Zone,
)
from gateway.access.presented import Card, Live, Pass
from tests.access.worlds import SITE, World


def answer(world: World, tz: tzinfo) -> str | set[str]:
    """A reason, or the names of the policies of which each grants."""
    shown, now = world.presented, world.at.timestamp()
    code = None if isinstance(shown, Card) else shown.code
    if code and code.site != SITE:
        return "WrongSite"
    if isinstance(shown, Pass):
        return pass_fault(world, shown, now) or rights_answer(world, tz, [_numbered(world.rows, shown.code.profile)])
    found = [row for row in world.rows if isinstance(row, Credential) and row.key == shown.key]
    if not found:
        return "CredentialNotFound"
    if isinstance(shown, Live) and not shown.signature_ok:
        return "BadSignature"
    fault = credential_fault(world, found[0], now) or assurance_fault(world)
    if isinstance(shown, Live):
        fault = fault or live_fault(world, shown, now)
    return fault or rights_answer(world, tz, list(found[0].profiles))


def pass_fault(world: World, shown: Pass, now: float) -> str:
    code = shown.code
    if not any(isinstance(row, IssuerKey) and row.kid == code.kid for row in world.rows):
        return "UnknownIssuer"
    if not shown.signature_ok:
        return "BadSignature"
    if any(isinstance(row, DeniedPass) and row.pass_id == code.pass_id for row in world.rows):
        return "PassDenied"
    if world.point.min_assurance > 1:
        return "AssuranceTooLow"
    if now < code.nbf - 60:
        return "CodeFromFuture"
    if now >= code.exp:
        return "CodeExpired"
    if world.memory.used.get(code.pass_id, 0) >= code.max_uses:
        return "UsedUp"
    return ""


def credential_fault(world: World, row: Credential, now: float) -> str:
    leases = world.limits.leases
    lease = {
        "resident": leases.resident_s,
        "staff": leases.staff_s,
        "visitor": leases.visitor_s,
        "emergency": leases.emergency_s,
    }[row.holder_class.value]
    if row.state.value != "enabled":
        return "CredentialNotEnabled"
    if row.valid_from is not None and now < row.valid_from:
        return "CredentialNotActive"
    if row.valid_to is not None and not now < row.valid_to:
        return "CredentialExpired"
    if row.refreshed_at and lease is not None and not now < row.refreshed_at + lease:
        return "LeaseExpired"
    return ""


def assurance_fault(world: World) -> str:
    shown = world.presented
    level = shown.assurance if isinstance(shown, Card) else 2
    if isinstance(shown, Live) and shown.code.flags & SOFTWARE_KEY:
        level = 1
    return "AssuranceTooLow" if level < world.point.min_assurance else ""


def live_fault(world: World, shown: Live, now: float) -> str:
    code = shown.code
    if code.door != 0 and code.door != world.point.door_number:
        return "WrongDoor"
    if code.iat - now > 15:
        return "CodeFromFuture"
    if now - code.iat > 30:
        return "CodeExpired"
    if code.handle in world.memory.iats and code.iat <= world.memory.iats[code.handle]:
        return "Replayed"
    return ""


def rights_answer(world: World, tz: tzinfo, profiles: list[str]) -> str | set[str]:
    rows, point = world.rows, world.point
    covering = [
        (row.id, policy.schedule)
        for row in rows
        if isinstance(row, AccessProfile) and row.id in profiles
        for policy in row.policies
        if covers(rows, policy, point)
    ]
    if not covering:
        return "Unauthorized"
    if isinstance(world.presented, Pass) and not open_to_visitors(rows, point):
        return "NotPublic"
    now_open = {f"{profile}/{name}" for profile, name in covering if is_open(rows, name, world.at.astimezone(tz))}
    return now_open or "NotPermittedAtThisTime"


def covers(rows: list[Row], policy: AccessPolicy, point: AccessPoint) -> bool:
    if policy.access_point is not None:
        return policy.access_point == point.name
    return policy.zone == point.zone_to or (
        policy.zone == point.zone_from and policy.zone not in ancestry(rows, point.zone_to)
    )


def ancestry(rows: list[Row], zone: str) -> list[str]:
    """The zone and all that it lies in."""
    chain = [zone]
    while (parent := _parent(rows, chain[-1])) is not None and parent not in chain:
        chain.append(parent)
    return chain


def open_to_visitors(rows: list[Row], point: AccessPoint) -> bool:
    if any(isinstance(row, Zone) and row.id == point.zone_to and row.public for row in rows):
        return True
    if point.zone_from == point.zone_to:
        return False
    outwards = point.zone_to in ancestry(rows, point.zone_from)
    outermost = _parent(rows, point.zone_to) is None
    return outwards or (outermost and point.zone_from not in ancestry(rows, point.zone_to))


def is_open(rows: list[Row], name: str, local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    return any(
        window.weekday == local.isoweekday() and window.start <= minute < window.end
        for row in rows
        if isinstance(row, Schedule) and row.id == name
        for window in row.windows
    )


def _parent(rows: list[Row], zone: str) -> str | None:
    return next((row.parent for row in rows if isinstance(row, Zone) and row.id == zone), None)


def _numbered(rows: list[Row], number: int) -> str:
    return next((row.id for row in rows if isinstance(row, AccessProfile) and row.number == number), "")
